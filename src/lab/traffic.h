/** The kinds of traffic, each in a file of its own, and what they share. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define MAX_SEND 65536

struct endpoint {
    struct sockaddr_storage address;
    socklen_t length;
};

struct connect_options {
    struct endpoint destination;
    struct endpoint source; /* length 0: the kernel's choice */
    bool fixed_port;        /* the source has a port, which every connection uses again */
    int64_t count;
    int concurrent;
    bool nonblocking;
    int timeout_ms; /* 0: as long as the kernel tries */
    int64_t gap_us;
    int64_t start_ns; /* on the monotonic clock; 0: now */
    int64_t send_bytes;
    int chunk; /* bytes of a segment of its own; 0: as the kernel makes them */
    int64_t chunk_gap_us;
    bool receive;
    bool in_threads; /* concurrent ones: a blocking thread for each */
    bool fast_open;
    bool reset;
    bool hold;
    bool thread;
};

struct listen_options {
    struct endpoint address;
    int backlog;
    bool accept;
    bool close;
    bool reply;
    int64_t send_bytes;
    int workers;
    bool fork;
    bool accept_thread;
    bool fast_open;
};

struct loop_options {
    int64_t count;
    struct endpoint address;
    int64_t gap_us;
};

struct storm_options {
    int64_t rate;
    int64_t seconds;
    struct endpoint destination;
};

void run_connect(const struct connect_options *options);
void run_listen(const struct listen_options *options);
void run_loop(const struct loop_options *options);
void run_storm(const struct storm_options *options);

/** A new TCP socket of the endpoint's address family; ends the program when there is none to be had. */
int open_socket(const struct endpoint *endpoint, int flags);

/** A listening socket; ends the program when the address cannot be used. */
int open_listener(const struct endpoint *endpoint, int flags, int backlog, bool fast_open);

/** Makes close() send RST: the port is free again at once, so ports never run out. */
void reset_on_close(int socket);

/** send() of up to `most` zeros, and up to MAX_SEND. */
ssize_t send_zeros(int socket, int64_t most, int flags);

/** pthread_create(); ends the program when it fails. */
void start_thread(pthread_t *thread, void *(*run)(void *), void *argument);

/** fork(), with a child that dies with this program; ends the program when it fails. */
pid_t fork_child(void);

/** Sleeps until the monotonic clock shows this time. */
void sleep_until_ns(int64_t monotonic_ns);

/** Prints minimum, median, 99th percentile and maximum as a JSON value, null without samples. Sorts them. */
void print_latencies(double *microseconds, int64_t count);
