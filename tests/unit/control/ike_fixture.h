// SPDX-License-Identifier: BSD-3-Clause
// A hub with a tunnel that IKE protects, in this process, and a plugin of the IKE daemon that is none.
#pragma once

#include "hub_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "crypto_null.h"
#include "identity.h"
#include "ike_ctl.h"
#include "ike_state.h"
#include "ipsec.h"
#include "nave_ike.h"
#include "sa_ctl.h"
#include "clock.h"

#define HUB "10.0.0.1"
#define SPOKE "198.51.100.11"
#define OTHER "198.51.100.12"
#define FIXED "198.51.100.99" // has a static map
#define AES_GCM_16 20

struct plugin {
	int fd;
	uint32_t id;
	uint64_t hub_boot_id;
};

static char ike_socket[64];

static inline int ike_hub_up(void **state) {
	struct ladder_options opt = {.rx_mbufs = 4095, .crypto = &crypto_null_ops};
	struct conf *conf;
	char text[2048];

	(void)state;
	snprintf(ike_socket, sizeof(ike_socket), "/tmp/nave-test-%d.sock", (int)getpid());
	snprintf(text, sizeof(text),
		"version: 1\n"
		"hub: {name: t-ike, control-cpu: 0, worker-cpus: [0], hugepages: off, max-spokes: 64}\n"
		"ports:\n"
		"  wan0: {device: \"net_null_ike,no-rx=1\", host: false, address: 10.0.0.1/24, gateway: 10.0.0.254%s}\n"
		"tunnels:\n"
		"  clear0: {source: {port: wan0, address: 10.0.0.1}, key: 2, address: 172.32.0.1/16, phase: 1, host: "
		"false,\n"
		"    protection: none}\n"
		"  dmvpn0: {source: {port: wan0, address: 10.0.0.1}, key: 1, address: 172.16.0.1/12, phase: 1, host: "
		"false,\n"
		"    protection: {mode: ike, identities: [\n"
		"      {match: limited.example, protocol: 172.17.0.0/16}, {match: \"*.example\"}]},\n"
		"    nhrp: {static: [{protocol: 172.16.0.99, nbma: " FIXED "}]}}\n"
		"ike: {socket: %s, orphan-grace: 100}\n",
		GATEWAY_KNOWN, ike_socket);
	conf = conf_load_text("t-ike", text, stderr);
	return conf ? nave_up(&hub, conf, &opt, stderr) : -1;
}

static inline int ike_hub_down(void **state) {
	(void)state;
	nave_down(&hub);
	return access(ike_socket, F_OK) == 0 ? -1 : 0;
}

static inline void turns(void) {
	for (unsigned i = 0; i < 4; i++)
		control_turn(hub.control, 0);
}

static inline uint64_t ike_count(enum ike_ctl_counter c) {
	return ike_ctl_counters(hub.ike)[c];
}

static inline uint64_t server_count(enum ike_server_counter c) {
	return ike_ctl_server_counters(hub.ike)[c];
}

static inline struct ike_info ike_now(void) {
	struct ike_info info;

	ike_ctl_info(hub.ike, &info);
	return info;
}

// --- the socket ---
static inline int dial(void) {
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", ike_socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	turns();
	return fd;
}

static inline void header(void *message, uint8_t type, uint32_t id) {
	*(struct nave_ike_header *)message = (struct nave_ike_header){
		.version = NAVE_IKE_VERSION, .type = type, .len_bytes = nave_ike_len_bytes(type), .id = id};
}

static inline void say(const struct plugin *p, const void *message) {
	size_t n = ((const struct nave_ike_header *)message)->len_bytes;

	assert_int_equal(send(p->fd, message, n, MSG_NOSIGNAL), n);
	turns();
}

// The type of the next message; 0: there is none; -1: the hub has hung up.
static inline int hear(const struct plugin *p, union nave_ike_message *m) {
	ssize_t n = recv(p->fd, m, sizeof(*m), 0);

	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		return 0;
	}
	if (n == 0)
		return -1;
	assert_int_equal(m->h.version, NAVE_IKE_VERSION);
	assert_int_equal(m->h.len_bytes, n);
	assert_int_equal(nave_ike_len_bytes(m->h.type), n);
	return m->h.type;
}

static inline struct plugin plugin_hello(uint64_t boot_id) {
	struct plugin p = {.fd = dial()};
	struct nave_ike_hello hello = {.boot_id = boot_id, .name = "fake 1.0"};
	union nave_ike_message m;

	header(&hello, NAVE_IKE_HELLO, 0);
	say(&p, &hello);
	assert_int_equal(hear(&p, &m), NAVE_IKE_HELLO);
	assert_int_not_equal(m.hello.boot_id, 0);
	p.hub_boot_id = m.hello.boot_id;
	return p;
}

static inline void plugin_cut(struct plugin *p) {
	close(p->fd);
	p->fd = -1;
	turns();
}

static inline void expect_silence(const struct plugin *p) {
	union nave_ike_message m;

	assert_int_equal(hear(p, &m), 0);
}

static inline void expect_expire(const struct plugin *p, uint32_t spi, bool is_hard) {
	union nave_ike_message m;

	assert_int_equal(hear(p, &m), NAVE_IKE_EXPIRE);
	assert_int_equal(m.h.id, 0);
	assert_int_equal(m.expire.sa.spi, spi);
	assert_int_equal(m.expire.is_hard, is_hard);
}

// --- requests ---
static inline struct nave_ike_host host_of(const char *text, uint16_t port) {
	struct addr a = ip(text);
	struct nave_ike_host h = {.family = a.family, .len_bits = a.family == ADDR_IPV4 ? 32 : 128, .port = port};

	memcpy(h.address, a.bytes, sizeof(h.address));
	return h;
}

static inline struct nave_ike_result ask(struct plugin *p, void *message, uint8_t type) {
	union nave_ike_message m;

	header(message, type, ++p->id);
	say(p, message);
	assert_int_equal(hear(p, &m), NAVE_IKE_RESULT);
	assert_int_equal(m.h.id, p->id);
	assert_int_equal(m.result.status == NAVE_IKE_OK, m.result.reason[0] == '\0');
	return m.result;
}

static inline struct nave_ike_sa_name name_of(uint8_t direction, uint32_t spi, const char *spoke, uint16_t port) {
	struct nave_ike_host peer = host_of(spoke, port), local = host_of(HUB, port ? 4500 : 0);

	if (direction == NAVE_IKE_INBOUND)
		return (struct nave_ike_sa_name){.direction = direction, .spi = spi, .src = peer, .dst = local};
	return (struct nave_ike_sa_name){.direction = direction, .spi = spi, .src = local, .dst = peer};
}

static inline uint32_t get_spi(struct plugin *p, const char *spoke) {
	struct nave_ike_get_spi m = {.src = host_of(spoke, 0), .dst = host_of(HUB, 0)};
	struct nave_ike_result r = ask(p, &m, NAVE_IKE_GET_SPI);

	assert_int_equal(r.status, NAVE_IKE_OK);
	assert_true(r.spi >= 256);
	return r.spi;
}

static inline struct nave_ike_add_sa add_of(
	uint8_t direction, uint32_t spi, const char *spoke, uint16_t port, const char *identity) {
	struct nave_ike_add_sa m = {
		.sa = name_of(direction, spi, spoke, port),
		.is_udp = port != 0,
		.enc_alg = AES_GCM_16,
		.enc_key_bytes = 20,
		.ike_id = 7,
		.connection = "dmvpn",
	};

	for (unsigned i = 0; i < m.enc_key_bytes; i++)
		m.enc_key[i] = (uint8_t)(spi + i);
	snprintf(m.identity, sizeof(m.identity), "%s", identity);
	return m;
}

static inline uint8_t add(
	struct plugin *p, uint8_t direction, uint32_t spi, const char *spoke, uint16_t port, const char *identity) {
	struct nave_ike_add_sa m = add_of(direction, spi, spoke, port, identity);

	return ask(p, &m, NAVE_IKE_ADD_SA).status;
}

struct pair {
	uint32_t in, out;
};

// As charon does when a CHILD_SA comes up.
static inline struct pair child_up(struct plugin *p, const char *spoke, uint16_t port, const char *identity) {
	static uint32_t spi = 0xc0000000;
	struct pair sa = {.in = get_spi(p, spoke), .out = spi++};

	assert_int_equal(add(p, NAVE_IKE_INBOUND, sa.in, spoke, port, identity), NAVE_IKE_OK);
	assert_int_equal(add(p, NAVE_IKE_OUTBOUND, sa.out, spoke, port, identity), NAVE_IKE_OK);
	return sa;
}

static inline uint8_t del(struct plugin *p, uint8_t direction, uint32_t spi, const char *spoke, uint16_t port) {
	struct nave_ike_name_sa m = {.sa = name_of(direction, spi, spoke, port)};

	return ask(p, &m, NAVE_IKE_DEL_SA).status;
}

static inline struct nave_ike_result query(
	struct plugin *p, uint8_t direction, uint32_t spi, const char *spoke, uint16_t port) {
	struct nave_ike_name_sa m = {.sa = name_of(direction, spi, spoke, port)};

	return ask(p, &m, NAVE_IKE_QUERY_SA);
}

// --- what the hub has of it ---
static inline uint32_t peer_of(const char *nbma, uint16_t port) {
	return publish_peer_find(hub.publish, &(struct publish_peer){.nbma = ip(nbma), .nbma_port = port});
}

static inline struct sa_in *in_of(uint32_t spi) {
	uint32_t slot = sad_lookup(hub.fwd.ipsec, spi);

	assert_int_not_equal(slot, 0);
	return sa_in_at(hub.fwd.ipsec, slot);
}

static inline void bind_spoke(const char *protocol, const char *nbma, uint16_t port) {
	struct addr a = ip(protocol);
	struct prefix host = prefix_host(&a);
	struct binding *b = nhrp_cache_add(nhrp_ctl_cache(hub.nhrp), 1, &host);

	assert_non_null(b);
	b->kind = BINDING_REGISTERED;
	b->nbma = b->claimed_nbma = ip(nbma);
	b->nbma_port = port;
	assert_int_equal(publish_binding(hub.publish, b), 0);
}

static inline bool is_bound(const char *protocol) {
	struct addr a = ip(protocol);
	struct prefix host = prefix_host(&a);

	return nhrp_cache_find(nhrp_ctl_cache(hub.nhrp), 1, &host) != NULL;
}

// What the turn of some seconds from now would do.
static inline void later_s(unsigned seconds) {
	hub.ike->now_ns = clock_now_ns() + seconds * NS_PER_S;
	ike_spi_turn(hub.ike);
	ike_peer_turn(hub.ike);
	hub.ike->scan_ns = 0;
	do
		ike_scan_turn(hub.ike);
	while (hub.ike->scan_at);
}
