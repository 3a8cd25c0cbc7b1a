#include "object.h"

#include <cerrno>

#include <bpf/bpf.h>
#include <unistd.h>

#include "arguments.h"

namespace bpf {

namespace {

/** libbpf takes any map; a program that finds another one than it was compiled for fails with less clarity.
 */
bool IsAlike(const bpf_map *map, const bpf_map_info &existing) {
    return bpf_map__type(map) == static_cast<bpf_map_type>(existing.type) &&
           bpf_map__key_size(map) == existing.key_size && bpf_map__value_size(map) == existing.value_size;
}

} // namespace

void Object::ReuseMap(const Napi::CallbackInfo &info) {
    const std::string name = StringArgument(info, 0, "map");
    const uint32_t id = CountArgument(info, 1, "id");
    const std::string what = "cannot use map " + std::to_string(id) + " as '" + name + "'";
    state->BeforeLoad(info.Env(), "reuseMap");
    bpf_map *map = state->Map(info.Env(), "reuseMap", name);
    const int descriptor = bpf_map_get_fd_by_id(id);
    if (descriptor < 0)
        Fail(info.Env(), "reuseMap", what, -descriptor);
    bpf_map_info existing = {};
    uint32_t size = sizeof(existing);
    int result = bpf_obj_get_info_by_fd(descriptor, &existing, &size);
    const bool alike = result == 0 && IsAlike(map, existing);
    if (alike)
        result = bpf_map__reuse_fd(map, descriptor);
    close(descriptor);
    if (result)
        Fail(info.Env(), "reuseMap", what, -result);
    if (!alike)
        Reject(info.Env(), "reuseMap", what + ": its type or the size of its keys or values is another",
               EINVAL);
}

} // namespace bpf
