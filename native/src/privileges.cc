#include "privileges.h"

#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arguments.h"
#include "error.h"
#include "foreign_processes.h"
#include "threads.h"

namespace bpf {

namespace {

using CapabilitySet = uint64_t;

/** What other threads do; for a signal handler, which has no arguments. */
struct {
    bool changesIds;
    uid_t uid;
    gid_t gid;
} order;
std::atomic<int> failedElsewhere = 0;

/** Makes permitted and effective what is held of `wanted`, and inheritable nothing. */
int LimitCapabilities(CapabilitySet wanted) {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
    if (syscall(SYS_capget, &header, sets) != 0)
        return errno;
    for (unsigned half = 0; half < _LINUX_CAPABILITY_U32S_3; half++) {
        sets[half].permitted &= static_cast<uint32_t>(wanted >> (32 * half));
        sets[half].effective = sets[half].permitted;
        sets[half].inheritable = 0;
    }
    return syscall(SYS_capset, &header, sets) == 0 ? 0 : errno;
}

/** Nothing that this thread executes gains a privilege any more. */
int RefuseNewPrivileges() {
    // Without CAP_SETPCAP the bounding set stays, which matters to nobody under no_new_privs.
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

/** The system calls themselves change one thread. The C library's functions would go through all threads
 * three times. */
int ChangeIds(uid_t uid, gid_t gid) {
    const bool changed = syscall(SYS_setgroups, 0, nullptr) == 0 &&
                         syscall(SYS_setresgid, gid, gid, gid) == 0 &&
                         syscall(SYS_setresuid, uid, uid, uid) == 0;
    return changed ? 0 : errno;
}

void LimitThisThread() {
    int failed = RefuseNewPrivileges();
    if (failed == 0 && order.changesIds)
        failed = ChangeIds(order.uid, order.gid);
    const int refused = LimitCapabilities(0);
    if (failed != 0 || refused != 0)
        failedElsewhere = failed != 0 ? failed : refused;
}

Napi::Value Renounce(const Napi::CallbackInfo &info) {
    const CapabilitySet low = CountArgument(info, 0, "low");
    const CapabilitySet kept = static_cast<CapabilitySet>(CountArgument(info, 1, "high")) << 32 | low;
    const bool changesIds = !info[2].IsUndefined();
    const uid_t uid = changesIds ? CountArgument(info, 2, "uid") : 0;
    const gid_t gid = changesIds ? CountArgument(info, 3, "gid") : 0;

    if (const int refused = RefuseNewPrivileges())
        Fail(info.Env(), "renounce", "cannot set no_new_privs", refused);
    // Else a change of the user would take away the permitted capabilities as well, as it does in the other
    // threads.
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    const int failed = changesIds ? ChangeIds(uid, gid) : 0;
    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);

    order = {changesIds && failed == 0, uid, gid};
    failedElsewhere = 0;
    size_t reached = 0;
    const int unreached = InOtherThreads(LimitThisThread, reached);
    if (const int refused = LimitCapabilities(kept))
        Fail(info.Env(), "renounce", "cannot give up capabilities", refused);
    if (failed != 0)
        Fail(info.Env(), "renounce", "cannot become user " + std::to_string(uid), failed);
    if (unreached != 0)
        Fail(info.Env(), "renounce", "cannot reach every thread", unreached);
    // Kernels without seccomp filters have nothing else to offer.
    const int traceable = LeaveForeignProcesses();
    if (traceable != 0 && traceable != EINVAL && traceable != ENOSYS)
        Fail(info.Env(), "renounce", "cannot give up tracing other processes", traceable);
    if (failedElsewhere != 0)
        Fail(info.Env(), "renounce", "cannot give up the privileges of every thread", failedElsewhere);
    return Napi::Number::New(info.Env(), static_cast<double>(reached + 1));
}

/** A file descriptor that ends with its block. */
struct Descriptor {
    explicit Descriptor(int number) : number(number) {}
    ~Descriptor() {
        if (number >= 0)
            close(number);
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;

    const int number;
};

Napi::Value ReadInNetworkNamespace(const Napi::CallbackInfo &info) {
    const char *operation = "readInNetworkNamespace";
    const std::string place = StringArgument(info, 0, "namespace");
    const std::string path = StringArgument(info, 1, "path");
    const Descriptor home(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    const Descriptor target(open(place.c_str(), O_RDONLY | O_CLOEXEC));
    if (home.number < 0 || target.number < 0 || setns(target.number, CLONE_NEWNET) != 0)
        Fail(info.Env(), operation, "cannot enter '" + place + "'", errno);
    // What is opened here stays of this namespace.
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const int missing = errno;
    if (setns(home.number, CLONE_NEWNET) != 0)
        Fail(info.Env(), operation, "cannot come back", errno);
    if (file.number < 0)
        Fail(info.Env(), operation, "cannot open '" + path + "'", missing);
    std::string text;
    char chunk[16 * 1024];
    for (;;) {
        const ssize_t got = read(file.number, chunk, sizeof(chunk));
        if (got < 0)
            Fail(info.Env(), operation, "cannot read '" + path + "'", errno);
        if (got == 0)
            return Napi::String::New(info.Env(), text);
        text.append(chunk, static_cast<size_t>(got));
    }
}

} // namespace

void DefinePrivileges(Napi::Env env, Napi::Object exports) {
    exports["renounce"] = Napi::Function::New(env, Renounce, "renounce");
    exports["readInNetworkNamespace"] =
        Napi::Function::New(env, ReadInNetworkNamespace, "readInNetworkNamespace");
}

} // namespace bpf
