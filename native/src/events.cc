#include "events.h"

#include <cerrno>
#include <cstring>

namespace bpf {

uint8_t *RecordWriter::Reserve(uint32_t length, uint32_t cpu) {
    const size_t header = 2 * sizeof(uint32_t);
    const size_t size = header + (static_cast<size_t>(length) + 7) / 8 * 8;
    if (size > into.size - bytes) {
        refused = size;
        return nullptr;
    }
    uint8_t *frame = into.data + bytes;
    if (size > header)
        memset(frame + size - 8, 0, 8);
    memcpy(frame, &length, sizeof(length));
    memcpy(frame + sizeof(length), &cpu, sizeof(cpu));
    bytes += size;
    records++;
    return frame + header;
}

Napi::Function Events::Define(Napi::Env env) {
    return DefineClass(env, "Events",
                       {
                           InstanceMethod<&Events::Consume>("consume"),
                           InstanceMethod<&Events::Pending>("pending"),
                           InstanceMethod<&Events::Lost>("lost"),
                           InstanceMethod<&Events::Close>("close"),
                       });
}

/** The third argument is 0 for a ring buffer, else the pages of each CPU's perf buffer. */
Events::Events(const Napi::CallbackInfo &info) : ObjectWrap(info) {
    auto state = Object::StateOf(info);
    const std::string name = StringArgument(info, 1, "map");
    const uint32_t pages = CountArgument(info, 2, "pagesPerCpu");
    const char *operation = pages ? "perfBuffer" : "ringBuffer";
    const bpf_map *map = state->CreatedMap(info.Env(), operation, name);
    if (bpf_map__type(map) != (pages ? BPF_MAP_TYPE_PERF_EVENT_ARRAY : BPF_MAP_TYPE_RINGBUF))
        Reject(info.Env(), operation,
               "map '" + name + "' is not a " + (pages ? "perf event array" : "ring buffer"), EINVAL);
    LogCapture log;
    auto source = pages ? OpenPerfBuffers(bpf_map__fd(map), pages)
                        : MapRing(bpf_map__fd(map), bpf_map__max_entries(map));
    if (!source)
        Fail(info.Env(), operation, "cannot open the buffer of map '" + name + "'", errno);
    owned.Adopt(std::move(state), std::move(source));
}

Napi::Value Events::Consume(const Napi::CallbackInfo &info) {
    const auto source = owned.Use(info.Env(), "consume");
    const Bytes into = BytesArgument(info, 0, "into");
    RecordWriter writer(into);
    source->Consume(writer);
    if (writer.refused && writer.records == 0)
        Reject(info.Env(), "consume",
               "the next record needs " + std::to_string(writer.refused) + " bytes, the buffer has " +
                   std::to_string(into.size),
               EMSGSIZE);
    auto answer = Napi::Object::New(info.Env());
    answer["bytes"] = static_cast<double>(writer.bytes);
    answer["records"] = static_cast<double>(writer.records);
    return answer;
}

Napi::Value Events::Pending(const Napi::CallbackInfo &info) {
    return Napi::Number::New(info.Env(), static_cast<double>(owned.Use(info.Env(), "pending")->Pending()));
}

Napi::Value Events::Lost(const Napi::CallbackInfo &info) {
    return Napi::Number::New(info.Env(), static_cast<double>(owned.Use(info.Env(), "lost")->lost));
}

void Events::Close(const Napi::CallbackInfo &) {
    owned.Close();
}

} // namespace bpf
