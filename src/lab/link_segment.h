/** The parts of a TCP segment that the rules of the link look at. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address {
    uint8_t bytes[16]; /* an IPv4 address is written as ::ffff:a.b.c.d */
};

struct segment {
    struct address source, destination;
    uint16_t source_port, destination_port;
    uint32_t sequence;
    bool syn, ack;
    size_t payload; /* bytes of data */
};

/** Reads an IPv4 or IPv6 packet. False when it is not TCP (then no rule applies to it). */
bool parse_segment(const uint8_t *packet, size_t length, struct segment *segment);
