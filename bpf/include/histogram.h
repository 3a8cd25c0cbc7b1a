/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Log-linear buckets, 128 an octave, so that a bucket is at most 0.8 % wide: 1.003 s, the mark of a lost SYN,
 * stays apart from 0.99 s. The same scheme as src/model/histogram.ts; merged by addition.
 */
#pragma once

#include "types.h"

#define HISTOGRAM_BITS 7
#define HISTOGRAM_OCTAVE (1 << HISTOGRAM_BITS)
#define HISTOGRAM_MAX_EXPONENT 39 /* 2^40 ns = 18 min; longer values go to the last bucket */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_MAX_EXPONENT - HISTOGRAM_BITS + 2) * HISTOGRAM_OCTAVE)

/* Floor of the binary logarithm by halving: BPF has no instruction that counts leading zeros. */
static __always_inline __u32 log2_floor(__u64 value) {
    __u32 exponent = 0;

    for (__u32 step = 32; step > 0; step /= 2) {
        if (value >> step) {
            value >>= step;
            exponent += step;
        }
    }
    return exponent;
}

static __always_inline __u32 histogram_bucket(__u64 value) {
    __u32 exponent, shift;

    if (value < HISTOGRAM_OCTAVE)
        return value;
    exponent = log2_floor(value);
    if (exponent > HISTOGRAM_MAX_EXPONENT)
        return HISTOGRAM_BUCKETS - 1;
    shift = exponent - HISTOGRAM_BITS;
    return (shift + 1) * HISTOGRAM_OCTAVE + (value >> shift) - HISTOGRAM_OCTAVE;
}
