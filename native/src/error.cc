#include "error.h"

#include <cstdarg>
#include <cstdio>

#include <bpf/libbpf.h>

namespace bpf {

namespace {

// A plain pointer: a thread_local with a destructor would keep the addon loaded after its worker has ended.
thread_local LogCapture *capture = nullptr;

int Print(libbpf_print_level level, const char *format, va_list arguments) {
    if (!capture || level != LIBBPF_WARN)
        return 0;
    va_list measured;
    va_copy(measured, arguments);
    const int length = vsnprintf(nullptr, 0, format, measured);
    va_end(measured);
    if (length <= 0)
        return 0;
    const size_t before = capture->text.size();
    capture->text.resize(before + static_cast<size_t>(length) + 1);
    vsnprintf(&capture->text[before], static_cast<size_t>(length) + 1, format, arguments);
    capture->text.pop_back();
    return length;
}

[[noreturn]] void Throw(Napi::Env env, const char *operation, const std::string &message, int error,
                        const std::string &log) {
    const auto make = env.GetInstanceData<Environment>()->makeError.Value();
    throw Napi::Error(env, make.Call({Napi::String::New(env, operation), Napi::String::New(env, message),
                                      Napi::Number::New(env, error), Napi::String::New(env, log)}));
}

} // namespace

LogCapture::LogCapture() : outer(capture) {
    capture = this;
}

LogCapture::~LogCapture() {
    capture = outer;
}

void InstallLogCapture() {
    libbpf_set_print(Print);
}

void Fail(Napi::Env env, const char *operation, const std::string &what, int error) {
    char reason[128];
    libbpf_strerror(error, reason, sizeof(reason));
    Throw(env, operation, what + ": " + reason, error, capture ? capture->text : "");
}

void Reject(Napi::Env env, const char *operation, const std::string &message, int error) {
    Throw(env, operation, message, error, "");
}

void RejectClosed(Napi::Env env, const char *operation) {
    Throw(env, operation, std::string(operation) + ": the handle is closed", 0, "");
}

} // namespace bpf
