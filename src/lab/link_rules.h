/** Which segments the link drops on purpose. */
#pragma once

#include "link_segment.h"

#define MAX_RULES 32 /* one bit each in what a connection remembers */

/**
 * Adds a rule such as "first-syn:9000": a kind (first-syn, first-synack, first-data, all-syn, all-synack,
 * data-N, server-data-N), and optionally the server's port it is limited to. A first-… rule drops the first
 * such segment of every connection. data-N drops the N-th data segment that the client sends, server-data-N
 * the N-th that the server sends; neither counts what is sent again. Ends the program when the text is not a
 * rule.
 */
void add_rule(const char *text);

/** The number of rules; a rule is known by its index below it. */
int rule_count(void);

/** The rule's text, as given to add_rule. */
const char *rule_text(int rule);

/**
 * The rule that wants this segment dropped, or -1: forward it. Remembers what first-… rules have dropped, and
 * counts data: it wants to see every segment, once.
 */
int dropping_rule(const struct segment *segment);
