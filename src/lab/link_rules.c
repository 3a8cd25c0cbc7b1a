#include "link_rules.h"

#include <string.h>

#include "common.h"

enum segment_kind { SYN, SYNACK, DATA, OTHER };

static const struct {
    const char *name;
    enum segment_kind segment;
    bool first_only;
} KINDS[] = {
    {"first-syn", SYN, true}, {"first-synack", SYNACK, true}, {"first-data", DATA, true},
    {"all-syn", SYN, false},  {"all-synack", SYNACK, false},
};

static struct rule {
    const char *text;
    enum segment_kind segment;
    bool first_only;
    uint16_t server_port; /* 0: any */
} rules[MAX_RULES];
static int rules_used;

/** Two addresses and two ports without padding: compared and hashed as bytes. */
struct tuple {
    struct address client, server;
    uint16_t client_port, server_port;
};

/**
 * Connections are remembered exactly, the youngest CONNECTIONS of them: entries are handed out in a circle,
 * so a new connection takes the place of the oldest. Entries whose tuples hash alike form a list.
 */
#define CONNECTIONS 65536

static struct connection {
    struct tuple tuple;
    uint32_t initial_sequence;
    uint32_t dropped_by; /* the first-… rules that have had their segment */
    bool used;
    struct connection *next;
} connections[CONNECTIONS], *buckets[CONNECTIONS];
static size_t oldest;

void add_rule(const char *text) {
    if (rules_used == MAX_RULES)
        fail("at most %d rules can be given with --drop", MAX_RULES);
    size_t name_length = strcspn(text, ":");
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (strlen(KINDS[i].name) != name_length || strncmp(KINDS[i].name, text, name_length) != 0)
            continue;
        const char *port = text[name_length] == ':' ? text + name_length + 1 : NULL;
        rules[rules_used++] = (struct rule){
            .text = text,
            .segment = KINDS[i].segment,
            .first_only = KINDS[i].first_only,
            .server_port = port ? parse_integer("the port of a --drop rule", port, 1, 65535) : 0,
        };
        return;
    }
    fail(
        "'%s' is no rule: use first-syn, first-synack, first-data, all-syn or all-synack, then perhaps :PORT",
        text);
}

int rule_count(void) {
    return rules_used;
}

const char *rule_text(int rule) {
    return rules[rule].text;
}

/** A SYN that carries data (TCP Fast Open) is a SYN. */
static enum segment_kind kind_of(const struct segment *segment) {
    if (segment->syn)
        return segment->ack ? SYNACK : SYN;
    return segment->payload > 0 ? DATA : OTHER;
}

static struct tuple tuple_from_client(const struct segment *segment) {
    return (struct tuple){segment->source, segment->destination, segment->source_port,
                          segment->destination_port};
}

static struct tuple tuple_from_server(const struct segment *segment) {
    return (struct tuple){segment->destination, segment->source, segment->destination_port,
                          segment->source_port};
}

/** FNV-1a. */
static struct connection **bucket_of(const struct tuple *tuple) {
    const uint8_t *bytes = (const uint8_t *)tuple;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof *tuple; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return &buckets[(hash ^ (hash >> 16)) % CONNECTIONS];
}

static struct connection *find_connection(struct tuple tuple) {
    struct connection *connection = *bucket_of(&tuple);
    while (connection && memcmp(&connection->tuple, &tuple, sizeof tuple) != 0)
        connection = connection->next;
    return connection;
}

static void forget_connection(struct connection *connection) {
    struct connection **link = bucket_of(&connection->tuple);
    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
}

static struct connection *remember_connection(struct tuple tuple, uint32_t initial_sequence) {
    struct connection *connection = &connections[oldest];
    oldest = (oldest + 1) % CONNECTIONS;
    if (connection->used)
        forget_connection(connection);
    struct connection **bucket = bucket_of(&tuple);
    *connection = (struct connection){
        .tuple = tuple, .initial_sequence = initial_sequence, .used = true, .next = *bucket};
    *bucket = connection;
    return connection;
}

/** A SYN sent again has its first sequence number; another number means that the tuple is in use anew. */
static struct connection *connection_of_syn(const struct segment *syn) {
    struct connection *connection = find_connection(tuple_from_client(syn));
    if (!connection)
        return remember_connection(tuple_from_client(syn), syn->sequence);
    if (connection->initial_sequence != syn->sequence) {
        connection->initial_sequence = syn->sequence;
        connection->dropped_by = 0;
    }
    return connection;
}

static struct connection *connection_of(const struct segment *segment, enum segment_kind kind) {
    if (kind == SYN)
        return connection_of_syn(segment);
    struct connection *connection = find_connection(tuple_from_server(segment));
    if (!connection && kind != SYNACK)
        connection = find_connection(tuple_from_client(segment));
    return connection;
}

int dropping_rule(const struct segment *segment) {
    enum segment_kind kind = kind_of(segment);
    if (rules_used == 0 || kind == OTHER)
        return -1;
    struct connection *connection = connection_of(segment, kind);
    if (!connection) /* older than what we remember */
        return -1;
    for (int i = 0; i < rules_used; i++) {
        if (rules[i].segment != kind)
            continue;
        if (rules[i].server_port && rules[i].server_port != connection->tuple.server_port)
            continue;
        if (rules[i].first_only && connection->dropped_by & 1u << i)
            continue;
        connection->dropped_by |= 1u << i;
        return i;
    }
    return -1;
}
