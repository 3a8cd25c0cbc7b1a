/** traffic listen: the passive side. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common.h"
#include "traffic.h"

static int64_t accepted;

static void watch(int epoll, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) < 0)
        fail("cannot watch a descriptor: %s", strerror(errno));
}

/** Takes all that wait in the accept queue. Connections that nobody watches stay open until the program ends.
 */
static void accept_connections(int listener, int epoll, bool watched) {
    for (;;) {
        int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (connection < 0) {
            if (errno == EAGAIN)
                return;
            if (errno == ECONNABORTED || errno == EINTR)
                continue;
            fail("cannot accept: %s", strerror(errno));
        }
        accepted++;
        if (watched)
            watch(epoll, connection);
    }
}

static void read_and_close_at_end(int connection) {
    char data[65536];
    ssize_t length;
    do
        length = read(connection, data, sizeof data);
    while (length > 0);
    if (length < 0 && errno == EAGAIN)
        return;
    close(connection);
}

void run_listen(const struct listen_options *options) {
    int listener = open_listener(&options->address, SOCK_NONBLOCK, options->backlog, options->fast_open);
    int signals = open_signals();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(epoll, signals);
    if (options->accept)
        watch(epoll, listener);
    print_ready();

    for (;;) {
        struct epoll_event event;
        if (epoll_wait(epoll, &event, 1, -1) < 1)
            continue;
        if (event.data.fd == signals)
            break;
        if (event.data.fd == listener)
            accept_connections(listener, epoll, options->close);
        else
            read_and_close_at_end(event.data.fd);
    }
    printf("{\"pid\":%d,\"accepted\":%" PRId64 "}\n", getpid(), accepted);
}
