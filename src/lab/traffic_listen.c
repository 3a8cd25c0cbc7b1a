/** traffic listen: the passive side. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "traffic.h"

/** A connection that is served: others stay open, unread, until the program ends. */
struct connection {
    int socket;
    int64_t received, to_send;
    bool ended;       /* the peer has shut down its side */
    uint32_t watched; /* the events that epoll watches it for */
};

/** Who accepts: the program itself, or its workers, who share this memory. */
struct acceptor {
    pid_t pid;
    _Atomic int64_t accepted;
};

static const struct listen_options *options;
static int listener, signals, epoll;
static struct acceptor *acceptors, *self;
static bool serves_only_one, has_served;

/** `data` is what the event is told apart by: the address of the descriptor, or a connection. */
static void watch(int operation, int descriptor, uint32_t events, void *data) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    if (epoll_ctl(epoll, operation, descriptor, &event) < 0)
        fail("cannot watch a descriptor: %s", strerror(errno));
}

static void open_events(void) {
    signals = open_signals();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(EPOLL_CTL_ADD, signals, EPOLLIN, &signals);
}

/** A child waits for its own events: what it has inherited would take those of its parent. */
static void reopen_events(void) {
    close(epoll);
    close(signals);
    open_events();
}

static bool reads_data(void) {
    return options->close || options->reply;
}

static void update_watch(struct connection *connection) {
    uint32_t events = 0;
    if (reads_data() && !connection->ended)
        events |= EPOLLIN;
    if (connection->to_send > 0)
        events |= EPOLLOUT;
    if (events == connection->watched)
        return;
    int operation = connection->watched == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    connection->watched = events; /* first: the watch hands it over to the serving thread */
    watch(operation, connection->socket, events, connection);
}

static void start_serving(int socket) {
    if (!reads_data() && !options->send_bytes)
        return;
    struct connection *connection = malloc(sizeof *connection);
    if (!connection)
        fail("not enough memory for a connection");
    *connection = (struct connection){.socket = socket, .to_send = options->send_bytes};
    update_watch(connection);
}

/** To close is not to end the watch while somebody else has the file: bpf_iter_task_file, of who looks for
 * owners. */
static void end_connection(struct connection *connection) {
    if (connection->watched)
        watch(EPOLL_CTL_DEL, connection->socket, 0, connection);
    close(connection->socket);
    free(connection);
    has_served = true;
}

/** Reads what there is. False when the connection is broken. */
static bool receive_some(struct connection *connection) {
    char data[65536];
    ssize_t length;
    while ((length = read(connection->socket, data, sizeof data)) > 0)
        connection->received += length;
    if (length < 0)
        return errno == EAGAIN;
    connection->ended = true;
    if (options->reply)
        connection->to_send += connection->received;
    return true;
}

/** Sends what there is room for. False when the connection is broken. */
static bool send_some(struct connection *connection) {
    while (connection->to_send > 0) {
        ssize_t sent = send_zeros(connection->socket, connection->to_send, 0);
        if (sent < 0)
            return errno == EAGAIN;
        connection->to_send -= sent;
    }
    return true;
}

static void serve_connection(struct connection *connection) {
    bool whole = !(connection->watched & EPOLLIN) || receive_some(connection);
    whole = whole && send_some(connection);
    if (!whole || (connection->ended && connection->to_send == 0))
        end_connection(connection);
    else
        update_watch(connection);
}

static void serve(void);

/** Blocks until nobody has the other end of a pipe open. */
static void wait_for_end(int pipe_end) {
    char byte;
    while (read(pipe_end, &byte, sizeof byte) < 0 && errno == EINTR)
        continue;
    close(pipe_end);
}

/**
 * Serves one connection in a process of its own, which ends with it. The child waits until it alone has the
 * connection: a parent that is late on a busy machine would be the one that ends it.
 */
static void fork_for(int socket) {
    int parent[2];
    if (pipe2(parent, O_CLOEXEC) < 0)
        fail("cannot make a pipe: %s", strerror(errno));
    if (fork_child() > 0) {
        close(socket);
        close(parent[0]);
        close(parent[1]);
        return;
    }
    close(parent[1]);
    wait_for_end(parent[0]);
    close(listener);
    reopen_events();
    serves_only_one = true;
    start_serving(socket);
    serve();
    _exit(EXIT_SUCCESS);
}

/** Takes all that wait in the accept queue. */
static void accept_connections(void) {
    for (;;) {
        int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) {
            if (errno == EAGAIN)
                return;
            if (errno == ECONNABORTED || errno == EINTR)
                continue;
            fail("cannot accept: %s", strerror(errno));
        }
        self->accepted++;
        if (options->fork)
            fork_for(socket);
        else
            start_serving(socket);
    }
}

/** Serves until a signal ends the program, or the only connection has ended. */
static void serve(void) {
    while (!serves_only_one || !has_served) {
        struct epoll_event event;
        if (epoll_wait(epoll, &event, 1, -1) < 1)
            continue;
        if (event.data.ptr == &signals)
            return;
        if (event.data.ptr == &listener)
            accept_connections();
        else
            serve_connection(event.data.ptr);
    }
}

static void accept_and_serve(void) {
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener);
    serve();
}

static void *accept_forever(void *thread_name) {
    pthread_setname_np(pthread_self(), thread_name);
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    for (;;)
        if (poll(&waiting, 1, -1) > 0)
            accept_connections();
    return NULL;
}

static void start_accept_thread(void) {
    pthread_t thread;
    start_thread(&thread, accept_forever, "acceptor");
}

static void start_workers(void) {
    for (int i = 0; i < options->workers; i++) {
        pid_t pid = fork_child();
        if (pid > 0) {
            acceptors[i].pid = pid;
            continue;
        }
        self = &acceptors[i];
        reopen_events();
        accept_and_serve();
        _exit(EXIT_SUCCESS);
    }
}

/** A stopped worker would not hear the other signal. */
static void end_workers(void) {
    for (int i = 0; i < options->workers; i++) {
        kill(acceptors[i].pid, SIGTERM);
        kill(acceptors[i].pid, SIGCONT);
    }
    for (int i = 0; i < options->workers; i++)
        waitpid(acceptors[i].pid, NULL, 0);
}

static void print_ready_and_workers(void) {
    printf("ready");
    for (int i = 0; i < options->workers; i++)
        printf(" %d", acceptors[i].pid);
    printf("\n");
    fflush(stdout);
}

static void print_summary(void) {
    int64_t accepted = 0;
    for (int i = 0; i < options->workers || i == 0; i++)
        accepted += acceptors[i].accepted;
    printf("{\"pid\":%d,\"accepted\":%" PRId64, getpid(), accepted);
    for (int i = 0; i < options->workers; i++)
        printf("%s{\"pid\":%d,\"accepted\":%" PRId64 "}", i == 0 ? ",\"workers\":[" : ",", acceptors[i].pid,
               acceptors[i].accepted);
    printf("%s}\n", options->workers ? "]" : "");
}

static struct acceptor *share_acceptors(void) {
    size_t size = (options->workers + 1) * sizeof(struct acceptor);
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        fail("not enough memory for %d workers", options->workers);
    return shared;
}

void run_listen(const struct listen_options *given) {
    options = given;
    acceptors = self = share_acceptors();
    listener = open_listener(&options->address, SOCK_NONBLOCK, options->backlog, options->fast_open);
    open_events();
    if (options->fork)
        signal(SIGCHLD, SIG_IGN); /* nobody asks how the children end */
    if (options->accept_thread)
        start_accept_thread();
    start_workers();
    print_ready_and_workers();

    if (options->accept && !options->accept_thread && !options->workers)
        accept_and_serve();
    else
        serve();
    end_workers();
    print_summary();
}
