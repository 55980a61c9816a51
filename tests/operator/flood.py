#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""One sender floods the hub, another spoke goes on registering: flood.py CONSOLE NAME INTERFACE HUB_MAC"""
import os
import struct
import sys
import time

from hub import Hub, Results
from packets import *  # pylint: disable=wildcard-import,unused-wildcard-import

FLOODER, SPOKE = 66, 11
PACKETS_PER_S, SECONDS = 6000, 2.5
# What the policer of one worker lets through of one sender: PUNT_PER_SOURCE_PPS and a burst of a quarter of it.
ADMITTED_PER_S, BURST = 1000, 250


def floods(w):
    """(what, frames to send in turn, counter of what was let through: NHRP's, or the host's)"""
    me = nbma(FLOODER)
    arp = struct.pack(">HHBBH", 1, ETH_IPV4, 6, 4, 1) + mac_of(me) + a(me) + b"\0" * 6 + a(HUB_NBMA)
    purge_10 = struct.pack(">BBHHHBBBB", 0, 8, 0, 0, 0, 0, 0, 4, 0) + a(protocol(FLOODER))
    malformed = [registration(FLOODER, bad_checksum=True), registration(FLOODER, version=9),
                 registration(FLOODER)[:30], registration(FLOODER, cies=cie() * 50), os.urandom(80)]

    yield "registrations", [w.tunnel(FLOODER, GRE_NHRP, registration(FLOODER, i)) for i in range(1, 200)], "received"
    yield "malformed NHRP", [w.tunnel(FLOODER, GRE_NHRP, m) for m in malformed], "received"
    yield "purges of 10.0.0.0/8", [
        w.tunnel(FLOODER, GRE_NHRP, nhrp(5, me, protocol(FLOODER), HUB_PROTOCOL, cies=purge_10))], "received"
    yield "ARP", [w.frame(me, arp, ETH_ARP, b"\xff" * 6), w.frame(me, arp, ETH_ARP)], "to_host"
    yield "pings of the hub's NBMA address", [w.outer(FLOODER, PROTO_ICMP, echo(i)) for i in range(50)], "to_host"
    yield "UDP to the IKE port", [w.outer(FLOODER, PROTO_UDP, udp(500, 500, b"x" * 300))], "to_host"
    pings = [ipv4(protocol(FLOODER), HUB_PROTOCOL, PROTO_ICMP, echo(i)) for i in range(50)]
    yield "pings of the hub's protocol address", [w.tunnel(FLOODER, GRE_IPV4, p) for p in pings], "to_host"


def flood(w, frames):
    """In bursts of 10 ms. Returns how many were sent."""
    start, sent, total = time.monotonic(), 0, int(PACKETS_PER_S * SECONDS)
    while sent < total:
        due = min(total, int((time.monotonic() - start) * PACKETS_PER_S))
        while sent < due:
            try:
                w.send(frames[sent % len(frames)])
            except BlockingIOError:
                pass
            except OSError as e:  # the queue of the veth is full
                if e.errno != 105:
                    raise
            sent += 1
        time.sleep(0.01)
    return sent


def start_flood(interface, hub_mac, frames):
    pid = os.fork()
    if pid == 0:
        flood(Wire(interface, hub_mac), frames)
        os._exit(0)
    return pid


def ended(pid):
    return os.waitpid(pid, os.WNOHANG)[0] == pid


def main():
    hub, w, results = Hub(sys.argv[1], sys.argv[2]), Wire(sys.argv[3], sys.argv[4]), Results()
    results.check("flooder and spoke register", w.register(FLOODER) and w.register(SPOKE))
    request_id = 1000
    for what, frames, through in floods(w):
        before, asked, answered, slowest_s = hub.counters(), 0, 0, 0.0
        then = time.monotonic()
        pid = start_flood(sys.argv[3], sys.argv[4], frames)
        while not ended(pid):
            asked, request_id, since = asked + 1, request_id + 1, time.monotonic()
            answered += w.register(SPOKE, request_id)
            slowest_s = max(slowest_s, time.monotonic() - since)
            time.sleep(0.05)
        lasted_s = time.monotonic() - then
        d = hub.settled(before, lambda d: True)
        told = "%d refreshes, the slowest answered after %.0f ms; changed: %s" % (asked, slowest_s * 1e3, d)
        results.check("flood of %s: the other spoke's refreshes are all answered (%d, the slowest after %.0f ms)" % (
            what, asked, slowest_s * 1e3), answered == asked >= 10, told)
        limit = ADMITTED_PER_S * lasted_s + BURST + (asked if through == "received" else 0)
        policed = d.get("policed", 0) + d.get("ike_policed", 0) + d.get("ike_backlog", 0)
        results.check("flood of %s: policed (%d), at most %d went through (%d)" % (
            what, policed, limit, d.get(through, 0)),
            policed > 1000 and 0 < d.get(through, 0) <= limit, told)
        lost = {k: v for k, v in d.items() if k in ("punt_ring_full", "punt_no_mbuf", "ring_full", "no_mbuf", "expired",
                                                    "wait_full", "wait_timeout", "host_ring_full", "host_busy")}
        results.check("flood of %s: nothing else lost" % what, not lost, told)
        if "purges" in what:
            w.register(FLOODER, 1)
    spokes = {s["protocol"]: s for s in hub.ask("show spokes")}
    results.check("both are registered still", {protocol(FLOODER), protocol(SPOKE)} <= set(spokes), spokes)
    return results.failed > 0


if __name__ == "__main__":
    sys.exit(main())
