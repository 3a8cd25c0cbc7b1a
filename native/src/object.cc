#include "object.h"

#include <cerrno>
#include <cstring>

#include <bpf/bpf.h>

#include "arguments.h"

namespace bpf {

namespace {

/** The bytes of a read-only global before load: libbpf copies them into the map that it makes. */
Bytes FindGlobal(bpf_object *object, const std::string &name) {
    const btf *types = bpf_object__btf(object);
    for (uint32_t id = 1; types && id < btf__type_cnt(types); id++) {
        const btf_type *section = btf__type_by_id(types, id);
        if (!btf_is_datasec(section))
            continue;
        const char *sectionName = btf__name_by_offset(types, section->name_off);
        if (strncmp(sectionName, ".rodata", strlen(".rodata")) != 0)
            continue;
        bpf_map *map = bpf_object__find_map_by_name(object, sectionName);
        if (!map)
            continue;
        size_t size = 0;
        auto *memory = static_cast<const uint8_t *>(bpf_map__initial_value(map, &size));
        const btf_var_secinfo *variable = btf_var_secinfos(section);
        for (int i = 0; memory && i < btf_vlen(section); i++, variable++) {
            const btf_type *type = btf__type_by_id(types, variable->type);
            if (name == btf__name_by_offset(types, type->name_off) &&
                static_cast<size_t>(variable->offset) + variable->size <= size)
                return {const_cast<uint8_t *>(memory) + variable->offset, variable->size};
        }
    }
    return {nullptr, 0};
}

} // namespace

Napi::Function Object::Define(Napi::Env env) {
    return DefineClass(env, "Object",
                       {
                           InstanceMethod<&Object::ProgramNames>("programNames"),
                           InstanceMethod<&Object::MapNames>("mapNames"),
                           InstanceMethod<&Object::SetGlobal>("setGlobal"),
                           InstanceMethod<&Object::SetAutoload>("setAutoload"),
                           InstanceMethod<&Object::SetMapMaxEntries>("setMapMaxEntries"),
                           InstanceMethod<&Object::SetMapAutocreate>("setMapAutocreate"),
                           InstanceMethod<&Object::ReuseMap>("reuseMap"),
                           InstanceMethod<&Object::Load>("load"),
                           InstanceMethod<&Object::ProgramInfo>("programInfo"),
                           InstanceMethod<&Object::TestRun>("testRun"),
                           InstanceMethod<&Object::Close>("close"),
                       });
}

std::shared_ptr<ObjectState> Object::StateOf(const Napi::CallbackInfo &info) {
    return Unwrap(info[0].As<Napi::Object>())->state;
}

Object::Object(const Napi::CallbackInfo &info) : ObjectWrap(info) {
    const Bytes bytes = BytesArgument(info, 0, "bytes");
    const std::string name = StringArgument(info, 1, "name");
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name.c_str());
    LogCapture log;
    bpf_object *object = bpf_object__open_mem(bytes.data, bytes.size, &options);
    if (!object)
        Fail(info.Env(), "open", "cannot open '" + name + "' as a BPF object", errno);
    state = std::make_shared<ObjectState>(object);
}

Napi::Value Object::ProgramNames(const Napi::CallbackInfo &info) {
    auto names = Napi::Array::New(info.Env());
    bpf_program *program;
    bpf_object__for_each_program(program, state->NotClosed(info.Env(), "programNames"))
        names[names.Length()] = bpf_program__name(program);
    return names;
}

Napi::Value Object::MapNames(const Napi::CallbackInfo &info) {
    auto names = Napi::Array::New(info.Env());
    bpf_map *map;
    bpf_object__for_each_map(map, state->NotClosed(info.Env(), "mapNames")) names[names.Length()] =
        bpf_map__name(map);
    return names;
}

void Object::SetGlobal(const Napi::CallbackInfo &info) {
    const std::string name = StringArgument(info, 0, "name");
    const Bytes value = BytesArgument(info, 1, "value");
    const Bytes global = FindGlobal(state->BeforeLoad(info.Env(), "setGlobal"), name);
    if (!global.data)
        Reject(info.Env(), "setGlobal", "there is no read-only global '" + name + "' in the object", ENOENT);
    if (value.size != global.size)
        Reject(info.Env(), "setGlobal",
               "global '" + name + "' has " + std::to_string(global.size) + " bytes, the value " +
                   std::to_string(value.size),
               EINVAL);
    memcpy(global.data, value.data, value.size);
}

void Object::SetAutoload(const Napi::CallbackInfo &info) {
    const std::string name = StringArgument(info, 0, "program");
    const bool on = BooleanArgument(info, 1, "on");
    state->BeforeLoad(info.Env(), "setAutoload");
    const int result = bpf_program__set_autoload(state->Program(info.Env(), "setAutoload", name), on);
    if (result)
        Fail(info.Env(), "setAutoload", "cannot choose program '" + name + "'", -result);
}

void Object::SetMapMaxEntries(const Napi::CallbackInfo &info) {
    const std::string name = StringArgument(info, 0, "map");
    const uint32_t entries = CountArgument(info, 1, "n");
    state->BeforeLoad(info.Env(), "setMapMaxEntries");
    const int result = bpf_map__set_max_entries(state->Map(info.Env(), "setMapMaxEntries", name), entries);
    if (result)
        Fail(info.Env(), "setMapMaxEntries", "cannot resize map '" + name + "'", -result);
}

void Object::SetMapAutocreate(const Napi::CallbackInfo &info) {
    const std::string name = StringArgument(info, 0, "map");
    const bool on = BooleanArgument(info, 1, "on");
    state->BeforeLoad(info.Env(), "setMapAutocreate");
    const int result = bpf_map__set_autocreate(state->Map(info.Env(), "setMapAutocreate", name), on);
    if (result)
        Fail(info.Env(), "setMapAutocreate", "cannot choose map '" + name + "'", -result);
}

void Object::Load(const Napi::CallbackInfo &info) {
    bpf_object *object = state->BeforeLoad(info.Env(), "load");
    LogCapture log;
    const int result = bpf_object__load(object);
    state->stage = result ? ObjectState::Stage::failed : ObjectState::Stage::loaded;
    if (result)
        Fail(info.Env(), "load", "cannot load the object", -result);
}

Napi::Value Object::ProgramInfo(const Napi::CallbackInfo &info) {
    const std::string name = StringArgument(info, 0, "program");
    bpf_program *program = state->LoadedProgram(info.Env(), "programInfo", name);
    bpf_prog_info kernelInfo = {};
    uint32_t size = sizeof(kernelInfo);
    const int result = bpf_obj_get_info_by_fd(bpf_program__fd(program), &kernelInfo, &size);
    if (result)
        Fail(info.Env(), "programInfo", "cannot ask the kernel about program '" + name + "'", -result);
    auto answer = Napi::Object::New(info.Env());
    answer["id"] = kernelInfo.id;
    answer["runTimeNs"] = static_cast<double>(kernelInfo.run_time_ns);
    answer["runCount"] = static_cast<double>(kernelInfo.run_cnt);
    answer["recursionMisses"] = static_cast<double>(kernelInfo.recursion_misses);
    return answer;
}

void Object::Close(const Napi::CallbackInfo &) {
    state->Close();
}

} // namespace bpf
