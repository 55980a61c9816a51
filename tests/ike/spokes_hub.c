// SPDX-License-Identifier: BSD-3-Clause
// The data plane of N spokes, at the socket of their IKE daemon's plugin: takes the SAs, and sends and receives with
// them through a hub. What it is to do is read from standard input, a line each: begin, end; report writes a line.
// usage: spokes_hub SOCKET IFACE OWN-MAC HUB-MAC HUB-ADDRESS N PACKETS-PER-S
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "nave_ike.h"
#include "spoke_sas.h"
#include "spoke_traffic.h"

#define GRE_KEY 1
#define MESSAGES_PER_TURN 16 // packets wait meanwhile

enum { PLUGIN, TRAFFIC, COMMANDS, N_FDS };

struct spokes_hub {
	struct spoke_sas *sas;
	struct spoke_traffic *traffic;
	int listen_fd;
	struct pollfd fds[N_FDS];
};

// --- the plugin's requests ---
static enum nave_ike_status obey(struct spoke_sas *sas, const union nave_ike_message *m, uint32_t *spi) {
	switch (m->h.type) {
	case NAVE_IKE_GET_SPI:
		*spi = spoke_sas_reserve(sas);
		return *spi ? NAVE_IKE_OK : NAVE_IKE_FAILED;
	case NAVE_IKE_ADD_SA:
		return spoke_sas_add(sas, &m->add_sa) ? NAVE_IKE_OK : NAVE_IKE_FAILED;
	case NAVE_IKE_DEL_SA:
		return spoke_sas_delete(sas, &m->name_sa.sa) ? NAVE_IKE_OK : NAVE_IKE_NOT_FOUND;
	case NAVE_IKE_UPDATE_SA:
		return NAVE_IKE_NOT_SUPPORTED;
	default:
		return NAVE_IKE_OK;
	}
}

static size_t answer(struct spoke_sas *sas, const union nave_ike_message *m, union nave_ike_message *out) {
	memset(out, 0, sizeof(*out));
	out->h = (struct nave_ike_header){.version = NAVE_IKE_VERSION, .id = m->h.id};
	if (m->h.type == NAVE_IKE_SYNC)
		return 0;
	out->h.type = m->h.type == NAVE_IKE_HELLO ? NAVE_IKE_HELLO : NAVE_IKE_RESULT;
	out->h.len_bytes = nave_ike_len_bytes(out->h.type);
	if (m->h.type == NAVE_IKE_HELLO) {
		out->hello.boot_id = (uint64_t)getpid();
		snprintf(out->hello.name, sizeof(out->hello.name), "spokes");
	} else {
		out->result.status = obey(sas, m, &out->result.spi);
	}
	return out->h.len_bytes;
}

// false: the plugin is gone.
static bool serve(struct spokes_hub *h) {
	int fd = h->fds[PLUGIN].fd;
	union nave_ike_message m, out;

	for (unsigned i = 0; i < MESSAGES_PER_TURN; i++) {
		ssize_t n = recv(fd, &m, sizeof(m), MSG_DONTWAIT);
		size_t len;

		if (n < 0)
			return true;
		if (n < (ssize_t)sizeof(m.h) || n != nave_ike_len_bytes(m.h.type))
			return false;
		len = answer(h->sas, &m, &out);
		explicit_bzero(&m, sizeof(m));
		if (len && send(fd, &out, len, MSG_NOSIGNAL) != (ssize_t)len)
			return false;
	}
	return true;
}

static void plugin_ready(struct spokes_hub *h) {
	struct pollfd *p = &h->fds[PLUGIN];

	if (p->fd == h->listen_fd) {
		p->fd = accept(h->listen_fd, NULL, NULL);
	} else if (!serve(h)) {
		close(p->fd);
		p->fd = h->listen_fd;
	}
}

// --- commands ---
// false: no more.
static bool command(struct spokes_hub *h) {
	char words[64];
	ssize_t n = read(STDIN_FILENO, words, sizeof(words) - 1);

	if (n <= 0)
		return false;
	words[n] = '\0';
	if (strcmp(words, "begin\n") == 0)
		spoke_traffic_begin(h->traffic, clock_now_ns());
	else if (strcmp(words, "end\n") == 0)
		spoke_traffic_end(h->traffic);
	else if (strcmp(words, "report\n") == 0)
		spoke_traffic_report(h->traffic, stdout, stderr);
	else
		fprintf(stderr, "spokes_hub: no such command: %s", words);
	return true;
}

static void run(struct spokes_hub *h) {
	for (;;) {
		if (poll(h->fds, N_FDS, 1) < 0)
			return;
		if (h->fds[PLUGIN].revents)
			plugin_ready(h);
		spoke_traffic_receive(h->traffic);
		spoke_traffic_send(h->traffic, clock_now_ns());
		if (h->fds[COMMANDS].revents && !command(h))
			return;
	}
}

static int listen_at(const char *path) {
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	if (strlen(path) >= sizeof(a.sun_path))
		return -1;
	memcpy(a.sun_path, path, strlen(path));
	return bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 4) ? -1 : fd;
}

static bool conf_parse(char **argv, struct spoke_traffic_conf *conf) {
	struct in_addr hub;

	*conf = (struct spoke_traffic_conf){.iface = argv[2],
		.key = GRE_KEY,
		.n_spokes = (uint32_t)strtoul(argv[6], NULL, 10),
		.per_s = (uint32_t)strtoul(argv[7], NULL, 10)};
	if (!ether_aton_r(argv[3], (struct ether_addr *)conf->mac) ||
		!ether_aton_r(argv[4], (struct ether_addr *)conf->hub_mac) || !inet_aton(argv[5], &hub))
		return false;
	conf->hub = ntohl(hub.s_addr);
	return conf->n_spokes >= 2 && conf->n_spokes <= SPOKES_MAX && conf->per_s;
}

int main(int argc, char **argv) {
	struct spoke_traffic_conf conf;
	struct spokes_hub h;

	if (argc != 8 || !conf_parse(argv, &conf)) {
		fprintf(stderr, "usage: spokes_hub SOCKET IFACE OWN-MAC HUB-MAC HUB-ADDRESS N PACKETS-PER-S\n");
		return 2;
	}
	conf.sas = h.sas = spoke_sas_create(conf.n_spokes);
	h.traffic = h.sas ? spoke_traffic_create(&conf) : NULL;
	h.listen_fd = h.traffic ? listen_at(argv[1]) : -1;
	if (h.listen_fd < 0) {
		perror("spokes_hub");
		return 1;
	}
	h.fds[PLUGIN] = (struct pollfd){.fd = h.listen_fd, .events = POLLIN};
	h.fds[TRAFFIC] = (struct pollfd){.fd = spoke_traffic_fd(h.traffic), .events = POLLIN};
	h.fds[COMMANDS] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	run(&h);
	spoke_traffic_free(h.traffic);
	spoke_sas_free(h.sas);
	return 0;
}
