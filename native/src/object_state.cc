#include "object.h"

#include <cerrno>

namespace bpf {

void ObjectState::Close() {
    resources.clear();
    bpf_object__close(object);
    object = nullptr;
}

bpf_object *ObjectState::NotClosed(Napi::Env env, const char *operation) const {
    if (!object)
        RejectClosed(env, operation);
    return object;
}

bpf_object *ObjectState::BeforeLoad(Napi::Env env, const char *operation) const {
    NotClosed(env, operation);
    if (stage != Stage::opened)
        Reject(env, operation, std::string(operation) + ": too late, the object was loaded already", EINVAL);
    return object;
}

bpf_object *ObjectState::Loaded(Napi::Env env, const char *operation) const {
    NotClosed(env, operation);
    if (stage != Stage::loaded)
        Reject(env, operation, std::string(operation) + ": the object is not loaded", EINVAL);
    return object;
}

bpf_program *ObjectState::Program(Napi::Env env, const char *operation, const std::string &name) const {
    bpf_program *program = bpf_object__find_program_by_name(NotClosed(env, operation), name.c_str());
    if (!program)
        Reject(env, operation, "there is no program '" + name + "' in the object", ENOENT);
    return program;
}

bpf_map *ObjectState::Map(Napi::Env env, const char *operation, const std::string &name) const {
    bpf_map *map = bpf_object__find_map_by_name(NotClosed(env, operation), name.c_str());
    if (!map)
        Reject(env, operation, "there is no map '" + name + "' in the object", ENOENT);
    return map;
}

bpf_program *ObjectState::LoadedProgram(Napi::Env env, const char *operation, const std::string &name) const {
    Loaded(env, operation);
    bpf_program *program = Program(env, operation, name);
    if (bpf_program__fd(program) < 0)
        Reject(env, operation, "program '" + name + "' was not loaded: its autoload is off", EINVAL);
    return program;
}

bpf_map *ObjectState::CreatedMap(Napi::Env env, const char *operation, const std::string &name) const {
    Loaded(env, operation);
    bpf_map *map = Map(env, operation, name);
    if (bpf_map__fd(map) < 0)
        Reject(env, operation, "map '" + name + "' was not created: its autocreate is off", EINVAL);
    return map;
}

} // namespace bpf
