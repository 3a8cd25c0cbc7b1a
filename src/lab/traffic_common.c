#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "traffic.h"

int open_socket(const struct endpoint *endpoint, int flags) {
    int descriptor = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (descriptor < 0)
        fail("cannot open a socket: %s", strerror(errno));
    return descriptor;
}

int open_listener(const struct endpoint *endpoint, int flags, int backlog, bool fast_open) {
    int listener = open_socket(endpoint, flags);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (const struct sockaddr *)&endpoint->address, endpoint->length) < 0)
        fail("cannot bind the listener: %s", strerror(errno));
    if (fast_open && setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &backlog, sizeof backlog) < 0)
        fail("cannot offer TCP Fast Open: %s", strerror(errno));
    if (listen(listener, backlog) < 0)
        fail("cannot listen: %s", strerror(errno));
    return listener;
}

void reset_on_close(int socket) {
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
}

ssize_t send_zeros(int socket, int64_t most, int flags) {
    static const char zeros[MAX_SEND];
    return send(socket, zeros, most < MAX_SEND ? most : MAX_SEND, flags | MSG_NOSIGNAL);
}

void start_thread(pthread_t *thread, void *(*run)(void *), void *argument) {
    int error = pthread_create(thread, NULL, run, argument);
    if (error)
        fail("cannot start a thread: %s", strerror(error));
}

pid_t fork_child(void) {
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        fail("cannot start a process: %s", strerror(errno));
    if (child > 0)
        return child;
    die_with_parent();
    if (getppid() != parent) /* too late to be told */
        _exit(EXIT_FAILURE);
    return 0;
}

void sleep_until_ns(int64_t monotonic_ns) {
    struct timespec until = {monotonic_ns / NS_PER_SECOND, monotonic_ns % NS_PER_SECOND};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void print_latencies(double *microseconds, int64_t count) {
    if (count == 0) {
        printf("null");
        return;
    }
    qsort(microseconds, count, sizeof *microseconds, compare);
    printf("{\"min\":%.1f,\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f}", microseconds[0], microseconds[count / 2],
           microseconds[count * 99 / 100], microseconds[count - 1]);
}
