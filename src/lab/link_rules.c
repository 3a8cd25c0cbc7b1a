#include "link_rules.h"

#include <stdio.h>
#include <string.h>

#include "common.h"

enum segment_kind { SYN, SYNACK, DATA, OTHER };
enum side { CLIENT, SERVER };
enum choice { EVERY, FIRST, NUMBERED };

/** The name of a NUMBERED kind is followed by the number. */
static const struct kind {
    const char *name;
    enum segment_kind segment;
    enum choice choice;
    enum side sender; /* of NUMBERED ones */
} KINDS[] = {
    {"first-syn", SYN, FIRST, 0},
    {"first-synack", SYNACK, FIRST, 0},
    {"first-data", DATA, FIRST, 0},
    {"all-syn", SYN, EVERY, 0},
    {"all-synack", SYNACK, EVERY, 0},
    {"data-", DATA, NUMBERED, CLIENT},
    {"server-data-", DATA, NUMBERED, SERVER},
};

static struct rule {
    const char *text;
    const struct kind *kind;
    uint32_t number;      /* of NUMBERED ones */
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

/** What one side has sent. */
struct stream {
    uint32_t next_sequence;
    uint32_t data_segments; /* without those that were sent again */
};

static struct connection {
    struct tuple tuple;
    uint32_t initial_sequence;
    struct stream streams[2]; /* by enum side */
    uint32_t dropped_by;      /* the first-… rules that have had their segment */
    bool used;
    struct connection *next;
} connections[CONNECTIONS], *buckets[CONNECTIONS];
static size_t oldest;

static bool is_named(const struct kind *kind, const char *text, size_t length) {
    size_t name_length = strlen(kind->name);
    bool length_fits = kind->choice == NUMBERED ? length > name_length : length == name_length;
    return length_fits && strncmp(kind->name, text, name_length) == 0;
}

/** The number between the name of a kind and the port. */
static uint32_t number_of(const struct kind *kind, const char *text, size_t length) {
    if (kind->choice != NUMBERED)
        return 0;
    char digits[32];
    size_t name_length = strlen(kind->name);
    snprintf(digits, sizeof digits, "%.*s", (int)(length - name_length), text + name_length);
    return parse_integer("the number of a --drop rule", digits, 1, UINT32_MAX);
}

void add_rule(const char *text) {
    if (rules_used == MAX_RULES)
        fail("at most %d rules can be given with --drop", MAX_RULES);
    size_t length = strcspn(text, ":");
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (!is_named(&KINDS[i], text, length))
            continue;
        const char *port = text[length] == ':' ? text + length + 1 : NULL;
        rules[rules_used++] = (struct rule){
            .text = text,
            .kind = &KINDS[i],
            .number = number_of(&KINDS[i], text, length),
            .server_port = port ? parse_integer("the port of a --drop rule", port, 1, 65535) : 0,
        };
        return;
    }
    fail("'%s' is no rule: use first-syn, first-synack, first-data, all-syn, all-synack, data-N or "
         "server-data-N, then perhaps :PORT",
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

static struct connection *remember_connection(struct tuple tuple) {
    struct connection *connection = &connections[oldest];
    oldest = (oldest + 1) % CONNECTIONS;
    if (connection->used)
        forget_connection(connection);
    struct connection **bucket = bucket_of(&tuple);
    *connection = (struct connection){.tuple = tuple, .used = true, .next = *bucket};
    *bucket = connection;
    return connection;
}

/** A SYN sent again has its first sequence number; another number means that the tuple is in use anew. */
static struct connection *connection_of_syn(const struct segment *syn) {
    struct connection *connection = find_connection(tuple_from_client(syn));
    if (connection && connection->initial_sequence == syn->sequence)
        return connection;
    if (!connection)
        connection = remember_connection(tuple_from_client(syn));
    connection->initial_sequence = syn->sequence;
    connection->dropped_by = 0;
    connection->streams[CLIENT] = (struct stream){.next_sequence = syn->sequence + 1 + syn->payload};
    connection->streams[SERVER] = (struct stream){0};
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

static enum side sender_of(const struct segment *segment, const struct connection *connection) {
    struct tuple tuple = tuple_from_server(segment);
    return memcmp(&tuple, &connection->tuple, sizeof tuple) == 0 ? SERVER : CLIENT;
}

/** The segment's number among the data of its sender; 0 when it, or a part of it, was sent before. */
static uint32_t count_data(struct stream *stream, const struct segment *segment) {
    if ((int32_t)(segment->sequence - stream->next_sequence) < 0)
        return 0;
    stream->next_sequence = segment->sequence + segment->payload;
    return ++stream->data_segments;
}

static uint32_t number_in_stream(struct stream *stream, const struct segment *segment,
                                 enum segment_kind kind) {
    if (kind == DATA)
        return count_data(stream, segment);
    if (kind == SYNACK && stream->data_segments == 0)
        stream->next_sequence = segment->sequence + 1;
    return 0;
}

int dropping_rule(const struct segment *segment) {
    enum segment_kind kind = kind_of(segment);
    if (rules_used == 0 || kind == OTHER)
        return -1;
    struct connection *connection = connection_of(segment, kind);
    if (!connection) /* older than what we remember */
        return -1;
    enum side sender = sender_of(segment, connection);
    uint32_t number = number_in_stream(&connection->streams[sender], segment, kind);
    for (int i = 0; i < rules_used; i++) {
        const struct rule *rule = &rules[i];
        if (rule->kind->segment != kind)
            continue;
        if (rule->server_port && rule->server_port != connection->tuple.server_port)
            continue;
        if (rule->kind->choice == FIRST && connection->dropped_by & 1u << i)
            continue;
        if (rule->kind->choice == NUMBERED && (rule->kind->sender != sender || rule->number != number))
            continue;
        connection->dropped_by |= 1u << i;
        return i;
    }
    return -1;
}
