/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What becomes of an attempt to connect. */
#pragma once

enum outcome {
    OUTCOME_OK,
    OUTCOME_REFUSED,
    OUTCOME_TIMEOUT,
    OUTCOME_UNREACHABLE,
    OUTCOME_RESET,
    OUTCOME_ABANDONED,
    OUTCOME_NO_PORT,
    OUTCOME_PENDING,
};
#define OUTCOMES 8
