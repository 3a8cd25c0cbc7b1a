#include "stats.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include "error.h"

namespace bpf {

Napi::Function Stats::Define(Napi::Env env) {
    return DefineClass(env, "Stats", {InstanceMethod<&Stats::Close>("close")});
}

Stats::Stats(const Napi::CallbackInfo &info)
    : ObjectWrap(info), descriptor(bpf_enable_stats(BPF_STATS_RUN_TIME)) {
    if (descriptor < 0)
        Fail(info.Env(), "enableStats", "cannot have the kernel time BPF programs", -descriptor);
}

Stats::~Stats() {
    Stop();
}

void Stats::Close(const Napi::CallbackInfo &) {
    Stop();
}

void Stats::Stop() {
    if (descriptor >= 0)
        close(descriptor);
    descriptor = -1;
}

} // namespace bpf
