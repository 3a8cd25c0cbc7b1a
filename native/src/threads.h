#pragma once

#include <cstddef>

namespace bpf {

/**
 * Runs `action` once in every other thread of the process and waits until all have. What the kernel keeps for
 * each thread apart (capabilities, no_new_privs) cannot be changed from outside of it. `action` must be
 * async-signal-safe.
 *
 * Returns 0, or the errno: EBUSY if another thread is at it, ETIMEDOUT if a thread does not answer within a
 * second.
 */
int InOtherThreads(void (*action)(), size_t &reached);

} // namespace bpf
