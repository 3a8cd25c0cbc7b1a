#pragma once

#include <memory>
#include <string>

#include <bpf/btf.h>
#include <napi.h>

namespace bpf {

/** What one JavaScript environment (the main thread or a worker) owns beside its handles. */
struct Environment {
    /** Makes the BpfError; see lib/error.ts. */
    Napi::FunctionReference makeError;
    std::unique_ptr<btf, decltype(&btf__free)> kernelBtf{nullptr, btf__free};
};

/**
 * Collects what libbpf logs on this thread while it lives; libbpf never writes to stderr. Captures nest: the
 * innermost wins.
 */
class LogCapture {
  public:
    LogCapture();
    ~LogCapture();
    LogCapture(const LogCapture &) = delete;
    LogCapture &operator=(const LogCapture &) = delete;

    std::string text;

  private:
    LogCapture *outer;
};

/** Sends libbpf's log lines to the captures. Any environment may call it again. */
void InstallLogCapture();

/** Throws the BpfError for a call that the kernel or libbpf refused: `what` names it, `error` is a positive
 * errno. */
[[noreturn]] void Fail(Napi::Env env, const char *operation, const std::string &what, int error);

/** Throws the BpfError for a request that is wrong whatever the kernel says. */
[[noreturn]] void Reject(Napi::Env env, const char *operation, const std::string &message, int error);

/** Throws the BpfError for a handle that was closed: its errno is 0. */
[[noreturn]] void RejectClosed(Napi::Env env, const char *operation);

} // namespace bpf
