#include "events.h"

#include <algorithm>
#include <cstring>

#include <linux/perf_event.h>
#include <unistd.h>

namespace bpf {

namespace {

/** A record's body after the header, for the sample_type below. */
struct Sample {
    uint32_t cpu;
    uint32_t reserved;
    uint32_t size;
};

struct Lost {
    uint64_t id;
    uint64_t lost;
};

/** One CPU's buffer: a page of positions, then a power of two of data that wraps anywhere. */
class PerfRing {
  public:
    PerfRing(void *base, size_t pageSize)
        : positions(static_cast<perf_event_mmap_page *>(base)),
          data(static_cast<uint8_t *>(base) + pageSize) {}

    uint64_t Head() const {
        return __atomic_load_n(&positions->data_head, __ATOMIC_ACQUIRE);
    }
    uint64_t Tail() const {
        return positions->data_tail;
    }
    void Release(uint64_t tail) {
        __atomic_store_n(&positions->data_tail, tail, __ATOMIC_RELEASE);
    }
    void Copy(uint64_t position, void *into, size_t length, size_t size) const {
        const size_t start = position & (size - 1);
        const size_t untilWrap = std::min(length, size - start);
        memcpy(into, data + start, untilWrap);
        memcpy(static_cast<uint8_t *>(into) + untilWrap, data, length - untilWrap);
    }

  private:
    perf_event_mmap_page *positions;
    const uint8_t *data;
};

/** libbpf opens, maps and closes the buffers; the records are read here, to leave in place what the caller
 * has no room for. */
class PerfBuffers : public EventSource {
  public:
    PerfBuffers(perf_buffer *buffers, size_t pageSize, size_t size)
        : buffers(buffers), pageSize(pageSize), size(size) {}

    ~PerfBuffers() override {
        perf_buffer__free(buffers);
    }

    void Consume(RecordWriter &writer) override {
        // Each call starts where the last one ran out of room: a busy CPU cannot starve the others.
        const size_t count = perf_buffer__buffer_cnt(buffers);
        for (size_t i = 0; i < count && !writer.refused; i++) {
            Drain(At(next), writer);
            if (!writer.refused)
                next = (next + 1) % count;
        }
    }

    uint64_t Pending() const override {
        uint64_t bytes = 0;
        for (size_t i = 0; i < perf_buffer__buffer_cnt(buffers); i++)
            bytes += At(i).Head() - At(i).Tail();
        return bytes;
    }

  private:
    PerfRing At(size_t index) const {
        void *base = nullptr;
        size_t mapped = 0;
        perf_buffer__buffer(buffers, static_cast<int>(index), &base, &mapped);
        return PerfRing(base, pageSize);
    }

    void Drain(PerfRing ring, RecordWriter &writer) {
        const uint64_t head = ring.Head();
        uint64_t tail = ring.Tail();
        while (tail < head) {
            perf_event_header header;
            ring.Copy(tail, &header, sizeof(header), size);
            const uint64_t body = tail + sizeof(header);
            if (header.type == PERF_RECORD_SAMPLE) {
                Sample sample;
                ring.Copy(body, &sample, sizeof(sample), size);
                uint8_t *payload = writer.Reserve(sample.size, sample.cpu);
                if (!payload)
                    break;
                ring.Copy(body + sizeof(sample), payload, sample.size, size);
            } else if (header.type == PERF_RECORD_LOST) {
                Lost report;
                ring.Copy(body, &report, sizeof(report), size);
                lost += report.lost;
            }
            tail += header.size;
        }
        ring.Release(tail);
    }

    perf_buffer *const buffers;
    const size_t pageSize;
    const size_t size;
    size_t next = 0;
};

// libbpf asks for a callback, and calls it only from functions that we do not use.
bpf_perf_event_ret Unused(void *, int, perf_event_header *) {
    return LIBBPF_PERF_EVENT_DONE;
}

} // namespace

std::shared_ptr<EventSource> OpenPerfBuffers(int descriptor, size_t pagesPerCpu) {
    perf_event_attr attributes = {};
    attributes.size = sizeof(attributes);
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.config = PERF_COUNT_SW_BPF_OUTPUT;
    attributes.sample_type = PERF_SAMPLE_CPU | PERF_SAMPLE_RAW;
    attributes.sample_period = 1;
    // As rare as the kernel allows: it takes the size of the buffer for more.
    attributes.watermark = 1;
    attributes.wakeup_watermark = UINT32_MAX;
    perf_buffer *buffers =
        perf_buffer__new_raw(descriptor, pagesPerCpu, &attributes, Unused, nullptr, nullptr);
    if (!buffers)
        return nullptr;
    const size_t pageSize = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return std::make_shared<PerfBuffers>(buffers, pageSize, pagesPerCpu * pageSize);
}

} // namespace bpf
