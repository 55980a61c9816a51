// SPDX-License-Identifier: BSD-3-Clause
// The hub's end of the socket that the IKE daemon's plugin connects to: one plugin at a time, its messages judged
// (ike_msg.h) and handed on, answers and events queued. Nothing here blocks or knows what an SA is.
//
// A plugin that connects while another one is there takes its place with its HELLO: a daemon that was started again
// gets in although nobody has noticed yet that the one before died.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nave_ike.h"

struct ike_server;

#define IKE_SERVER_COUNTERS(X) \
	X(CONNECTED, "connected", "plugins that connected and said HELLO") \
	X(TAKEN_OVER, "taken_over", "plugins that another one took the place of") \
	X(MESSAGES, "messages", "messages from the plugin") \
	X(MALFORMED, "malformed", "connections ended because of a message that was not right") \
	X(OUT_OF_ORDER, "out_of_order", "connections ended because of a message before HELLO, or a second HELLO") \
	X(NOT_READ, "not_read", "connections ended because the plugin did not read what it was told") \
	X(SENT, "sent", "answers and events sent")

enum ike_server_counter {
#define X(name, counter, help) IKE_SERVER_##name,
	IKE_SERVER_COUNTERS(X)
#undef X
		IKE_SERVER_COUNT
};
const char *ike_server_counter_name(enum ike_server_counter c);
const char *ike_server_counter_help(enum ike_server_counter c);

// What the messages do. Each is called from ike_server_turn, with a message that ike_msg_check found right and that is
// wiped after the call. A result is a RESULT with its header filled in, status NAVE_IKE_OK and the rest zero, and goes
// back when the call returns.
struct ike_server_ops {
	void (*hello)(void *arg, const struct nave_ike_hello *m); // after gone(), when there was another
	void (*sync)(void *arg, const struct nave_ike_sync *m);
	void (*get_spi)(void *arg, const struct nave_ike_get_spi *m, struct nave_ike_result *r);
	void (*add_sa)(void *arg, const struct nave_ike_add_sa *m, struct nave_ike_result *r);
	void (*update_sa)(void *arg, const struct nave_ike_update_sa *m, struct nave_ike_result *r);
	void (*query_sa)(void *arg, const struct nave_ike_name_sa *m, struct nave_ike_result *r);
	void (*del_sa)(void *arg, const struct nave_ike_name_sa *m, struct nave_ike_result *r);
	void (*flush)(void *arg, struct nave_ike_result *r);
	void (*gone)(void *arg); // the plugin that said HELLO is not connected any more
};

// Listens at path, mode 0600. On failure NULL with errno, and *why says it in words that go behind the path. ops
// outlives the server.
struct ike_server *ike_server_open(const char *path, const struct ike_server_ops *ops, void *arg, const char **why);
void ike_server_close(struct ike_server *s); // removes the socket; no op is called
// Readable when ike_server_turn has something to do: for the caller's epoll.
int ike_server_fd(const struct ike_server *s);
void ike_server_turn(struct ike_server *s); // takes a bounded number of messages; level-triggered
// An event (EXPIRE, MAPPING), whose header is filled in here. false: no plugin is connected, or it does not read and
// has just been disconnected: the ops have not been called yet, that is left to the next turn.
bool ike_server_send(struct ike_server *s, union nave_ike_message *m, uint8_t type);

bool ike_server_is_connected(const struct ike_server *s); // and said HELLO
uint64_t ike_server_boot_id(const struct ike_server *s); // ours
const uint64_t *ike_server_counters(const struct ike_server *s); // [IKE_SERVER_COUNT]
void ike_server_clear(struct ike_server *s);
