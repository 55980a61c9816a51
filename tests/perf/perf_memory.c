// SPDX-License-Identifier: BSD-3-Clause
// Bytes per spoke: what the heaps (DPDK's and libc's) hold for a hub with 65,536 registered spokes, less the same with
// 1,024, per spoke between. With ESP: the objects that a packet needs, and what the process grew by when as many spokes
// have an SA each way. And what a VRF costs beside: nothing for a family without routes, at most 1 MiB below 1,000
// routes.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_malloc.h>

#include "cache.h"
#include "crypto_ipsec_mb.h"
#include "fwd.h"
#include "ipsec.h"
#include "lcore_ctx.h"
#include "publish.h"

#define SMALL 1024u
#define LARGE 65536u
#define BYTES_PER_SPOKE_MAX 2048
#define ESP_BYTES_MAX 2560 // of objects
#define VRF_BYTES_MAX (1u << 20)
#define ROUTES_FEW 999u
#define NBMA_BASE 0xc6120100u
#define PROTOCOL_BASE 0xac100100u

static int64_t heap_bytes(void) {
	struct rte_malloc_socket_stats s;
	struct mallinfo2 libc = mallinfo2();

	rte_malloc_get_socket_stats(0, &s);
	return s.heap_allocsz_bytes + libc.uordblks + libc.hblkhd;
}

static void die(const char *what, int rc) {
	fprintf(stderr, "perf_memory: %s: %d\n", what, rc);
	exit(1);
}

// Everything that grows with spokes: tables, bindings, control's own records, counters of one worker.
struct hub {
	struct fwd fwd;
	struct publish *publish;
	struct nhrp_cache *cache;
	struct spoke_counters *counters;
};

static void hub_make(struct hub *h, uint32_t spokes) {
	struct fwd_sizes sizes = {.max_spokes = spokes, .n_workers = 1};
	struct fwd_port port = {.present = true, .mtu = 1500, .n_rx_queues = 1, .n_tx_queues = 1, .name = "wan0"};
	struct addr nbma = addr_ipv4(0xc0000201), gateway = addr_ipv4(0xc00002fe), own = addr_ipv4(0xac100001);
	struct publish_tunnel t = {
		.rt = {.mtu = 1400, .name = "dmvpn0"}, .protocol = {own}, .subnet = {prefix_of(&own, 12)}};
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 0xfe};
	int rc;

	*h = (struct hub){0};
	if ((rc = fwd_init(&h->fwd, &sizes)) < 0)
		die("fwd_init", rc);
	h->publish = publish_create(&h->fwd);
	h->cache = nhrp_cache_create(spokes, 0);
	h->counters = rte_zmalloc("spokes", sizeof(struct spoke_counters) * h->fwd.peers.max, 64);
	if (!h->publish || !h->cache || !h->counters)
		die("create", 0);
	if ((rc = publish_vrf(h->publish, 0, "", spokes + 16, 0)) < 0 ||
		(rc = publish_port(h->publish, 0, &port)) < 0 ||
		(rc = publish_port_addr(h->publish, 0, &nbma, 24)) < 0 ||
		(rc = publish_gateway(h->publish, 0, &gateway)) < 0 ||
		(rc = publish_neighbour_static(h->publish, 0, &gateway, mac)) < 0)
		die("port", rc);
	if ((rc = publish_endpoint(h->publish, &nbma, 0)) < 0)
		die("endpoint", rc);
	t.rt.endpoint = rc;
	if ((rc = publish_tunnel(h->publish, &t)) < 0)
		die("tunnel", rc);
}

static void hub_fill(struct hub *h, uint32_t spokes) {
	for (uint32_t i = 0; i < spokes; i++) {
		struct addr protocol = addr_ipv4(PROTOCOL_BASE + i), lan = addr_ipv4(0x0a000000u + (i << 8));
		struct prefix host = prefix_host(&protocol), prefix = prefix_of(&lan, 24);
		struct publish_next_hop via = {.next_hop = protocol, .iface = 0, .weight = 1};
		struct binding *b = nhrp_cache_add(h->cache, 0, &host);
		int rc;

		if (!b)
			die("nhrp_cache_add", i);
		b->nbma = b->claimed_nbma = addr_ipv4(NBMA_BASE + i);
		if ((rc = publish_binding(h->publish, b)) < 0)
			die("publish_binding", rc);
		if ((rc = publish_route(h->publish, 0, &prefix, PUBLISH_UNICAST, &via, 1)) < 0)
			die("publish_route", rc);
	}
}

static void hub_free(struct hub *h) {
	publish_free(h->publish);
	nhrp_cache_free(h->cache);
	rte_free(h->counters);
	fwd_fini(&h->fwd);
}

static int64_t hub_bytes(uint32_t spokes) {
	int64_t before = heap_bytes(), after;
	struct hub h;

	hub_make(&h, spokes);
	hub_fill(&h, spokes);
	after = heap_bytes();
	hub_free(&h);
	return after - before;
}

// Routes as far apart as they can be: nothing is shared.
static int64_t vrf_bytes(uint8_t family, uint32_t routes) {
	struct rcu *rcu = rcu_create(1, 65536);
	int64_t before = heap_bytes(), after;
	struct fib *f = fib_create(family, routes, rcu);

	for (uint32_t i = 0; i < routes; i++) {
		uint32_t scattered = i * 2654435761u; // Knuth's multiplicative hash
		struct addr a = addr_ipv4(scattered);
		struct prefix p;

		if (family == ADDR_IPV6) {
			a = (struct addr){ADDR_IPV6,
				{0x20, scattered >> 24, scattered >> 16, scattered >> 8, scattered, i >> 8, i, 1}};
			p = prefix_of(&a, 64);
		} else {
			p = prefix_of(&a, 24);
		}
		fib_add(f, &p, 1 + i);
		while (rcu_reclaim(rcu, 1024))
			;
	}
	after = heap_bytes();
	fib_free(f);
	rcu_free(rcu);
	return after - before;
}

// A second VRF of a hub, before it has any route.
static int64_t vrf_empty_bytes(void) {
	int64_t before, after;
	struct hub h;

	hub_make(&h, SMALL);
	before = heap_bytes();
	publish_vrf(h.publish, 1, "red", 100000, 20000);
	after = heap_bytes();
	hub_free(&h);
	return after - before;
}

static int64_t resident_bytes(void) {
	FILE *f = fopen("/proc/self/statm", "re");
	long total = 0, resident = 0;

	if (!f || fscanf(f, "%ld %ld", &total, &resident) != 2)
		die("/proc/self/statm", 0);
	fclose(f);
	return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

// What one spoke has on the data path: its inbound SA, its peer with the outbound SA, its adjacency; keys in the
// library's format.
static uint64_t esp_object_bytes(const struct ipsec *ip) {
	return ip->in_stride + ip->out_stride + sizeof(struct adj);
}

// All pages of the SAs of as many spokes, with what the tables keep beside them.
static int64_t esp_resident_bytes(uint32_t spokes, uint64_t *objects) {
	struct ipsec_conf c = {
		.ops = &crypto_ipsec_mb_ops, .max_peers = spokes + 1, .window_max = REPLAY_WINDOW_DEFAULT};
	int64_t before = resident_bytes(), after;
	struct ipsec *ip = ipsec_create(&c);
	uint32_t spi;

	if (!ip)
		die("ipsec_create", 0);
	for (uint32_t i = 1; i <= spokes; i++) {
		uint32_t slot = sad_alloc(ip, 0, &spi);

		if (!slot || sad_publish(ip, slot, spi) < 0)
			die("sad_publish", (int)i);
		memset(sa_in_at(ip, slot), 0x5a, ip->in_stride);
		memset(sa_out_at(ip, i), 0x5a, SA_OUT_BYTES);
		sa_in_at(ip, slot)->spi = spi;
	}
	after = resident_bytes();
	*objects = esp_object_bytes(ip);
	ipsec_free(ip);
	return after - before;
}

int main(int argc, char **argv) {
	int64_t esp_small, esp_large;
	uint64_t esp_objects;
	int64_t small, large, empty, ipv4, ipv6;
	double per_spoke;

	if (rte_eal_init(argc, argv) < 0)
		return 1;
	small = hub_bytes(SMALL);
	large = hub_bytes(LARGE);
	per_spoke = (double)(large - small) / (LARGE - SMALL);
	printf("hub with %u spokes   %12.0f KiB\n", SMALL, small / 1024.0);
	printf("hub with %u spokes  %12.0f KiB\n", LARGE, large / 1024.0);
	printf("a spoke                %12.0f bytes   (at most %d), its LAN route among them\n", per_spoke,
		BYTES_PER_SPOKE_MAX);
	esp_small = esp_resident_bytes(SMALL, &esp_objects);
	esp_large = esp_resident_bytes(LARGE, &esp_objects);
	printf("with ESP, its objects  %12.0f bytes   (at most %d): SAs, keys, peer, adjacency\n", (double)esp_objects,
		ESP_BYTES_MAX);
	printf("with ESP, resident     %12.0f bytes   all that the tables of SAs keep, on huge pages if there are\n",
		(double)(esp_large - esp_small) / (LARGE - SMALL));
	empty = vrf_empty_bytes();
	ipv4 = vrf_bytes(ADDR_IPV4, ROUTES_FEW);
	ipv6 = vrf_bytes(ADDR_IPV6, ROUTES_FEW);
	printf("a VRF, no routes       %12.0f bytes   both families (must be 0)\n", (double)empty);
	printf("a VRF, %u IPv4 /24    %12.0f KiB     (at most %u)\n", ROUTES_FEW, ipv4 / 1024.0, VRF_BYTES_MAX >> 10);
	printf("a VRF, %u IPv6 /64    %12.0f KiB     (at most %u)\n", ROUTES_FEW, ipv6 / 1024.0, VRF_BYTES_MAX >> 10);
	rte_eal_cleanup();
	return per_spoke > BYTES_PER_SPOKE_MAX || esp_objects > ESP_BYTES_MAX || empty != 0 || ipv4 > VRF_BYTES_MAX ||
	       ipv6 > VRF_BYTES_MAX;
}
