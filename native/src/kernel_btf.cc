#include "kernel_btf.h"

#include <cerrno>
#include <cstring>

#include "arguments.h"
#include "error.h"

namespace bpf {

namespace {

/** The kernel's types, read once an environment (some 10 ms and MB); nullptr and errno if it has none. */
const btf *KernelTypes(Napi::Env env) {
    auto &types = env.GetInstanceData<Environment>()->kernelBtf;
    if (!types) {
        LogCapture log;
        types.reset(btf__load_vmlinux_btf());
    }
    return types.get();
}

const btf *RequireKernelTypes(const Napi::CallbackInfo &info, const char *operation) {
    const btf *types = KernelTypes(info.Env());
    if (!types)
        Fail(info.Env(), operation, "this kernel offers no BTF (/sys/kernel/btf/vmlinux)", errno);
    return types;
}

/** nullptr if there is no such type. */
const btf_type *Find(const btf *types, const std::string &name, uint32_t kind) {
    const int id = btf__find_by_name_kind(types, name.c_str(), kind);
    return id > 0 ? btf__type_by_id(types, static_cast<uint32_t>(id)) : nullptr;
}

/** Looks into anonymous members, as C does. */
bool HasMember(const btf *types, const btf_type *type, const std::string &name) {
    const btf_member *member = btf_members(type);
    for (int i = 0; i < btf_vlen(type); i++, member++) {
        const char *memberName = btf__name_by_offset(types, member->name_off);
        if (name == memberName)
            return true;
        const btf_type *inner =
            btf__type_by_id(types, static_cast<uint32_t>(btf__resolve_type(types, member->type)));
        if (*memberName == '\0' && inner && btf_is_composite(inner) && HasMember(types, inner, name))
            return true;
    }
    return false;
}

Napi::Value Available(const Napi::CallbackInfo &info) {
    return Napi::Boolean::New(info.Env(), KernelTypes(info.Env()) != nullptr);
}

/** The kind is a BTF_KIND_ number; 0 is any. */
Napi::Value HasType(const Napi::CallbackInfo &info) {
    const std::string name = StringArgument(info, 0, "name");
    const uint32_t kind = CountArgument(info, 1, "kind");
    const btf *types = RequireKernelTypes(info, "hasType");
    const int id =
        kind ? btf__find_by_name_kind(types, name.c_str(), kind) : btf__find_by_name(types, name.c_str());
    return Napi::Boolean::New(info.Env(), id > 0);
}

Napi::Value HasField(const Napi::CallbackInfo &info) {
    const std::string name = StringArgument(info, 0, "struct");
    const std::string field = StringArgument(info, 1, "field");
    const btf *types = RequireKernelTypes(info, "hasField");
    const btf_type *type = Find(types, name, BTF_KIND_STRUCT);
    if (!type)
        type = Find(types, name, BTF_KIND_UNION);
    return Napi::Boolean::New(info.Env(), type && HasMember(types, type, field));
}

double ValueOf(const btf_type *type, const struct btf_enum64 &entry) {
    const uint64_t bits = btf_enum64_value(&entry);
    return btf_kflag(type) ? static_cast<double>(static_cast<int64_t>(bits)) : static_cast<double>(bits);
}

Napi::Value EnumValues(const Napi::CallbackInfo &info) {
    const std::string name = StringArgument(info, 0, "enum");
    const btf *types = RequireKernelTypes(info, "enumValues");
    auto values = Napi::Object::New(info.Env());
    const btf_type *narrow = Find(types, name, BTF_KIND_ENUM);
    for (int i = 0; narrow && i < btf_vlen(narrow); i++)
        values[btf__name_by_offset(types, btf_enum(narrow)[i].name_off)] = btf_enum(narrow)[i].val;
    const btf_type *wide = Find(types, name, BTF_KIND_ENUM64);
    for (int i = 0; wide && i < btf_vlen(wide); i++)
        values[btf__name_by_offset(types, btf_enum64(wide)[i].name_off)] = ValueOf(wide, btf_enum64(wide)[i]);
    return values;
}

/** -1 for what is neither a function nor a name of a pointer to one. */
Napi::Value ParameterCount(const Napi::CallbackInfo &info) {
    const std::string name = StringArgument(info, 0, "name");
    const btf *types = RequireKernelTypes(info, "parameterCount");
    const btf_type *type = Find(types, name, BTF_KIND_FUNC);
    if (!type)
        type = Find(types, name, BTF_KIND_TYPEDEF);
    while (type && (btf_is_func(type) || btf_is_typedef(type) || btf_is_ptr(type)))
        type = btf__type_by_id(types, type->type);
    return Napi::Number::New(info.Env(), type && btf_is_func_proto(type) ? btf_vlen(type) : -1);
}

void Close(const Napi::CallbackInfo &info) {
    info.Env().GetInstanceData<Environment>()->kernelBtf.reset();
}

} // namespace

Napi::Object DefineKernelBtf(Napi::Env env) {
    auto functions = Napi::Object::New(env);
    functions["available"] = Napi::Function::New(env, Available, "available");
    functions["hasType"] = Napi::Function::New(env, HasType, "hasType");
    functions["hasField"] = Napi::Function::New(env, HasField, "hasField");
    functions["enumValues"] = Napi::Function::New(env, EnumValues, "enumValues");
    functions["parameterCount"] = Napi::Function::New(env, ParameterCount, "parameterCount");
    functions["close"] = Napi::Function::New(env, Close, "close");
    return functions;
}

} // namespace bpf
