// SPDX-License-Identifier: BSD-3-Clause
#include "spoke_traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checksum.h"
#include "clock.h"
#include "gre_wire.h"

#define FRONT (sizeof(struct ether_header) + sizeof(struct iphdr) + SPOKE_ESP_FRONT)
#define INNER_BYTES 128
#define FRAME_MAX 2048
#define LATE_MAX 512 // packets that were due while the machine had no time for us; more are not made up for
#define QUEUE_BYTES (16 << 20)
#define LOST_SHOWN 10

struct sent {
	uint64_t ns;
	uint16_t from, to;
	bool is_received, is_rekeying; // when it was sent
};

struct counters {
	uint64_t received, repeated, wrong, no_sa, not_opened, not_sent;
};

struct spoke_counters { // while it was rekeying
	uint32_t sent, received;
};

struct spoke_traffic {
	struct spoke_traffic_conf conf;
	int fd;
	bool is_running;
	uint64_t begin_ns, due_before; // packets of this run that were sent or skipped
	struct sent *sent; // [n_sent], room for n_max
	uint32_t n_sent, n_max;
	struct counters counters;
	struct spoke_counters *spokes; // [n_spokes + 1]
};

static int open_socket(const char *iface) {
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0), bytes = QUEUE_BYTES, on = 1;

	at.sll_ifindex = (int)if_nametoindex(iface);
	if (fd < 0 || !at.sll_ifindex)
		goto err;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) ||
		setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
		bind(fd, (struct sockaddr *)&at, sizeof(at)))
		goto err;
	return fd;
err:
	if (fd >= 0)
		close(fd);
	return -1;
}

struct spoke_traffic *spoke_traffic_create(const struct spoke_traffic_conf *conf) {
	struct spoke_traffic *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->conf = *conf;
	t->spokes = calloc(conf->n_spokes + 1, sizeof(*t->spokes));
	t->fd = open_socket(conf->iface);
	if (t->spokes && t->fd >= 0)
		return t;
	spoke_traffic_free(t);
	return NULL;
}

void spoke_traffic_free(struct spoke_traffic *t) {
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	free(t->sent);
	free(t->spokes);
	free(t);
}

int spoke_traffic_fd(const struct spoke_traffic *t) {
	return t->fd;
}

// --- to the hub ---
static uint32_t host_of(uint32_t spoke) {
	return 0x0a400001u + (spoke << 8);
}

static void ip_write(uint8_t *at, size_t len, uint8_t protocol, uint32_t src, uint32_t dst) {
	struct iphdr ip = {.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)len),
		.frag_off = htons(IP_DF),
		.ttl = 64,
		.protocol = protocol,
		.saddr = htonl(src),
		.daddr = htonl(dst)};

	ip.check = checksum(&ip, sizeof(ip));
	memcpy(at, &ip, sizeof(ip));
}

// GRE, IPv4, UDP and the number. Returns the length.
static uint32_t inner_write(const struct spoke_traffic *t, uint8_t *at, const struct sent *s, uint32_t number) {
	struct gre_header gre = {.flags = GRE_FLAG_KEY, .protocol = GRE_PROTO_IPV4, .key = t->conf.key};
	struct udphdr udp = {.source = htons(9), .dest = htons(9)};
	uint8_t gre_bytes = gre_write(&gre, at), *ip = at + gre_bytes;

	udp.len = htons(INNER_BYTES - sizeof(struct iphdr));
	memset(ip, 0, INNER_BYTES);
	ip_write(ip, INNER_BYTES, IPPROTO_UDP, host_of(s->from), host_of(s->to));
	memcpy(ip + sizeof(struct iphdr), &udp, sizeof(udp));
	memcpy(ip + sizeof(struct iphdr) + sizeof(udp), &number, sizeof(number));
	return gre_bytes + INNER_BYTES;
}

static bool frame_send(const struct spoke_traffic *t, uint32_t sa, const struct sent *s, uint32_t number) {
	struct ether_header eth = {.ether_type = htons(ETHERTYPE_IP)};
	uint8_t bytes[FRAME_MAX];
	struct spoke_esp_packet p = {.spoke = sa, .at = bytes + FRONT};

	p.len_bytes = inner_write(t, p.at, s, number);
	spoke_esp_seal(spoke_sas_esp(t->conf.sas), &p, 1);
	p.at -= sizeof(struct iphdr);
	p.len_bytes += sizeof(struct iphdr);
	ip_write(p.at, p.len_bytes, IPPROTO_ESP, spoke_address(s->from), t->conf.hub);
	memcpy(eth.ether_dhost, t->conf.hub_mac, sizeof(eth.ether_dhost));
	memcpy(eth.ether_shost, t->conf.mac, sizeof(eth.ether_shost));
	p.at -= sizeof(eth);
	p.len_bytes += sizeof(eth);
	memcpy(p.at, &eth, sizeof(eth));
	return send(t->fd, p.at, p.len_bytes, 0) == (ssize_t)p.len_bytes;
}

static bool room(struct spoke_traffic *t) {
	uint32_t n_max = t->n_max ? 2 * t->n_max : 1 << 16;
	struct sent *more;

	if (t->n_sent < t->n_max)
		return true;
	more = realloc(t->sent, n_max * sizeof(*more));
	if (!more)
		return false;
	t->sent = more;
	t->n_max = n_max;
	return true;
}

// Each spoke once a round, to the next of the others in every round.
static void send_one(struct spoke_traffic *t, uint64_t turn, uint64_t now_ns) {
	uint32_t n = t->conf.n_spokes, from = (uint32_t)(turn % n);
	uint32_t to = (from + 1 + (uint32_t)(turn / n % (n - 1))) % n, sa = spoke_sas_out(t->conf.sas, from + 1);
	struct sent s = {.ns = now_ns, .from = (uint16_t)(from + 1), .to = (uint16_t)(to + 1)};

	if (!sa || !room(t) || !frame_send(t, sa, &s, t->n_sent)) {
		t->counters.not_sent++;
		return;
	}
	s.is_rekeying = spoke_is_rekeying(t->conf.sas, s.from);
	t->spokes[s.from].sent += s.is_rekeying;
	t->sent[t->n_sent++] = s;
}

void spoke_traffic_begin(struct spoke_traffic *t, uint64_t now_ns) {
	t->is_running = true;
	t->begin_ns = now_ns;
	t->due_before = 0;
}

void spoke_traffic_end(struct spoke_traffic *t) {
	t->is_running = false;
}

void spoke_traffic_send(struct spoke_traffic *t, uint64_t now_ns) {
	uint64_t due = t->is_running ? (now_ns - t->begin_ns) * t->conf.per_s / NS_PER_S : 0;

	if (!t->is_running)
		return;
	if (due - t->due_before > LATE_MAX)
		t->due_before = due - LATE_MAX;
	while (t->due_before < due)
		send_one(t, t->due_before++, now_ns);
}

// --- from the hub ---
// Behind the outer header. false: not ESP to a spoke.
static bool outer_pull(
	const struct spoke_traffic *t, uint8_t *frame, size_t len, uint32_t *spoke, struct spoke_esp_packet *p) {
	struct iphdr ip;

	if (len < sizeof(struct ether_header) + sizeof(ip))
		return false;
	memcpy(&ip, frame + sizeof(struct ether_header), sizeof(ip));
	*spoke = spoke_at(t->conf.sas, ntohl(ip.daddr));
	if (ip.ihl != 5 || ip.protocol != IPPROTO_ESP || !*spoke || ntohs(ip.tot_len) < sizeof(ip) + 8 ||
		ntohs(ip.tot_len) > len - sizeof(struct ether_header))
		return false;
	p->at = frame + sizeof(struct ether_header) + sizeof(ip);
	p->len_bytes = ntohs(ip.tot_len) - sizeof(ip);
	return true;
}

static void inner_take(struct spoke_traffic *t, uint32_t spoke, const struct spoke_esp_packet *p) {
	struct gre_header gre;
	struct sent *s = NULL;
	struct iphdr ip;
	uint32_t number;

	if (gre_parse(p->at, p->len_bytes, &gre) == GRE_OK && p->len_bytes == gre.len_bytes + (uint32_t)INNER_BYTES) {
		memcpy(&ip, p->at + gre.len_bytes, sizeof(ip));
		memcpy(&number, p->at + gre.len_bytes + sizeof(ip) + sizeof(struct udphdr), sizeof(number));
		s = number < t->n_sent ? &t->sent[number] : NULL;
	}
	if (!s || s->to != spoke || ntohl(ip.saddr) != host_of(s->from) || ntohl(ip.daddr) != host_of(spoke)) {
		t->counters.wrong++;
		return;
	}
	t->counters.received += !s->is_received;
	t->counters.repeated += s->is_received;
	s->is_received = true;
	t->spokes[spoke].received += spoke_is_rekeying(t->conf.sas, spoke);
}

static void frame_take(struct spoke_traffic *t, uint8_t *frame, size_t len) {
	struct spoke_esp_packet p = {0};
	uint32_t spoke, spi;

	if (!outer_pull(t, frame, len, &spoke, &p))
		return;
	memcpy(&spi, p.at, sizeof(spi));
	p.spoke = spoke_sas_in(t->conf.sas, spoke, ntohl(spi));
	if (!p.spoke) {
		t->counters.no_sa++;
		return;
	}
	spoke_esp_open(spoke_sas_esp(t->conf.sas), &p, 1);
	if (p.verdict == SPOKE_ESP_OK || p.verdict == SPOKE_ESP_LATE)
		inner_take(t, spoke, &p);
	else
		t->counters.not_opened++;
}

void spoke_traffic_receive(struct spoke_traffic *t) {
	uint8_t frame[FRAME_MAX];
	ssize_t n;

	while ((n = recv(t->fd, frame, sizeof(frame), 0)) > 0)
		frame_take(t, frame, (size_t)n);
}

// --- report ---
static void lost_print(const struct spoke_traffic *t, FILE *out) {
	unsigned n = 0;

	for (uint32_t i = 0; i < t->n_sent && n < LOST_SHOWN; i++) {
		const struct sent *s = &t->sent[i];

		if (s->is_received)
			continue;
		fprintf(out, "lost: packet %u from spoke %u to %u, %.3f s after the run's begin%s\n", i, s->from, s->to,
			((double)s->ns - (double)t->begin_ns) / (double)NS_PER_S, s->is_rekeying ? ", rekeying" : "");
		n++;
	}
}

void spoke_traffic_report(struct spoke_traffic *t, FILE *out, FILE *details) {
	uint32_t sent = UINT32_MAX, received = UINT32_MAX;
	const struct counters *c = &t->counters;

	for (uint32_t i = 1; i <= t->conf.n_spokes; i++) {
		sent = t->spokes[i].sent < sent ? t->spokes[i].sent : sent;
		received = t->spokes[i].received < received ? t->spokes[i].received : received;
	}
	fprintf(out,
		"rekeyed %u sent %u received %lu lost %lu repeated %lu wrong %lu no-sa %lu not-opened %lu not-sent %lu "
		"least-sent %u least-received %u\n",
		spoke_sas_rekeyed(t->conf.sas), t->n_sent, c->received, t->n_sent - c->received, c->repeated, c->wrong,
		c->no_sa, c->not_opened, c->not_sent, sent, received);
	fflush(out);
	if (!t->is_running)
		lost_print(t, details);
}
