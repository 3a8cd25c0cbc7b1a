#include "threads.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <vector>

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bpf {

namespace {

constexpr size_t mostThreads = 4096;
constexpr long pollNs = 20'000;
constexpr long limitNs = 1'000'000'000;

// Threads of Node block every signal that can be blocked. The C libraries keep 32 and 33 to themselves and
// let nobody block them; with 33 glibc does for user ids what is done here. Nobody may be using it meanwhile,
// which holds in Node: it never cancels a thread and never changes its ids.
constexpr int signalNumber = 33;
constexpr size_t signalSetBytes = 8;

/** struct sigaction as the kernel has it; it is only handed on. */
using KernelAction = std::array<unsigned char, 64>;

std::atomic_flag busy = ATOMIC_FLAG_INIT;
std::atomic<void (*)()> actionOfAll = nullptr;
/** Threads that have done it. */
std::array<std::atomic<pid_t>, mostThreads> answers;
std::atomic<size_t> answered = 0;

pid_t ThreadId() {
    return static_cast<pid_t>(syscall(SYS_gettid));
}

void OnSignal(int, siginfo_t *info, void *) {
    if (info->si_code != SI_TKILL || info->si_pid != getpid())
        return;
    const int before = errno;
    actionOfAll.load()();
    const size_t place = answered.fetch_add(1);
    if (place < mostThreads)
        answers[place].store(ThreadId());
    errno = before;
}

int SetAction(int number, const KernelAction *action, KernelAction *before) {
    return static_cast<int>(syscall(SYS_rt_sigaction, number, action, before, signalSetBytes));
}

/** What the kernel is told for OnSignal. sigaction() refuses signal 33, but it can make the same of another
 * number, with the code that returns from a handler, which only the C library has. */
int MakeAction(KernelAction &action) {
    struct sigaction wanted = {}, before = {};
    wanted.sa_sigaction = OnSignal;
    wanted.sa_flags = SA_SIGINFO | SA_RESTART;
    sigfillset(&wanted.sa_mask);
    if (sigaction(SIGRTMAX, &wanted, &before) != 0)
        return errno;
    const int failed = SetAction(SIGRTMAX, nullptr, &action) != 0 ? errno : 0;
    sigaction(SIGRTMAX, &before, nullptr);
    return failed;
}

std::vector<pid_t> OtherThreads() {
    std::vector<pid_t> threads;
    const pid_t own = ThreadId();
    DIR *folder = opendir("/proc/self/task");
    if (!folder)
        return threads;
    while (const dirent *entry = readdir(folder)) {
        const auto thread = static_cast<pid_t>(strtol(entry->d_name, nullptr, 10));
        if (thread > 0 && thread != own)
            threads.push_back(thread);
    }
    closedir(folder);
    return threads;
}

bool HasAnswered(pid_t thread) {
    const auto end = answers.begin() + static_cast<ptrdiff_t>(std::min(answered.load(), mostThreads));
    return std::any_of(answers.begin(), end, [thread](const auto &each) { return each.load() == thread; });
}

bool Lives(pid_t thread) {
    return syscall(SYS_tgkill, getpid(), thread, 0) == 0;
}

/** Waits until each has answered or ended. */
int AwaitAll(const std::vector<pid_t> &threads) {
    const timespec pause = {0, pollNs};
    for (long waitedNs = 0; waitedNs < limitNs; waitedNs += pollNs) {
        if (std::all_of(threads.begin(), threads.end(),
                        [](pid_t thread) { return HasAnswered(thread) || !Lives(thread); }))
            return 0;
        nanosleep(&pause, nullptr);
    }
    return ETIMEDOUT;
}

int Broadcast(size_t &reached) {
    std::vector<pid_t> asked;
    for (;;) {
        std::vector<pid_t> fresh;
        for (const pid_t thread : OtherThreads())
            if (std::find(asked.begin(), asked.end(), thread) == asked.end())
                fresh.push_back(thread);
        // A thread that began meanwhile may have been begun by one that had not answered yet.
        if (fresh.empty())
            break;
        if (asked.size() + fresh.size() > mostThreads)
            return EAGAIN;
        for (const pid_t thread : fresh)
            syscall(SYS_tgkill, getpid(), thread, signalNumber);
        asked.insert(asked.end(), fresh.begin(), fresh.end());
        if (const int failed = AwaitAll(asked))
            return failed;
    }
    reached = std::min(answered.load(), mostThreads);
    return 0;
}

} // namespace

int InOtherThreads(void (*action)(), size_t &reached) {
    if (busy.test_and_set())
        return EBUSY;
    KernelAction ours = {}, before = {};
    actionOfAll = action;
    answered = 0;
    for (auto &answer : answers)
        answer = 0;
    int failed = MakeAction(ours);
    if (failed == 0 && SetAction(signalNumber, &ours, &before) != 0)
        failed = errno;
    if (failed == 0)
        failed = Broadcast(reached);
    // A late signal must not meet the C library's handler, which would not know what it is for; nor another
    // action.
    if (failed == ETIMEDOUT)
        return failed;
    SetAction(signalNumber, &before, nullptr);
    busy.clear();
    return failed;
}

} // namespace bpf
