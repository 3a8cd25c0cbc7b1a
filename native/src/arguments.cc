#include "arguments.h"

namespace bpf {

namespace {

[[noreturn]] void Refuse(const Napi::CallbackInfo &info, const char *name, const char *needed) {
    throw Napi::TypeError::New(info.Env(), std::string(name) + " must be " + needed);
}

} // namespace

std::string StringArgument(const Napi::CallbackInfo &info, size_t index, const char *name) {
    if (!info[index].IsString())
        Refuse(info, name, "a string");
    return info[index].As<Napi::String>().Utf8Value();
}

bool BooleanArgument(const Napi::CallbackInfo &info, size_t index, const char *name) {
    if (!info[index].IsBoolean())
        Refuse(info, name, "a boolean");
    return info[index].As<Napi::Boolean>().Value();
}

uint32_t CountArgument(const Napi::CallbackInfo &info, size_t index, const char *name) {
    const double value = info[index].IsNumber() ? info[index].As<Napi::Number>().DoubleValue() : -1;
    if (!(value >= 0 && value <= UINT32_MAX) || value != static_cast<uint32_t>(value))
        Refuse(info, name, "an integer from 0 to 4294967295");
    return static_cast<uint32_t>(value);
}

Bytes BytesArgument(const Napi::CallbackInfo &info, size_t index, const char *name) {
    if (!info[index].IsTypedArray() ||
        info[index].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
        Refuse(info, name, "a Uint8Array");
    auto array = info[index].As<Napi::Uint8Array>();
    return {array.Data(), array.ByteLength()};
}

} // namespace bpf
