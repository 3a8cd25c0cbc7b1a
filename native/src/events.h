#pragma once

#include <memory>

#include "arguments.h"
#include "object.h"

namespace bpf {

/**
 * Writes records into the caller's memory, each framed as u32 length, u32 CPU, payload, zeros up to 8 bytes.
 */
class RecordWriter {
  public:
    explicit RecordWriter(Bytes into) : into(into) {}

    /** Where to copy a record's payload; nullptr if it does not fit. */
    uint8_t *Reserve(uint32_t length, uint32_t cpu);

    size_t bytes = 0;
    size_t records = 0;

    /** What the record that did not fit needs; 0 as long as all did. */
    size_t refused = 0;

  private:
    Bytes into;
};

/** A buffer in memory shared with the kernel, filled by BPF programs and emptied by us. Nobody is ever woken.
 */
class EventSource : public Resource {
  public:
    /** Moves whole records to the writer until the source is empty or the writer full. */
    virtual void Consume(RecordWriter &writer) = 0;

    /** Bytes in the buffer, with the kernel's own headers. */
    virtual uint64_t Pending() const = 0;

    /** Records that the kernel reported as not delivered, as far as the source has been consumed. */
    uint64_t lost = 0;
};

/** A BPF_MAP_TYPE_RINGBUF; nullptr and errno if it cannot be mapped. */
std::shared_ptr<EventSource> MapRing(int descriptor, size_t size);

/** A buffer for each online CPU of a BPF_MAP_TYPE_PERF_EVENT_ARRAY; nullptr and errno if the kernel refuses.
 */
std::shared_ptr<EventSource> OpenPerfBuffers(int descriptor, size_t pagesPerCpu);

/** JavaScript's handle of an event source. */
class Events : public Napi::ObjectWrap<Events> {
  public:
    static Napi::Function Define(Napi::Env env);
    explicit Events(const Napi::CallbackInfo &info);

  private:
    Napi::Value Consume(const Napi::CallbackInfo &info);
    Napi::Value Pending(const Napi::CallbackInfo &info);
    Napi::Value Lost(const Napi::CallbackInfo &info);
    void Close(const Napi::CallbackInfo &info);

    Owned<EventSource> owned;
};

} // namespace bpf
