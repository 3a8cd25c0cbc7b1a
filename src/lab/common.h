/** What both helpers of the laboratory need. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NS_PER_SECOND 1000000000LL

/** Ends the program with exit status 1 after one clear line on stderr. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

/** The number that text stands for; ends the program when it is not one between minimum and maximum. */
int64_t parse_integer(const char *what, const char *text, int64_t minimum, int64_t maximum);

int64_t monotonic_ns(void);

/** Asks the kernel to end this program when its parent ends: a killed test must leave nothing behind. */
void die_with_parent(void);

/** Tells whoever reads our stdout that everything is in place. */
void print_ready(void);

/** Blocks SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 and gives a non-blocking descriptor to read them from. */
int open_signals(void);
