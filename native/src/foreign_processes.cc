#include "foreign_processes.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bpf {

namespace {

#if defined(__x86_64__)
constexpr uint32_t architecture = AUDIT_ARCH_X86_64;
/** From here on numbers are those of the x32 ABI, which has these calls too. */
constexpr uint32_t firstForeignNumber = 0x40000000;
#elif defined(__aarch64__)
constexpr uint32_t architecture = AUDIT_ARCH_AARCH64;
constexpr uint32_t firstForeignNumber = UINT32_MAX;
#endif

// Linux 5.6; older headers do not have it.
constexpr uint32_t pidfdGetfd = 438;

constexpr uint32_t refused = SECCOMP_RET_ERRNO | EPERM;

constexpr sock_filter Load(size_t offset) {
    return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
}

} // namespace

int LeaveForeignProcesses() {
    sock_filter program[] = {
        Load(offsetof(seccomp_data, arch)),
        // A program of another architecture has other numbers, and nobody here starts one.
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 0, 6),
        Load(offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, firstForeignNumber, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, pidfdGetfd, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, refused),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter = {static_cast<unsigned short>(std::size(program)), program};
    // Without the second flag kernels before 5.16 would also slow the process down, against speculation.
    const long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter);
    // A positive result is a thread that has another filter.
    return result < 0 ? errno : result > 0 ? EBUSY : 0;
}

} // namespace bpf
