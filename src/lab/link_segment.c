#include "link_segment.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>

static struct address mapped(const void *ipv4) {
    struct address address = {.bytes = {[10] = 0xff, [11] = 0xff}};
    memcpy(&address.bytes[12], ipv4, 4);
    return address;
}

static bool parse_tcp(const uint8_t *bytes, size_t length, struct segment *segment) {
    struct tcphdr header;
    if (length < sizeof header)
        return false;
    memcpy(&header, bytes, sizeof header);
    size_t header_length = header.doff * 4;
    if (header_length < sizeof header || header_length > length)
        return false;
    segment->source_port = ntohs(header.source);
    segment->destination_port = ntohs(header.dest);
    segment->sequence = ntohl(header.seq);
    segment->syn = header.syn;
    segment->ack = header.ack;
    segment->payload = length - header_length;
    return true;
}

static bool parse_ipv4(const uint8_t *packet, size_t length, struct segment *segment) {
    struct iphdr header;
    if (length < sizeof header)
        return false;
    memcpy(&header, packet, sizeof header);
    size_t header_length = header.ihl * 4, total = ntohs(header.tot_len);
    bool later_fragment = ntohs(header.frag_off) & IP_OFFMASK;
    if (header.protocol != IPPROTO_TCP || later_fragment || header_length > total || total > length)
        return false;
    segment->source = mapped(&header.saddr);
    segment->destination = mapped(&header.daddr);
    return parse_tcp(packet + header_length, total - header_length, segment);
}

/** Linux puts no extension headers in front of TCP unless a program asks for them: they are not looked
 * through. */
static bool parse_ipv6(const uint8_t *packet, size_t length, struct segment *segment) {
    struct ip6_hdr header;
    if (length < sizeof header)
        return false;
    memcpy(&header, packet, sizeof header);
    size_t payload = ntohs(header.ip6_plen);
    if (header.ip6_nxt != IPPROTO_TCP || sizeof header + payload > length)
        return false;
    memcpy(&segment->source, &header.ip6_src, sizeof segment->source);
    memcpy(&segment->destination, &header.ip6_dst, sizeof segment->destination);
    return parse_tcp(packet + sizeof header, payload, segment);
}

bool parse_segment(const uint8_t *packet, size_t length, struct segment *segment) {
    if (length == 0)
        return false;
    switch (packet[0] >> 4) {
    case 4:
        return parse_ipv4(packet, length, segment);
    case 6:
        return parse_ipv6(packet, length, segment);
    default:
        return false;
    }
}
