// SPDX-License-Identifier: BSD-3-Clause
// Of the client's files alone: vici.c has the connection, vici_talk.c what is asked, answered and told over it.
#pragma once

#include "vici.h"

// An IKE_SA with 8 CHILD_SAs takes some 6 KiB; charon's own limit, 512 KiB, is for what nobody asks for here.
#define VICI_EVENT_MAX (64 << 10)
#define VICI_REQUEST_MAX 256

enum vici_question { // one at a time: answers have no number
	VICI_ASKED_NOTHING,
	VICI_ASKED_VERSION,
	VICI_ASKED_EVENT,
	VICI_ASKED_LIST,
	VICI_ASKED_TERMINATE,
};

struct vici {
	const struct vici_ops *ops;
	void *arg;
	char path[VICI_PATH_MAX];
	int fd; // -1: not connected
	bool is_watching_out;
	uint64_t now_ns; // of the last turn
	uint64_t retry_ns, backoff_ns;
	uint64_t heard_ns; // or asked

	bool is_greeted; // charon said its version
	bool has_list, list_wanted, list_is_whole;
	unsigned n_events; // that were asked for on this connection
	enum vici_question asked;
	char version[VICI_VERSION_MAX];

	uint32_t terminates[VICI_TERMINATE_MAX]; // a ring
	unsigned terminate_at, n_terminates;

	uint32_t tx_at, tx_len;
	uint32_t rx_at, rx_len;
	uint32_t skip; // octets of an event that is too large
	uint64_t counters[VICI_COUNT];
	uint8_t tx[VICI_REQUEST_MAX];
	uint8_t rx[4 + VICI_EVENT_MAX];
};

// vici.c
int vici_send(struct vici *v, size_t len); // what is in tx; 0, or the connection is gone
void vici_drop(struct vici *v, enum vici_counter why, const char *reason);

// vici_talk.c
void vici_start(struct vici *v); // on a new connection
void vici_ask(struct vici *v); // the next question, if none waits for its answer
void vici_packet(struct vici *v, const uint8_t *bytes, size_t len); // may drop the connection
void vici_stop(struct vici *v, const char *reason); // tells who waited
