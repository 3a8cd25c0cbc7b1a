#include "map.h"

#include <cerrno>
#include <cstring>

#include <bpf/bpf.h>

namespace bpf {

namespace {

bool IsPerCpu(uint32_t type) {
    return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
           type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

Napi::Value CopyOut(Napi::Env env, const std::vector<uint8_t> &bytes) {
    auto copy = Napi::Uint8Array::New(env, bytes.size());
    if (!bytes.empty())
        memcpy(copy.Data(), bytes.data(), bytes.size());
    return copy;
}

Napi::Object CopyOut(Napi::Env env, const MapContent &content) {
    auto answer = Napi::Object::New(env);
    answer["keys"] = CopyOut(env, content.keys);
    answer["values"] = CopyOut(env, content.values);
    answer["count"] = static_cast<double>(content.count);
    return answer;
}

} // namespace

Napi::Function Map::Define(Napi::Env env) {
    return DefineClass(env, "Map",
                       {
                           InstanceMethod<&Map::Describe>("describe"),
                           InstanceMethod<&Map::Lookup>("lookup"),
                           InstanceMethod<&Map::Update>("update"),
                           InstanceMethod<&Map::Delete>("delete"),
                           InstanceMethod<&Map::Entries>("entries"),
                           InstanceMethod<&Map::Take>("take"),
                           InstanceMethod<&Map::PutMap>("putMap"),
                       });
}

Map::Map(const Napi::CallbackInfo &info) : ObjectWrap(info), state(Object::StateOf(info)) {
    name = StringArgument(info, 1, "map");
    const bpf_map *map = state->CreatedMap(info.Env(), "map", name);
    // The kernel's sizes, not the object's: it is the kernel that will write into our memory.
    uint32_t size = sizeof(kernelInfo);
    const int result = bpf_obj_get_info_by_fd(bpf_map__fd(map), &kernelInfo, &size);
    if (result)
        Fail(info.Env(), "map", "cannot ask the kernel about map '" + name + "'", -result);
    perCpu = IsPerCpu(kernelInfo.type);
    valueStride = kernelInfo.value_size;
    if (perCpu)
        valueStride = (valueStride + 7) / 8 * 8 * static_cast<size_t>(libbpf_num_possible_cpus());
}

int Map::Descriptor(Napi::Env env, const char *operation) const {
    state->NotClosed(env, operation);
    return bpf_map__fd(state->Map(env, operation, name));
}

Bytes Map::Key(const Napi::CallbackInfo &info, const char *operation) const {
    const Bytes key = BytesArgument(info, 0, "key");
    if (key.size != kernelInfo.key_size)
        Reject(info.Env(), operation,
               "a key of map '" + name + "' has " + std::to_string(kernelInfo.key_size) +
                   " bytes, the one given " + std::to_string(key.size),
               EINVAL);
    return key;
}

Napi::Value Map::Describe(const Napi::CallbackInfo &info) {
    const char *type = libbpf_bpf_map_type_str(static_cast<bpf_map_type>(kernelInfo.type));
    auto answer = Napi::Object::New(info.Env());
    answer["id"] = kernelInfo.id;
    answer["type"] = type ? std::string(type) : "type " + std::to_string(kernelInfo.type);
    answer["keySize"] = kernelInfo.key_size;
    answer["valueSize"] = kernelInfo.value_size;
    answer["maxEntries"] = kernelInfo.max_entries;
    answer["perCpu"] = perCpu;
    return answer;
}

Napi::Value Map::Lookup(const Napi::CallbackInfo &info) {
    const int descriptor = Descriptor(info.Env(), "lookup");
    const Bytes key = Key(info, "lookup");
    auto value = Napi::Uint8Array::New(info.Env(), valueStride);
    const int result = bpf_map_lookup_elem(descriptor, key.data, value.Data());
    if (result == -ENOENT)
        return info.Env().Undefined();
    if (result)
        Fail(info.Env(), "lookup", "cannot look up in map '" + name + "'", -result);
    return value;
}

void Map::Update(const Napi::CallbackInfo &info) {
    const int descriptor = Descriptor(info.Env(), "update");
    const Bytes key = Key(info, "update");
    const Bytes value = BytesArgument(info, 1, "value");
    const uint32_t flags = CountArgument(info, 2, "flags");
    if (value.size != valueStride)
        Reject(info.Env(), "update",
               "a value of map '" + name + "' has " + std::to_string(valueStride) + " bytes, the one given " +
                   std::to_string(value.size),
               EINVAL);
    const int result = bpf_map_update_elem(descriptor, key.data, value.data, flags);
    if (result)
        Fail(info.Env(), "update", "cannot update map '" + name + "'", -result);
}

Napi::Value Map::Delete(const Napi::CallbackInfo &info) {
    const int descriptor = Descriptor(info.Env(), "delete");
    const Bytes key = Key(info, "delete");
    const int result = bpf_map_delete_elem(descriptor, key.data);
    if (result && result != -ENOENT)
        Fail(info.Env(), "delete", "cannot delete from map '" + name + "'", -result);
    return Napi::Boolean::New(info.Env(), result == 0);
}

MapShape Map::Shape(Napi::Env env, const char *operation) const {
    return {Descriptor(env, operation), kernelInfo.key_size, valueStride, kernelInfo.max_entries};
}

Napi::Value Map::Entries(const Napi::CallbackInfo &info) {
    MapContent content;
    const int error = ReadWholeMap(Shape(info.Env(), "entries"), content);
    if (error)
        Fail(info.Env(), "entries", "cannot read map '" + name + "'", error);
    return CopyOut(info.Env(), content);
}

Napi::Value Map::Take(const Napi::CallbackInfo &info) {
    MapContent content;
    const int error = TakeWholeMap(Shape(info.Env(), "take"), content);
    if (error)
        Fail(info.Env(), "take", "cannot empty map '" + name + "'", error);
    return CopyOut(info.Env(), content);
}

void Map::PutMap(const Napi::CallbackInfo &info) {
    const int descriptor = Descriptor(info.Env(), "putMap");
    const Bytes key = Key(info, "putMap");
    if (kernelInfo.type != BPF_MAP_TYPE_ARRAY_OF_MAPS && kernelInfo.type != BPF_MAP_TYPE_HASH_OF_MAPS)
        Reject(info.Env(), "putMap", "the map '" + name + "' does not hold maps", EINVAL);
    const Map *inner = info[1].IsObject() ? Unwrap(info[1].As<Napi::Object>()) : nullptr;
    if (!inner)
        throw Napi::TypeError::New(info.Env(), "map: not a map");
    const int innerDescriptor = inner->Descriptor(info.Env(), "putMap");
    const int result = bpf_map_update_elem(descriptor, key.data, &innerDescriptor, BPF_ANY);
    if (result)
        Fail(info.Env(), "putMap", "cannot put map '" + inner->name + "' into '" + name + "'", -result);
}

} // namespace bpf
