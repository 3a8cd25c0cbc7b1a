/** traffic connect: the active side. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "traffic.h"

/** What connect() can come to: anything else is counted as OTHER. */
static struct {
    int number;
    const char *name;
    int64_t count;
} errors[] = {
    {ECONNREFUSED, "ECONNREFUSED", 0},
    {ETIMEDOUT, "ETIMEDOUT", 0},
    {EHOSTUNREACH, "EHOSTUNREACH", 0},
    {ENETUNREACH, "ENETUNREACH", 0},
    {EADDRNOTAVAIL, "EADDRNOTAVAIL", 0},
    {EADDRINUSE, "EADDRINUSE", 0},
    {ECONNRESET, "ECONNRESET", 0},
    {ECONNABORTED, "ECONNABORTED", 0},
    {EACCES, "EACCES", 0},
    {EPERM, "EPERM", 0},
    {EINVAL, "EINVAL", 0},
    {ENOPROTOOPT, "ENOPROTOOPT", 0},
    {0, "OTHER", 0},
};

static const struct connect_options *options;
static int64_t ok, abandoned, received;
static double *latencies_us;
static pid_t connecting_thread;
/** Of the counts, where connections are made in many threads. */
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

static void count_error(int number) {
    size_t i = 0;
    while (errors[i].number && errors[i].number != number)
        i++;
    errors[i].count++;
}

static void set_blocking(int socket) {
    fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK);
}

/** The end of a record is never joined with what follows it, not even while it waits for room on the way. */
static ssize_t send_chunk(int socket, int64_t left) {
    if (!options->chunk)
        return send_zeros(socket, left, 0);
    return send_zeros(socket, left < options->chunk ? left : options->chunk, MSG_EOR);
}

static void send_data(int socket) {
    if (options->chunk)
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    for (int64_t left = options->send_bytes; left > 0;) {
        ssize_t sent = send_chunk(socket, left);
        if (sent < 0)
            fail("cannot send: %s", strerror(errno));
        left -= sent;
        if (left > 0 && options->chunk_gap_us)
            sleep_until_ns(monotonic_ns() + options->chunk_gap_us * 1000);
    }
}

/** Reads until the peer has closed, or the connection is broken. Gives the number of bytes. */
static int64_t receive_data(int socket) {
    char data[65536];
    int64_t total = 0;
    ssize_t length;
    while ((length = read(socket, data, sizeof data)) > 0)
        total += length;
    return total;
}

/** Data in flight at close() would be lost with --reset: wait until the peer has read all of it, and closed.
 */
static int64_t exchange_data(int socket) {
    set_blocking(socket);
    send_data(socket);
    if (options->hold && !options->receive)
        return 0;
    shutdown(socket, SHUT_WR);
    return receive_data(socket);
}

/** Counts a connection that was made (error 0) or was not. */
static void count_result(int error, int64_t taken_ns) {
    pthread_mutex_lock(&counting);
    if (error)
        count_error(error);
    else
        latencies_us[ok++] = taken_ns / 1e3;
    pthread_mutex_unlock(&counting);
}

static void count_received(int64_t bytes) {
    pthread_mutex_lock(&counting);
    received += bytes;
    pthread_mutex_unlock(&counting);
}

/** Counts a connection, and ends it unless it is to be held. */
static void finish(int socket, int error, int64_t start_ns) {
    count_result(error, monotonic_ns() - start_ns);
    if (error) {
        close(socket);
        return;
    }
    if (options->send_bytes || options->receive)
        count_received(exchange_data(socket));
    if (!options->hold)
        close(socket);
}

static void abandon(int socket) {
    abandoned++;
    close(socket);
}

/** Opens a socket that is ready for connect(). Gives 0, or the error of binding it. */
static int prepare(int *socket) {
    *socket = open_socket(&options->destination, options->nonblocking ? SOCK_NONBLOCK : 0);
    if (options->reset)
        reset_on_close(*socket);
    if (options->fast_open &&
        setsockopt(*socket, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &(int){1}, sizeof(int)) < 0)
        return errno;
    if (options->source.length == 0)
        return 0;
    if (options->fixed_port)
        setsockopt(*socket, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    else /* let connect() choose the port: it can share one between destinations, bind() cannot */
        setsockopt(*socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    const struct sockaddr *source = (const struct sockaddr *)&options->source.address;
    return bind(*socket, source, options->source.length) < 0 ? errno : 0;
}

/**
 * connect(). With Fast Open and a cookie from an earlier connection it only takes note of the address, and
 * the first write sends the SYN.
 */
static int begin(int socket) {
    const struct sockaddr *destination = (const struct sockaddr *)&options->destination.address;
    int error = connect(socket, destination, options->destination.length) < 0 ? errno : 0;
    if (error || !options->fast_open)
        return error;
    return send(socket, "", 1, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static void connect_blocking(void) {
    int socket;
    int error = prepare(&socket);
    int64_t start_ns = monotonic_ns();
    finish(socket, error ? error : begin(socket), start_ns);
}

/** Waits for the turn of the next connection. False when all have been started. */
static bool next_turn(void) {
    static pthread_mutex_t turns = PTHREAD_MUTEX_INITIALIZER;
    static int64_t started, next_ns;
    pthread_mutex_lock(&turns);
    bool any_left = started < options->count;
    started++;
    if (any_left && options->gap_us) {
        sleep_until_ns(next_ns);
        next_ns = monotonic_ns() + options->gap_us * 1000;
    }
    pthread_mutex_unlock(&turns);
    return any_left;
}

static void connect_one_after_another(void) {
    while (next_turn())
        connect_blocking();
}

static void *connect_in_thread(void *unused) {
    connect_one_after_another();
    return unused;
}

static void connect_in_threads(void) {
    pthread_t *threads = calloc(options->concurrent, sizeof *threads);
    if (!threads)
        fail("not enough memory for %d threads", options->concurrent);
    for (int i = 0; i < options->concurrent; i++)
        start_thread(&threads[i], connect_in_thread, NULL);
    for (int i = 0; i < options->concurrent; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

/** Connections under way: `polled` and `starts_ns` belong together, index by index. */
static struct pollfd *polled;
static int64_t *starts_ns;
static int active;

static void start_nonblocking(void) {
    int socket;
    int error = prepare(&socket);
    int64_t start_ns = monotonic_ns();
    if (!error)
        error = begin(socket);
    if (error && error != EINPROGRESS && error != EAGAIN) {
        finish(socket, error, start_ns);
        return;
    }
    polled[active] = (struct pollfd){.fd = socket, .events = POLLOUT};
    starts_ns[active++] = start_ns;
}

static int64_t deadline_ns(int64_t start_ns) {
    return options->timeout_ms ? start_ns + options->timeout_ms * 1000000LL : INT64_MAX;
}

/** Waits until a connection is decided, has used up its time, or the next one is to start. */
static void wait_for_news(int64_t next_start_ns) {
    int64_t until = next_start_ns;
    for (int i = 0; i < active; i++)
        if (deadline_ns(starts_ns[i]) < until)
            until = deadline_ns(starts_ns[i]);
    int64_t left = until - monotonic_ns();
    if (left < 0)
        left = 0;
    struct timespec wait = {left / NS_PER_SECOND, left % NS_PER_SECOND};
    if (ppoll(polled, active, until == INT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR)
        fail("cannot wait for connections: %s", strerror(errno));
}

static void finish_decided(void) {
    for (int i = 0; i < active;) {
        bool late = monotonic_ns() >= deadline_ns(starts_ns[i]);
        if (!polled[i].revents && !late) {
            i++;
            continue;
        }
        int socket = polled[i].fd, error = 0;
        if (polled[i].revents) {
            getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
            finish(socket, error, starts_ns[i]);
        } else {
            abandon(socket);
        }
        polled[i] = polled[--active]; /* the last one fills the gap */
        starts_ns[i] = starts_ns[active];
    }
}

static void connect_concurrently(void) {
    polled = calloc(options->concurrent, sizeof *polled);
    starts_ns = calloc(options->concurrent, sizeof *starts_ns);
    if (!polled || !starts_ns)
        fail("not enough memory for %d connections", options->concurrent);
    int64_t started = 0, next_ns = monotonic_ns();
    while (started < options->count || active > 0) {
        while (started < options->count && active < options->concurrent && monotonic_ns() >= next_ns) {
            next_ns = options->gap_us ? monotonic_ns() + options->gap_us * 1000 : 0;
            start_nonblocking();
            started++;
        }
        bool can_start = started < options->count && active < options->concurrent;
        wait_for_news(can_start ? next_ns : INT64_MAX);
        finish_decided();
    }
    free(polled);
    free(starts_ns);
}

static void *make_connections(void *thread_name) {
    if (thread_name)
        pthread_setname_np(pthread_self(), thread_name);
    connecting_thread = gettid();
    if (options->nonblocking)
        connect_concurrently();
    else if (options->in_threads)
        connect_in_threads();
    else
        connect_one_after_another();
    return NULL;
}

static void make_connections_in_thread(void) {
    pthread_t thread;
    start_thread(&thread, make_connections, "connector");
    pthread_join(thread, NULL);
}

static void print_summary(void) {
    printf("{\"pid\":%d,\"tid\":%d,\"attempts\":%" PRId64 ",\"ok\":%" PRId64 ",\"abandoned\":%" PRId64,
           getpid(), connecting_thread, options->count, ok, abandoned);
    printf(",\"errors\":{");
    const char *separator = "";
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i].count == 0)
            continue;
        printf("%s\"%s\":%" PRId64, separator, errors[i].name, errors[i].count);
        separator = ",";
    }
    printf("},\"connectUs\":");
    print_latencies(latencies_us, ok);
    printf(",\"received\":%" PRId64 "}\n", received);
    fflush(stdout);
}

static void wait_for_signal(int signals) {
    struct pollfd signal = {.fd = signals, .events = POLLIN};
    while (poll(&signal, 1, -1) < 1)
        continue;
}

void run_connect(const struct connect_options *given) {
    options = given;
    latencies_us = calloc(options->count, sizeof *latencies_us);
    if (!latencies_us)
        fail("not enough memory for %" PRId64 " latencies", options->count);
    if (options->start_ns)
        sleep_until_ns(options->start_ns);
    if (options->thread)
        make_connections_in_thread();
    else
        make_connections(NULL);
    if (!options->hold) {
        print_summary();
        return;
    }
    int signals = open_signals(); /* before the summary: its reader may signal at once */
    print_summary();
    wait_for_signal(signals);
}
