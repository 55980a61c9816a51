// SPDX-License-Identifier: BSD-3-Clause
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_pcapng.h>

#define SNAP_BYTES 2048

struct capture {
	rte_pcapng_t *file;
	struct rte_mempool *pool;
	uint16_t ethdev;
	unsigned left;
};

struct capture *capture_open(const char *path, uint16_t ethdev, unsigned max_frames) {
	struct capture *c = calloc(1, sizeof(*c));
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

	if (!c || fd < 0) {
		fprintf(stderr, "nave-lab: %s: %s\n", path, strerror(errno));
		goto err_open;
	}
	c->pool = rte_pktmbuf_pool_create("capture", 63, 0, 0, rte_pcapng_mbuf_size(SNAP_BYTES), SOCKET_ID_ANY);
	if (!c->pool)
		goto err_pool;
	c->file = rte_pcapng_fdopen(fd, NULL, NULL, "nave-lab", NULL);
	if (!c->file)
		goto err_file;
	c->ethdev = ethdev;
	c->left = max_frames;
	return c;
err_file:
	rte_mempool_free(c->pool);
err_pool:
	fprintf(stderr, "nave-lab: %s: out of memory for the capture\n", path);
	close(fd);
err_open:
	if (fd >= 0 && !c)
		close(fd);
	free(c);
	return NULL;
}

void capture_frames(struct capture *c, struct rte_mbuf *const *frames, unsigned n, bool to_hub) {
	for (unsigned i = 0; i < n && c->left; i++, c->left--) {
		struct rte_mbuf *copy = rte_pcapng_copy(c->ethdev, 0, frames[i], c->pool, SNAP_BYTES,
			rte_get_tsc_cycles(), to_hub ? RTE_PCAPNG_DIRECTION_IN : RTE_PCAPNG_DIRECTION_OUT);

		if (!copy)
			continue;
		if (rte_pcapng_write_packets(c->file, &copy, 1) < 0)
			c->left = 1;
		rte_pktmbuf_free(copy);
	}
}

void capture_close(struct capture *c) {
	if (!c)
		return;
	rte_pcapng_close(c->file);
	rte_mempool_free(c->pool);
	free(c);
}
