/* Prints how many thousand times a second this machine's time stamp counter ticks: see clock.ts. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

/* The two within as little time of each other as there is in a number of attempts. */
struct moment {
    uint64_t ticks;
    int64_t ns;
};

static int64_t now_ns(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static struct moment look(void) {
    struct moment best = {0};
    int64_t shortest = INT64_MAX;

    for (int attempt = 0; attempt < 1000; attempt++) {
        int64_t before = now_ns();
        uint64_t ticks = __rdtsc();
        int64_t after = now_ns();

        if (after - before < shortest) {
            shortest = after - before;
            best = (struct moment){ticks, before + shortest / 2};
        }
    }
    return best;
}

int main(void) {
    struct moment first = look();

    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    struct moment last = look();
    double per_ns = (double)(last.ticks - first.ticks) / (double)(last.ns - first.ns);
    printf("%.0f\n", per_ns * 1e6);
    return 0;
}
