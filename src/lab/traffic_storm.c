/** traffic storm: connects that nobody answers, for as many SYNs sent again. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "traffic.h"

/** Linux sends a SYN again after 1 s, and the next time at 3 s or, from 6.5 on, at 2 s: halfway to that. */
#define LIFE_NS 1500000000LL

/** Connects are started in little bursts: waking up for each would cost more than they do. */
#define TICK_NS 2000000LL

/** One destination has ports for fewer connections than may be open at once. */
#define DESTINATIONS 4

struct attempt {
    int socket;
    int64_t start_ns;
};

/** The endpoint whose address is so many further on. */
static struct endpoint neighbour(struct endpoint endpoint, uint32_t distance) {
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&endpoint.address;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&endpoint.address;
    uint32_t *last =
        endpoint.address.ss_family == AF_INET ? &ipv4->sin_addr.s_addr : &ipv6->sin6_addr.s6_addr32[3];
    *last = htonl(ntohl(*last) + distance);
    return endpoint;
}

static struct attempt start_attempt(const struct endpoint *destination) {
    int socket = open_socket(destination, SOCK_NONBLOCK);
    if (connect(socket, (const struct sockaddr *)&destination->address, destination->length) == 0)
        fail("a connect was answered at once: SYNs have to be dropped");
    if (errno != EINPROGRESS)
        fail("cannot connect: %s", strerror(errno));
    return (struct attempt){socket, monotonic_ns()};
}

/** An answer would have meant a SYN that is not sent again. */
static void end_attempt(const struct attempt *attempt) {
    struct sockaddr_storage peer;
    int error = 0;
    getsockopt(attempt->socket, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
    if (error || getpeername(attempt->socket, (struct sockaddr *)&peer, &(socklen_t){sizeof peer}) == 0)
        fail("a connect was answered: SYNs have to be dropped");
    close(attempt->socket);
}

void run_storm(const struct storm_options *options) {
    int64_t count = options->rate * options->seconds, started = 0, ended = 0;
    struct attempt *attempts = calloc(count, sizeof *attempts);
    if (!attempts)
        fail("not enough memory for %" PRId64 " connections", count);
    struct endpoint destinations[DESTINATIONS];
    for (int i = 0; i < DESTINATIONS; i++)
        destinations[i] = neighbour(options->destination, i);

    int64_t begin_ns = monotonic_ns();
    for (int64_t tick_ns = begin_ns; ended < count; tick_ns += TICK_NS) {
        sleep_until_ns(tick_ns);
        int64_t now_ns = monotonic_ns();
        for (; ended < started && now_ns - attempts[ended].start_ns >= LIFE_NS; ended++)
            end_attempt(&attempts[ended]);
        for (; started < count && started * NS_PER_SECOND <= (now_ns - begin_ns) * options->rate; started++)
            attempts[started] = start_attempt(&destinations[started % DESTINATIONS]);
    }
    printf("{\"pid\":%d,\"connections\":%" PRId64 "}\n", getpid(), count);
    free(attempts);
}
