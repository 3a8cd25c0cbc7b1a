#include "link.h"

#include <cerrno>

#include "arguments.h"

namespace bpf {

Napi::Function Link::Define(Napi::Env env) {
    return DefineClass(env, "Link", {InstanceMethod<&Link::Close>("close")});
}

Link::Link(const Napi::CallbackInfo &info) : ObjectWrap(info) {
    auto state = Object::StateOf(info);
    const std::string name = StringArgument(info, 1, "program");
    bpf_program *program = state->LoadedProgram(info.Env(), "attach", name);
    LogCapture log;
    bpf_link *link = bpf_program__attach(program);
    if (!link)
        Fail(info.Env(), "attach", "cannot attach program '" + name + "'", errno);
    owned.Adopt(std::move(state), std::make_shared<LinkResource>(link));
}

void Link::Close(const Napi::CallbackInfo &) {
    owned.Close();
}

} // namespace bpf
