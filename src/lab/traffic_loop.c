/** traffic loop: handshakes as fast as one thread can make them, for measuring what observing them costs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common.h"
#include "traffic.h"

/** One connection from connect to accept, ended by RST on both sides. Gives what connect() took, in ns. */
static int64_t handshake(int listener, const struct endpoint *address) {
    int client = open_socket(address, 0);
    reset_on_close(client);
    int64_t start = monotonic_ns();
    if (connect(client, (const struct sockaddr *)&address->address, address->length) < 0)
        fail("cannot connect: %s", strerror(errno));
    int64_t taken = monotonic_ns() - start;
    int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (server < 0)
        fail("cannot accept: %s", strerror(errno));
    reset_on_close(server);
    close(server);
    close(client);
    return taken;
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void run_loop(const struct loop_options *options) {
    double *latencies = calloc(options->count, sizeof *latencies);
    if (!latencies)
        fail("not enough memory for %" PRId64 " latencies", options->count);
    int listener = open_listener(&options->address, 0, 128, false);
    int64_t start = monotonic_ns();
    for (int64_t i = 0; i < options->count; i++) {
        latencies[i] = handshake(listener, &options->address) / 1e3;
        if (options->gap_us)
            sleep_until_ns(monotonic_ns() + options->gap_us * 1000);
    }
    double seconds = (monotonic_ns() - start) / (double)NS_PER_SECOND;
    printf("{\"pid\":%d,\"handshakes\":%" PRId64 ",\"seconds\":%.6f,\"perSecond\":%.1f,\"cpuSeconds\":%.6f,"
           "\"connectUs\":",
           getpid(), options->count, seconds, options->count / seconds, cpu_seconds());
    print_latencies(latencies, options->count);
    printf("}\n");
    free(latencies);
}
