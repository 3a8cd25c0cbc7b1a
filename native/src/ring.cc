#include "events.h"

#include <cstring>

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

namespace bpf {

namespace {

/**
 * Reads the mapped ring itself: libbpf's ring_buffer consumes every record it offers, so one that does not
 * fit the caller's buffer could not be left for the next call, and it makes an epoll descriptor that nobody
 * here would wait on.
 *
 * Layout (kernel/bpf/ringbuf.c): a page with our position, a page with the kernel's, then the data mapped
 * twice in a row, so that a record is contiguous even where it wraps. A record is a u32 length with two
 * flags, a u32 of the kernel's own, and the payload, padded to 8 bytes.
 */
class Ring : public EventSource {
  public:
    Ring(void *consumerPage, void *producerPages, size_t size, size_t pageSize)
        : consumer(static_cast<uint64_t *>(consumerPage)), producer(static_cast<uint64_t *>(producerPages)),
          data(static_cast<uint8_t *>(producerPages) + pageSize), size(size), pageSize(pageSize) {}

    ~Ring() override {
        munmap(consumer, pageSize);
        munmap(producer, pageSize + 2 * size);
    }

    void Consume(RecordWriter &writer) override {
        uint64_t position = __atomic_load_n(consumer, __ATOMIC_RELAXED);
        const uint64_t end = __atomic_load_n(producer, __ATOMIC_ACQUIRE);
        while (position < end) {
            const uint8_t *record = data + (position & (size - 1));
            const uint32_t header =
                __atomic_load_n(reinterpret_cast<const uint32_t *>(record), __ATOMIC_ACQUIRE);
            // Reserved but not yet submitted; whatever is behind it has to wait, so that records stay in
            // order.
            if (header & BPF_RINGBUF_BUSY_BIT)
                break;
            const uint32_t length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
            if (!(header & BPF_RINGBUF_DISCARD_BIT)) {
                uint8_t *payload = writer.Reserve(length, 0);
                if (!payload)
                    break;
                memcpy(payload, record + BPF_RINGBUF_HDR_SZ, length);
            }
            position += (BPF_RINGBUF_HDR_SZ + static_cast<uint64_t>(length) + 7) / 8 * 8;
        }
        // Once, not for each record: the kernel reads this position at every reservation.
        __atomic_store_n(consumer, position, __ATOMIC_RELEASE);
    }

    uint64_t Pending() const override {
        return __atomic_load_n(producer, __ATOMIC_ACQUIRE) - __atomic_load_n(consumer, __ATOMIC_RELAXED);
    }

  private:
    uint64_t *const consumer;
    uint64_t *const producer;
    const uint8_t *const data;
    const size_t size;
    const size_t pageSize;
};

} // namespace

std::shared_ptr<EventSource> MapRing(int descriptor, size_t size) {
    const size_t pageSize = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void *consumer = mmap(nullptr, pageSize, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (consumer == MAP_FAILED)
        return nullptr;
    void *producer =
        mmap(nullptr, pageSize + 2 * size, PROT_READ, MAP_SHARED, descriptor, static_cast<off_t>(pageSize));
    if (producer == MAP_FAILED) {
        munmap(consumer, pageSize);
        return nullptr;
    }
    return std::make_shared<Ring>(consumer, producer, size, pageSize);
}

} // namespace bpf
