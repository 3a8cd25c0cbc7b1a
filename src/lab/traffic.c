/**
 * traffic: TCP connections of every kind, counted exactly.
 *
 *   traffic listen ADDR PORT [options]    accepts connections until SIGTERM
 *   traffic connect ADDR PORT [options]   makes connections and says what became of them
 *   traffic loop N PORT [options]         makes N loopback connections to itself, one after another
 *   traffic storm RATE SECONDS ADDR PORT  makes RATE connects a second that nobody answers
 *
 * ADDR is a numeric IPv4 or IPv6 address. The options are in USAGE below. Results are a line of JSON on
 * stdout.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "common.h"
#include "traffic.h"

static const char USAGE[] =
    "usage:\n"
    "  traffic listen ADDR PORT\n"
    "    --backlog N          length of the accept queue (default 4096)\n"
    "    --no-accept          leave connections in the accept queue\n"
    "    --close              read what comes and close when the peer has closed (default: keep open, "
    "unread)\n"
    "    --send BYTES         send BYTES to every connection\n"
    "    --reply              read until the peer has shut down its side, send as many bytes as came, and "
    "close\n"
    "    --workers N          accept in N processes, whose pids follow \"ready\", and not in this one\n"
    "    --fork               serve every connection in a process of its own, which ends with it\n"
    "    --accept-thread      accept in a second thread, called 'acceptor', and serve in the first\n"
    "    --fastopen           offer TCP Fast Open\n"
    "  traffic connect ADDR PORT\n"
    "    --count N            connections to make (default 1)\n"
    "    --concurrent N       of which at the same time (default 1; more implies --nonblocking)\n"
    "    --nonblocking        non-blocking connect and poll instead of a blocking connect\n"
    "    --timeout-ms MS      close() a connection that takes longer (implies --nonblocking)\n"
    "    --gap-us N           time between one start and the next at least\n"
    "    --at-monotonic-ns T  start when CLOCK_MONOTONIC shows T\n"
    "    --mapped             IPv6 socket to ::ffff:ADDR, for an IPv4 ADDR\n"
    "    --source ADDR        local address\n"
    "    --source-port P      local port, the same for every connection\n"
    "    --fastopen           TCP_FASTOPEN_CONNECT, and one byte of data to send with the SYN\n"
    "    --send BYTES         send BYTES and, without --hold, wait until the peer has read them and closed\n"
    "    --chunk BYTES        send so much at a time, each chunk as a segment of its own\n"
    "    --chunk-gap-us N     time between one chunk and the next\n"
    "    --receive            shut down the sending side, and read and count until the peer has, too\n"
    "    --reset              end connections with RST instead of FIN\n"
    "    --hold               after the result, keep connections open until SIGTERM\n"
    "    --thread             connect from a second thread, called 'connector'\n"
    "  traffic loop N PORT\n"
    "    --gap-us N           time between one connection and the next\n"
    "    -6                   over ::1 instead of 127.0.0.1\n"
    "  traffic storm RATE SECONDS ADDR PORT\n"
    "                         to ADDR and the three addresses after it, where SYNs vanish; each connect "
    "lasts\n"
    "                         for one SYN that is sent again\n"
    "  all of them\n"
    "    --name COMM          the name of the process\n"
    "    --cpu C              run on this processor only\n";

enum {
    OPT_BACKLOG = 256,
    OPT_NO_ACCEPT,
    OPT_CLOSE,
    OPT_REPLY,
    OPT_WORKERS,
    OPT_FORK,
    OPT_ACCEPT_THREAD,
    OPT_FASTOPEN,
    OPT_COUNT,
    OPT_CONCURRENT,
    OPT_NONBLOCKING,
    OPT_TIMEOUT,
    OPT_GAP,
    OPT_AT,
    OPT_MAPPED,
    OPT_SOURCE,
    OPT_SOURCE_PORT,
    OPT_SEND,
    OPT_CHUNK,
    OPT_CHUNK_GAP,
    OPT_RECEIVE,
    OPT_RESET,
    OPT_HOLD,
    OPT_THREAD,
    OPT_NAME,
    OPT_CPU,
};

#define COMMON_OPTIONS                                                                                       \
    {"name", required_argument, NULL, OPT_NAME}, {                                                           \
        "cpu", required_argument, NULL, OPT_CPU                                                              \
    }

/**
 * Gives the endpoint of a numeric address; a NULL address is "any" of the family. Not by getaddrinfo(), which
 * would need shared libraries of the very glibc that this program is linked with.
 */
static struct endpoint resolve(const char *address, const char *port, int family) {
    const in_port_t number = htons((uint16_t)parse_integer("a port", port, 0, 65535));
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = number};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = number};
    struct endpoint endpoint = {0};
    if (family != AF_INET6 && (!address || inet_pton(AF_INET, address, &ipv4.sin_addr) == 1)) {
        endpoint.length = sizeof ipv4;
        memcpy(&endpoint.address, &ipv4, sizeof ipv4);
    } else if (family != AF_INET && (!address || inet_pton(AF_INET6, address, &ipv6.sin6_addr) == 1)) {
        endpoint.length = sizeof ipv6;
        memcpy(&endpoint.address, &ipv6, sizeof ipv6);
    } else {
        fail("'%s' is not a numeric address of the right family", address);
    }
    return endpoint;
}

/** Resolves an address of connect; an IPv4 address of an IPv6 socket is written as ::ffff:ADDR. */
static struct endpoint resolve_mapped(const char *address, const char *port, bool as_mapped) {
    char mapped[64];
    snprintf(mapped, sizeof mapped, "::ffff:%s", address);
    return as_mapped ? resolve(mapped, port, AF_INET6) : resolve(address, port, AF_UNSPEC);
}

static struct endpoint local_endpoint(const char *address, const char *port,
                                      const struct endpoint *destination, bool as_mapped) {
    if (!port)
        port = "0";
    return address ? resolve_mapped(address, port, as_mapped)
                   : resolve(NULL, port, destination->address.ss_family);
}

static void run_on_cpu(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        fail("cannot run on processor %d: %s", cpu, strerror(errno));
}

/** Options every kind of traffic has; one that getopt does not know ends the program. */
static void apply_common_option(int option) {
    switch (option) {
    case OPT_NAME:
        prctl(PR_SET_NAME, optarg);
        break;
    case OPT_CPU:
        run_on_cpu(parse_integer("--cpu", optarg, 0, CPU_SETSIZE - 1));
        break;
    default:
        exit(EXIT_FAILURE); /* getopt has said why */
    }
}

/** The words that follow the name of the subcommand, wherever the options are. */
static char **positional(int count, char **arguments, int needed) {
    if (count - optind != needed)
        fail("%d arguments are needed besides options: traffic --help shows which", needed);
    return &arguments[optind];
}

static void listen_command(int count, char **arguments) {
    static const struct option OPTIONS[] = {
        {"backlog", required_argument, NULL, OPT_BACKLOG},
        {"no-accept", no_argument, NULL, OPT_NO_ACCEPT},
        {"close", no_argument, NULL, OPT_CLOSE},
        {"send", required_argument, NULL, OPT_SEND},
        {"reply", no_argument, NULL, OPT_REPLY},
        {"workers", required_argument, NULL, OPT_WORKERS},
        {"fork", no_argument, NULL, OPT_FORK},
        {"accept-thread", no_argument, NULL, OPT_ACCEPT_THREAD},
        {"fastopen", no_argument, NULL, OPT_FASTOPEN},
        COMMON_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    struct listen_options options = {.backlog = 4096, .accept = true};
    int option;
    while ((option = getopt_long(count, arguments, "", OPTIONS, NULL)) != -1) {
        switch (option) {
        case OPT_BACKLOG:
            options.backlog = parse_integer("--backlog", optarg, 0, INT32_MAX);
            break;
        case OPT_NO_ACCEPT:
            options.accept = false;
            break;
        case OPT_CLOSE:
            options.close = true;
            break;
        case OPT_SEND:
            options.send_bytes = parse_integer("--send", optarg, 0, INT64_MAX);
            break;
        case OPT_REPLY:
            options.reply = true;
            break;
        case OPT_WORKERS:
            options.workers = parse_integer("--workers", optarg, 1, 1000);
            break;
        case OPT_FORK:
            options.fork = true;
            break;
        case OPT_ACCEPT_THREAD:
            options.accept_thread = true;
            break;
        case OPT_FASTOPEN:
            options.fast_open = true;
            break;
        default:
            apply_common_option(option);
        }
    }
    char **words = positional(count, arguments, 2);
    options.address = resolve(words[0], words[1], AF_UNSPEC);
    if (!options.accept + (options.workers > 0) + options.fork + options.accept_thread > 1)
        fail("--no-accept, --workers, --fork and --accept-thread exclude each other");
    run_listen(&options);
}

static void connect_command(int count, char **arguments) {
    static const struct option OPTIONS[] = {
        {"count", required_argument, NULL, OPT_COUNT},
        {"concurrent", required_argument, NULL, OPT_CONCURRENT},
        {"nonblocking", no_argument, NULL, OPT_NONBLOCKING},
        {"timeout-ms", required_argument, NULL, OPT_TIMEOUT},
        {"gap-us", required_argument, NULL, OPT_GAP},
        {"at-monotonic-ns", required_argument, NULL, OPT_AT},
        {"mapped", no_argument, NULL, OPT_MAPPED},
        {"source", required_argument, NULL, OPT_SOURCE},
        {"source-port", required_argument, NULL, OPT_SOURCE_PORT},
        {"fastopen", no_argument, NULL, OPT_FASTOPEN},
        {"send", required_argument, NULL, OPT_SEND},
        {"chunk", required_argument, NULL, OPT_CHUNK},
        {"chunk-gap-us", required_argument, NULL, OPT_CHUNK_GAP},
        {"receive", no_argument, NULL, OPT_RECEIVE},
        {"reset", no_argument, NULL, OPT_RESET},
        {"hold", no_argument, NULL, OPT_HOLD},
        {"thread", no_argument, NULL, OPT_THREAD},
        COMMON_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    struct connect_options options = {.count = 1, .concurrent = 1};
    const char *source = NULL, *source_port = NULL;
    bool as_mapped = false;
    int option;
    while ((option = getopt_long(count, arguments, "", OPTIONS, NULL)) != -1) {
        switch (option) {
        case OPT_COUNT:
            options.count = parse_integer("--count", optarg, 1, 100000000);
            break;
        case OPT_CONCURRENT:
            options.concurrent = parse_integer("--concurrent", optarg, 1, 1000000);
            break;
        case OPT_NONBLOCKING:
            options.nonblocking = true;
            break;
        case OPT_TIMEOUT:
            options.timeout_ms = parse_integer("--timeout-ms", optarg, 1, 3600000);
            break;
        case OPT_GAP:
            options.gap_us = parse_integer("--gap-us", optarg, 0, 3600000000);
            break;
        case OPT_AT:
            options.start_ns = parse_integer("--at-monotonic-ns", optarg, 1, INT64_MAX);
            break;
        case OPT_MAPPED:
            as_mapped = true;
            break;
        case OPT_SOURCE:
            source = optarg;
            break;
        case OPT_SOURCE_PORT:
            source_port = optarg;
            break;
        case OPT_FASTOPEN:
            options.fast_open = true;
            break;
        case OPT_SEND:
            options.send_bytes = parse_integer("--send", optarg, 0, INT64_MAX);
            break;
        case OPT_CHUNK:
            options.chunk = parse_integer("--chunk", optarg, 1, MAX_SEND);
            break;
        case OPT_CHUNK_GAP:
            options.chunk_gap_us = parse_integer("--chunk-gap-us", optarg, 0, 3600000000);
            break;
        case OPT_RECEIVE:
            options.receive = true;
            break;
        case OPT_RESET:
            options.reset = true;
            break;
        case OPT_HOLD:
            options.hold = true;
            break;
        case OPT_THREAD:
            options.thread = true;
            break;
        default:
            apply_common_option(option);
        }
    }
    char **words = positional(count, arguments, 2);
    options.destination = resolve_mapped(words[0], words[1], as_mapped);
    if (source || source_port)
        options.source = local_endpoint(source, source_port, &options.destination, as_mapped);
    options.fixed_port = source_port != NULL;
    options.in_threads = options.concurrent > 1 && (options.send_bytes || options.receive);
    if (options.in_threads && (options.nonblocking || options.timeout_ms || options.thread))
        fail("--concurrent with --send or --receive excludes --nonblocking, --timeout-ms and --thread");
    options.nonblocking |= (options.concurrent > 1 && !options.in_threads) || options.timeout_ms > 0;
    if (options.concurrent > 1 && source_port)
        fail("--source-port needs connections one after another, not --concurrent");
    if (options.chunk_gap_us && !options.chunk)
        fail("--chunk-gap-us needs --chunk");
    run_connect(&options);
}

static void loop_command(int count, char **arguments) {
    static const struct option OPTIONS[] = {
        {"gap-us", required_argument, NULL, OPT_GAP},
        COMMON_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    struct loop_options options = {0};
    const char *address = "127.0.0.1";
    int option;
    while ((option = getopt_long(count, arguments, "6", OPTIONS, NULL)) != -1) {
        switch (option) {
        case OPT_GAP:
            options.gap_us = parse_integer("--gap-us", optarg, 0, 3600000000);
            break;
        case '6':
            address = "::1";
            break;
        default:
            apply_common_option(option);
        }
    }
    char **words = positional(count, arguments, 2);
    options.count = parse_integer("N", words[0], 1, 100000000);
    options.address = resolve(address, words[1], AF_UNSPEC);
    run_loop(&options);
}

static void storm_command(int count, char **arguments) {
    static const struct option OPTIONS[] = {COMMON_OPTIONS, {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(count, arguments, "", OPTIONS, NULL)) != -1)
        apply_common_option(option);
    char **words = positional(count, arguments, 4);
    struct storm_options options = {
        .rate = parse_integer("RATE", words[0], 1, 100000),
        .seconds = parse_integer("SECONDS", words[1], 1, 3600),
        .destination = resolve(words[2], words[3], AF_UNSPEC),
    };
    run_storm(&options);
}

/** Held connections are many: use as many descriptors as the system allows. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        void (*run)(int count, char **arguments);
    } COMMANDS[] = {{"listen", listen_command},
                    {"connect", connect_command},
                    {"loop", loop_command},
                    {"storm", storm_command}};

    die_with_parent();
    prctl(PR_SET_TIMERSLACK, 1);
    raise_descriptor_limit();
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        if (count > 1 && strcmp(arguments[1], COMMANDS[i].name) == 0) {
            COMMANDS[i].run(count - 1, arguments + 1);
            return EXIT_SUCCESS;
        }
    }
    if (count > 1 && strcmp(arguments[1], "--help") == 0) {
        fputs(USAGE, stdout);
        return EXIT_SUCCESS;
    }
    fail("the first argument is listen, connect, loop or storm: traffic --help explains them");
}
