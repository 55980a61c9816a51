// SPDX-License-Identifier: BSD-3-Clause
#include "telemetry.h"

#include "commands.h"

const struct telemetry_endpoint telemetry_endpoints[] = {
	{"/nave/summary", "The hub in one look: spokes, packets, drops, memory", show_summary, TELEMETRY_ROWS},
	{"/nave/ports", "Ports and their counters. Parameter: offset", show_ports, TELEMETRY_ROWS},
	{"/nave/workers", "What each worker did. Parameter: offset", show_workers, TELEMETRY_ROWS},
	{"/nave/stages", "Packets of each stage of the pipeline", show_stages, TELEMETRY_ROWS},
	{"/nave/drops", "Packets dropped, by reason", show_drops, TELEMETRY_NAMES},
	{"/nave/tunnels", "Tunnels and their counters. Parameter: offset", show_tunnels, TELEMETRY_ROWS},
	{"/nave/spokes", "Spokes and their counters. Parameter: offset", show_spokes, TELEMETRY_ROWS},
	{"/nave/nhrp", "NHRP messages by type, verdict and reason", show_nhrp_statistics, TELEMETRY_NAMES},
	{"/nave/ipsec", "SAs and their counters. Parameter: offset", show_ipsec_sas, TELEMETRY_ROWS},
	{"/nave/ipsec/statistics", "SAs added and deleted, peers that moved, sequence numbers that ended",
		show_ipsec_statistics, TELEMETRY_NAMES},
	{"/nave/ike", "The IKE daemon: connected or not, its SAs", show_ike, TELEMETRY_ROWS},
	{"/nave/ike/peers", "Peers with SAs of IKE, by identity. Parameter: offset", show_ike_peers, TELEMETRY_ROWS},
	{"/nave/ike/statistics", "What the IKE daemon asked for, and what it was told", show_ike_statistics,
		TELEMETRY_NAMES},
	{"/nave/neighbours", "Underlay next hops. Parameter: offset", show_neighbours, TELEMETRY_ROWS},
	{"/nave/host", "Packets to and from the Linux host", show_host, TELEMETRY_NAMES},
	{0},
};
