#include "common.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

int64_t parse_integer(const char *what, const char *text, int64_t minimum, int64_t maximum) {
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (errno || end == text || *end != '\0' || value < minimum || value > maximum)
        fail("%s must be a whole number from %lld to %lld, not '%s'", what, (long long)minimum,
             (long long)maximum, text);
    return value;
}

int64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/** A parent that has ended before this is noticed as well: writing to its pipe raises SIGPIPE. */
void die_with_parent(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void print_ready(void) {
    puts("ready");
    fflush(stdout);
}

int open_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int descriptor = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor < 0)
        fail("cannot open a signal descriptor: %s", strerror(errno));
    return descriptor;
}
