// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugin_wire.h"

#include <stdarg.h>

void plugin_wire_header(struct nave_ike_header *h, enum nave_ike_type type) {
	*h = (struct nave_ike_header){
		.version = NAVE_IKE_VERSION,
		.type = type,
		.len_bytes = nave_ike_len_bytes(type),
	};
}

void plugin_wire_host(struct nave_ike_host *wire, host_t *host) {
	chunk_t address = host->get_address(host);

	*wire = (struct nave_ike_host){
		.family = host->get_family(host) == AF_INET ? 4 : 6,
		.len_bits = address.len * 8,
		.port = host->get_port(host),
	};
	memcpy(wire->address, address.ptr, min(address.len, sizeof(wire->address)));
}

void plugin_wire_first_selector(struct nave_ike_host *wire, linked_list_t *selectors) {
	traffic_selector_t *ts;
	uint8_t len_bits;
	host_t *net;

	*wire = (struct nave_ike_host){0};
	if (selectors->get_first(selectors, (void **)&ts) != SUCCESS)
		return;
	ts->to_subnet(ts, &net, &len_bits);
	plugin_wire_host(wire, net);
	wire->len_bits = len_bits;
	wire->port = 0;
	net->destroy(net);
}

host_t *plugin_wire_to_host(const struct nave_ike_host *wire) {
	chunk_t address = chunk_create((void *)wire->address, wire->family == 4 ? 4 : 16);

	return host_create_from_chunk(wire->family == 4 ? AF_INET : AF_INET6, address, wire->port);
}

bool plugin_wire_text(char *text, size_t size, const char *fmt, ...) {
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, size, fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < size)
		return true;
	memset(text, 0, size);
	return false;
}
