#include "privileges.h"

#include <cerrno>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arguments.h"
#include "error.h"
#include "threads.h"

namespace bpf {

namespace {

using CapabilitySet = uint64_t;

constexpr CapabilitySet ToChangeIds = 1ULL << CAP_SETUID | 1ULL << CAP_SETGID;

/** What other threads keep; for a signal handler, which has no arguments. */
CapabilitySet keptByOthers = 0;

/** Makes permitted and effective what is held of `wanted`, and inheritable nothing. Of this thread;
 * async-signal-safe. */
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

/** Nothing that this thread executes gains a privilege any more. Async-signal-safe. */
int RefuseNewPrivileges() {
    // Without CAP_SETPCAP the bounding set stays, which matters to nobody under no_new_privs.
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

void LimitThisThread() {
    RefuseNewPrivileges();
    LimitCapabilities(keptByOthers);
}

/** All threads get these ids: the C library sees to it. Each loses its capabilities, but for this one's
 * permitted ones. */
int ChangeIds(uid_t uid, gid_t gid) {
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
        return errno;
    const bool changed =
        setgroups(0, nullptr) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
    const int failed = changed ? 0 : errno;
    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    return failed;
}

/** Returns how many other threads there are. */
size_t LimitOthers(Napi::Env env, CapabilitySet kept) {
    keptByOthers = kept;
    size_t reached = 0;
    if (const int failed = InOtherThreads(LimitThisThread, reached))
        Fail(env, "renounce", "cannot reach every thread", failed);
    return reached;
}

Napi::Value Renounce(const Napi::CallbackInfo &info) {
    const CapabilitySet low = CountArgument(info, 0, "low");
    const CapabilitySet kept = static_cast<CapabilitySet>(CountArgument(info, 1, "high")) << 32 | low;
    const bool changesIds = !info[2].IsUndefined();
    const uid_t uid = changesIds ? CountArgument(info, 2, "uid") : 0;
    const gid_t gid = changesIds ? CountArgument(info, 3, "gid") : 0;

    // The C library changes the ids thread by thread, and would abort if one might not.
    const size_t others = LimitOthers(info.Env(), changesIds ? ToChangeIds : 0);
    if (const int refused = RefuseNewPrivileges())
        Fail(info.Env(), "renounce", "cannot set no_new_privs", refused);
    const int failed = changesIds ? ChangeIds(uid, gid) : 0;
    if (failed != 0)
        LimitOthers(info.Env(), 0);
    if (const int refused = LimitCapabilities(kept))
        Fail(info.Env(), "renounce", "cannot give up capabilities", refused);
    if (failed != 0)
        Fail(info.Env(), "renounce", "cannot become user " + std::to_string(uid), failed);
    return Napi::Number::New(info.Env(), static_cast<double>(others + 1));
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
