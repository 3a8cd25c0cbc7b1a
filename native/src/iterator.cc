#include "link.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <bpf/bpf.h>
#include <unistd.h>

#include "arguments.h"

namespace bpf {

namespace {

/** Reads to the end; returns 0 or the errno. */
int ReadAll(int descriptor, std::vector<uint8_t> &output) {
    constexpr size_t chunk = 256 * 1024;
    size_t filled = 0;
    for (;;) {
        output.resize(filled + chunk);
        const ssize_t got = read(descriptor, output.data() + filled, chunk);
        // EAGAIN: the iterator met many items in a row that printed nothing, and yields.
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return errno;
        if (got > 0)
            filled += static_cast<size_t>(got);
        if (got == 0)
            break;
    }
    output.resize(filled);
    return 0;
}

} // namespace

Napi::Function Iterator::Define(Napi::Env env) {
    return DefineClass(env, "Iterator",
                       {InstanceMethod<&Iterator::Read>("read"), InstanceMethod<&Iterator::Close>("close")});
}

Iterator::Iterator(const Napi::CallbackInfo &info) : ObjectWrap(info) {
    auto state = Object::StateOf(info);
    const std::string name = StringArgument(info, 1, "program");
    bpf_program *program = state->LoadedProgram(info.Env(), "iterator", name);
    if (bpf_program__expected_attach_type(program) != BPF_TRACE_ITER)
        Reject(info.Env(), "iterator", "program '" + name + "' is not an iterator", EINVAL);

    bpf_iter_link_info target = {};
    LIBBPF_OPTS(bpf_iter_attach_opts, options);
    if (!info[2].IsUndefined()) {
        const std::string map = StringArgument(info, 2, "map");
        target.map.map_fd =
            static_cast<uint32_t>(bpf_map__fd(state->CreatedMap(info.Env(), "iterator", map)));
        options.link_info = &target;
        options.link_info_len = sizeof(target);
    }
    LogCapture log;
    bpf_link *link = bpf_program__attach_iter(program, &options);
    if (!link)
        Fail(info.Env(), "iterator", "cannot attach iterator '" + name + "'", errno);
    owned.Adopt(std::move(state), std::make_shared<LinkResource>(link));
}

Napi::Value Iterator::Read(const Napi::CallbackInfo &info) {
    const auto resource = owned.Use(info.Env(), "read");
    const int descriptor = bpf_iter_create(bpf_link__fd(resource->link));
    if (descriptor < 0)
        Fail(info.Env(), "read", "cannot start the iterator", -descriptor);
    std::vector<uint8_t> output;
    const int error = ReadAll(descriptor, output);
    close(descriptor);
    if (error)
        Fail(info.Env(), "read", "cannot read the iterator", error);
    auto bytes = Napi::Uint8Array::New(info.Env(), output.size());
    if (!output.empty())
        memcpy(bytes.Data(), output.data(), output.size());
    return bytes;
}

void Iterator::Close(const Napi::CallbackInfo &) {
    owned.Close();
}

} // namespace bpf
