#include "map.h"

#include <algorithm>
#include <cerrno>

#include <bpf/bpf.h>

namespace bpf {

namespace {

// The kernel's own error for a map type without batch operations; user space headers do not have it.
constexpr int kernelNotSupported = 524;

void Resize(const MapShape &shape, MapContent &content, size_t count) {
    content.keys.resize(count * shape.keySize);
    content.values.resize(count * shape.valueStride);
}

/** bpf_map_lookup_batch, or the same that deletes what it gives. */
using BatchCall = decltype(&bpf_map_lookup_batch);

/** Up to thousands of entries in one system call, but no memory for thousands where there are few. */
int ReadByBatches(const MapShape &shape, BatchCall batch, MapContent &content) {
    // The kernel's cursor: a hash map's is a u32, an array's is a key.
    std::vector<uint8_t> cursor(std::max(shape.keySize, sizeof(uint32_t)));
    size_t room = std::min<size_t>(shape.maxEntries, 256);
    for (bool first = true;;) {
        Resize(shape, content, content.count + room);
        uint32_t count = static_cast<uint32_t>(room);
        const int result = batch(shape.descriptor, first ? nullptr : cursor.data(), cursor.data(),
                                 content.keys.data() + content.count * shape.keySize,
                                 content.values.data() + content.count * shape.valueStride, &count, nullptr);
        if (result == -ENOSPC) {
            // One bucket of the hash has more entries than there was room for; the cursor has not moved.
            if (room >= shape.maxEntries)
                return ENOSPC;
            room = std::min(room * 2, shape.maxEntries);
            continue;
        }
        if (result && result != -ENOENT)
            return -result;
        first = false;
        content.count += count;
        if (result == -ENOENT)
            break;
        room = std::min<size_t>({room * 2, shape.maxEntries, 4096});
    }
    Resize(shape, content, content.count);
    return 0;
}

/** Key by key. An entry that disappears meanwhile may make the walk start again, so it is bounded by the
 * map's size. */
int ReadByKeys(const MapShape &shape, MapContent &content) {
    std::vector<uint8_t> previous;
    std::vector<uint8_t> key(shape.keySize);
    for (size_t steps = 0; steps < shape.maxEntries; steps++) {
        const int result =
            bpf_map_get_next_key(shape.descriptor, previous.empty() ? nullptr : previous.data(), key.data());
        if (result == -ENOENT)
            break;
        if (result)
            return -result;
        content.values.resize((content.count + 1) * shape.valueStride);
        const int found = bpf_map_lookup_elem(shape.descriptor, key.data(),
                                              content.values.data() + content.count * shape.valueStride);
        if (found && found != -ENOENT)
            return -found;
        if (found == 0) {
            content.keys.insert(content.keys.end(), key.begin(), key.end());
            content.count++;
        }
        previous = key;
    }
    Resize(shape, content, content.count);
    return 0;
}

} // namespace

int ReadWholeMap(const MapShape &shape, MapContent &content) {
    const int error = ReadByBatches(shape, bpf_map_lookup_batch, content);
    if (error != kernelNotSupported && error != EOPNOTSUPP && error != EINVAL)
        return error;
    content = {};
    return ReadByKeys(shape, content);
}

int TakeWholeMap(const MapShape &shape, MapContent &content) {
    return ReadByBatches(shape, bpf_map_lookup_and_delete_batch, content);
}

} // namespace bpf
