/**
 * link IF_A IF_B --delay-us N [--loss PERCENT] [--seed N] [--drop RULE]…
 *
 * A network cable between two hosts on one machine: creates two TUN devices, to be moved to two network
 * namespaces, and carries every IP packet from one to the other after a constant delay. TCP segments are lost
 * at random (--loss, repeatable with --seed) or by rule (--drop, see link_rules.h); nothing else is lost.
 *
 * Prints "ready" when the devices exist. SIGUSR1 prints the counts so far as a line of JSON; SIGTERM and
 * SIGINT print them and end the program. SIGUSR2 cuts the cable and prints "cut", or mends it and prints
 * "mended": TCP segments sent while it is cut are lost, those under way still arrive.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common.h"
#include "link_rules.h"
#include "link_segment.h"

#define MAX_PACKET 2048 /* more than the devices' MTU of 1500 */
#define QUEUE_LENGTH 16384

/** An idle processor takes this long to wake up: sleep so much less, then poll without sleeping. */
#define WAKE_UP_NS 200000

struct packet {
    int64_t due_ns;
    size_t length;
    uint8_t bytes[MAX_PACKET];
};

/** Packets on their way from one device to the other: the delay is constant, so they leave in order. */
struct direction {
    int from, to;
    struct packet *queue;
    uint64_t head, tail; /* packets ever taken off and put on */
    unsigned short random[3];
    uint64_t forwarded, lost, overflowed, cut, dropped[MAX_RULES];
};

static int64_t delay_ns;
static double loss_percent;
static long seed = 1;
static bool cut;
static struct direction directions[2];

static int open_tun(const char *name) {
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0)
        fail("cannot open /dev/net/tun: %s", strerror(errno));
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    if (strlen(name) >= sizeof request.ifr_name)
        fail("the interface name '%s' is too long", name);
    strcpy(request.ifr_name, name);
    if (ioctl(device, TUNSETIFF, &request) < 0)
        fail("cannot create the interface %s: %s", name, strerror(errno));
    return device;
}

static void open_direction(struct direction *direction, int from, int to, unsigned short stream) {
    *direction = (struct direction){
        .from = from,
        .to = to,
        .queue = calloc(QUEUE_LENGTH, sizeof(struct packet)),
        .random = {stream, seed & 0xffff, seed >> 16 & 0xffff},
    };
    if (!direction->queue)
        fail("not enough memory for %d packets", QUEUE_LENGTH);
}

/** Decides about a packet that has just come in, and counts it when it is to be lost. */
static bool loses(struct direction *direction, const uint8_t *bytes, size_t length) {
    struct segment segment;
    if (!parse_segment(bytes, length, &segment))
        return false;
    int rule = dropping_rule(&segment); /* asked even while cut: it counts what is sent */
    if (cut) {
        direction->cut++;
        return true;
    }
    if (rule >= 0) {
        direction->dropped[rule]++;
        return true;
    }
    if (erand48(direction->random) * 100 < loss_percent) {
        direction->lost++;
        return true;
    }
    return false;
}

static void receive_packets(struct direction *direction) {
    uint8_t bytes[MAX_PACKET];
    ssize_t length;
    while ((length = read(direction->from, bytes, sizeof bytes)) > 0) {
        if (loses(direction, bytes, length))
            continue;
        if (direction->tail - direction->head == QUEUE_LENGTH) {
            direction->overflowed++;
            continue;
        }
        struct packet *packet = &direction->queue[direction->tail++ % QUEUE_LENGTH];
        packet->due_ns = monotonic_ns() + delay_ns;
        packet->length = length;
        memcpy(packet->bytes, bytes, length);
    }
}

/** Sends what is due. Writing fails while the other device is not up yet, like on a cable without a peer. */
static void deliver_packets(struct direction *direction) {
    while (direction->head != direction->tail) {
        const struct packet *packet = &direction->queue[direction->head % QUEUE_LENGTH];
        if (packet->due_ns > monotonic_ns())
            return;
        if (write(direction->to, packet->bytes, packet->length) > 0)
            direction->forwarded++;
        direction->head++;
    }
}

/** How long to sleep for the packet that is due next; NULL when none is on its way. */
static struct timespec *time_to_next_packet(struct timespec *wait) {
    int64_t due = INT64_MAX;
    for (int i = 0; i < 2; i++) {
        const struct direction *direction = &directions[i];
        if (direction->head != direction->tail &&
            direction->queue[direction->head % QUEUE_LENGTH].due_ns < due)
            due = direction->queue[direction->head % QUEUE_LENGTH].due_ns;
    }
    if (due == INT64_MAX)
        return NULL;
    int64_t left = due - WAKE_UP_NS - monotonic_ns();
    if (left < 0)
        left = 0;
    *wait = (struct timespec){left / NS_PER_SECOND, left % NS_PER_SECOND};
    return wait;
}

/** Prints what is in `which` of the two directions, as the members of a JSON object. */
static void print_counts_of(const struct direction *which, int count) {
    uint64_t forwarded = 0, lost = 0, overflowed = 0, cut_off = 0;
    for (int i = 0; i < count; i++) {
        forwarded += which[i].forwarded;
        lost += which[i].lost;
        overflowed += which[i].overflowed;
        cut_off += which[i].cut;
    }
    printf("\"forwarded\":%" PRIu64 ",\"dropped\":{\"loss\":%" PRIu64 ",\"queue-full\":%" PRIu64
           ",\"cut\":%" PRIu64,
           forwarded, lost, overflowed, cut_off);
    for (int rule = 0; rule < rule_count(); rule++) {
        uint64_t dropped = 0;
        for (int i = 0; i < count; i++)
            dropped += which[i].dropped[rule];
        printf(",\"%s\":%" PRIu64, rule_text(rule), dropped);
    }
    printf("}");
}

static void print_counts(void) {
    printf("{");
    print_counts_of(directions, 2);
    printf(",\"fromA\":{");
    print_counts_of(&directions[0], 1);
    printf("},\"fromB\":{");
    print_counts_of(&directions[1], 1);
    printf("}}\n");
    fflush(stdout);
}

/** What was sent before the signal has the fate that it would have had without it. */
static void cut_or_mend(void) {
    for (int i = 0; i < 2; i++)
        receive_packets(&directions[i]);
    cut = !cut;
    puts(cut ? "cut" : "mended");
    fflush(stdout);
}

/** Answers signals. False when it is time to end. */
static bool answer_signals(int signals) {
    struct signalfd_siginfo signal;
    while (read(signals, &signal, sizeof signal) == sizeof signal) {
        if (signal.ssi_signo == SIGUSR2) {
            cut_or_mend();
            continue;
        }
        print_counts();
        if (signal.ssi_signo != SIGUSR1)
            return false;
    }
    return true;
}

static void run(int signals) {
    do {
        struct pollfd polled[] = {
            {.fd = directions[0].from, .events = POLLIN},
            {.fd = directions[1].from, .events = POLLIN},
            {.fd = signals, .events = POLLIN},
        };
        struct timespec wait;
        if (ppoll(polled, 3, time_to_next_packet(&wait), NULL) < 0 && errno != EINTR)
            fail("cannot wait for packets: %s", strerror(errno));
        for (int i = 0; i < 2; i++) {
            receive_packets(&directions[i]);
            deliver_packets(&directions[i]);
        }
    } while (answer_signals(signals));
}

static const char **parse_arguments(int count, char **arguments) {
    static const struct option OPTIONS[] = {
        {"delay-us", required_argument, NULL, 'd'},
        {"loss", required_argument, NULL, 'l'},
        {"seed", required_argument, NULL, 's'},
        {"drop", required_argument, NULL, 'r'},
        {NULL, 0, NULL, 0},
    };
    int option;
    char *end;
    while ((option = getopt_long(count, arguments, "", OPTIONS, NULL)) != -1) {
        switch (option) {
        case 'd':
            delay_ns = parse_integer("--delay-us", optarg, 0, 60000000) * 1000;
            break;
        case 'l':
            loss_percent = strtod(optarg, &end);
            if (end == optarg || *end != '\0' || !(loss_percent >= 0 && loss_percent <= 100))
                fail("--loss must be a percentage from 0 to 100, not '%s'", optarg);
            break;
        case 's':
            seed = parse_integer("--seed", optarg, 0, UINT32_MAX);
            break;
        case 'r':
            add_rule(optarg);
            break;
        default:
            exit(EXIT_FAILURE); /* getopt has said why */
        }
    }
    if (count - optind != 2)
        fail("usage: link IF_A IF_B [--delay-us N] [--loss PERCENT] [--seed N] [--drop RULE]...");
    return (const char **)&arguments[optind];
}

/** A packet must not wait for its turn on a processor; where that is not permitted it may be a little late.
 */
static void be_punctual(void) {
    prctl(PR_SET_TIMERSLACK, 1);
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
}

int main(int count, char **arguments) {
    const char **names = parse_arguments(count, arguments);
    die_with_parent();
    be_punctual();
    int signals = open_signals();
    int a = open_tun(names[0]), b = open_tun(names[1]);
    open_direction(&directions[0], a, b, 'A');
    open_direction(&directions[1], b, a, 'B');
    print_ready();
    run(signals);
    return EXIT_SUCCESS;
}
