#include <napi.h>

#include <unistd.h>

#include "error.h"
#include "events.h"
#include "kernel_btf.h"
#include "link.h"
#include "map.h"
#include "object.h"
#include "privileges.h"
#include "stats.h"
#include "unix_datagram.h"

namespace bpf {

namespace {

void SetErrorFactory(const Napi::CallbackInfo &info) {
    info.Env().GetInstanceData<Environment>()->makeError = Napi::Persistent(info[0].As<Napi::Function>());
}

Napi::Value PossibleCpus(const Napi::CallbackInfo &info) {
    LogCapture log;
    const int count = libbpf_num_possible_cpus();
    if (count < 0)
        Fail(info.Env(), "possibleCpus", "cannot count the possible CPUs", -count);
    return Napi::Number::New(info.Env(), count);
}

} // namespace

// Nothing here needs an exit hook: at the end of an environment Node-API finalizes every handle, and the last
// handle of an object closes it.
Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
    InstallLogCapture();
    env.SetInstanceData(new Environment);
    exports["Object"] = Object::Define(env);
    exports["Link"] = Link::Define(env);
    exports["Iterator"] = Iterator::Define(env);
    exports["Map"] = Map::Define(env);
    exports["Events"] = Events::Define(env);
    exports["Stats"] = Stats::Define(env);
    exports["UnixDatagram"] = UnixDatagram::Define(env);
    exports["kernelBtf"] = DefineKernelBtf(env);
    DefinePrivileges(env, exports);
    exports["setErrorFactory"] = Napi::Function::New(env, SetErrorFactory, "setErrorFactory");
    exports["possibleCpus"] = Napi::Function::New(env, PossibleCpus, "possibleCpus");
    exports["libbpfVersion"] = libbpf_version_string();
    exports["pageSize"] = static_cast<double>(sysconf(_SC_PAGESIZE));
    return exports;
}

} // namespace bpf

static Napi::Object InitializeAddon(Napi::Env env, Napi::Object exports) {
    return bpf::Initialize(env, exports);
}

NODE_API_MODULE(bpf, InitializeAddon)
