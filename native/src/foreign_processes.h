#pragma once

namespace bpf {

/**
 * Takes from every thread, for good, the system calls by which one process traces another, reads or writes
 * its memory or takes its descriptors. Needs no_new_privs. Returns 0 or the errno.
 */
int LeaveForeignProcesses();

} // namespace bpf
