#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A hub and what takes itself for the IKE daemon's plugin: ike.py CONSOLE NAME SOCKET

The messages are those of drivers/ike/nave_ike.h, packed by hand.
"""
import os
import select
import socket
import stat
import struct
import sys

from hub import Hub, Results

HELLO, SYNC, GET_SPI, ADD_SA, UPDATE_SA, QUERY_SA, DEL_SA, FLUSH = range(1, 9)
RESULT, EXPIRE, MAPPING = 64, 65, 66
IN, OUT = 1, 2
OK, FAILED, NOT_FOUND, NOT_SUPPORTED, REFUSED = range(1, 6)
HUB, SPOKE = "192.0.2.1", "192.0.2.21"
KEY = bytes(range(0xa0, 0xb4))  # AES-GCM-128 and its salt


def host(address, port=0, bits=32):
    return struct.pack("=BBH16s", 4, bits, port, socket.inet_aton(address))


def name(direction, spi, port=0):
    src, dst = (SPOKE, HUB) if direction == IN else (HUB, SPOKE)
    return struct.pack("=B3xI", direction, spi) + host(src, port) + host(dst, port)


def text(words, size):
    return words.encode().ljust(size, b"\0")


class Plugin:
    def __init__(self, path, boot_id):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.connect(path)
        self.id = 0
        self.send(HELLO, struct.pack("=Q", boot_id) + text("fake 1.0", 64), 0)
        answer = self.receive()
        self.hub_boot_id = struct.unpack("=Q", answer[8:16])[0] if answer and answer[1] == HELLO else 0

    def send(self, kind, body, number):
        self.s.send(struct.pack("=BBHI", 1, kind, 8 + len(body), number) + body)

    def receive(self, seconds=3.0):
        """A whole message; b"": hung up; None: nothing came."""
        return self.s.recv(4096) if select.select([self.s], [], [], seconds)[0] else None

    def ask(self, kind, body):
        """(status, spi, packets, reason)"""
        self.id += 1
        self.send(kind, body, self.id)
        r = self.receive()
        if not r or r[1] != RESULT or struct.unpack("=I", r[4:8])[0] != self.id:
            return None, 0, 0, "no RESULT: %r" % (r,)
        spi, packets = struct.unpack("=IQ", r[12:24])
        return r[8], spi, packets, r[40:].split(b"\0")[0].decode()

    def get_spi(self):
        return self.ask(GET_SPI, host(SPOKE) + host(HUB))

    def add(self, direction, spi, identity, enc=20):
        return self.ask(ADD_SA, name(direction, spi) + bytes(4) +
                        struct.pack("=HHHHHHII", enc, 0, len(KEY), 0, 32, 0, 17, 0) + bytes(40) + bytes(32) +
                        KEY.ljust(64, b"\0") + bytes(64) + text("dmvpn", 64) + text(identity, 256))


results, hub, path = Results(), Hub(sys.argv[1], sys.argv[2]), sys.argv[3]
check = results.check

check("ike: its socket is for root alone", stat.S_IMODE(os.stat(path).st_mode) == 0o600)
check("ike: nobody is connected", hub.ask("show ike").get("connected") is False, hub.ask("show ike"))
plugin = Plugin(path, 1)
shown = hub.ask("show ike")
check("ike: HELLO is answered", plugin.hub_boot_id != 0)
check("ike: show ike names the daemon", shown["connected"] and shown["daemon"] == "fake 1.0", shown)

status, spi, _, why = plugin.get_spi()
check("ike: GET_SPI", status == OK and spi >= 256, why)
check("ike: an identity in no list is refused by name", plugin.add(OUT, 0x1000, "mallory.invalid")[0] == REFUSED)
status, _, _, why = plugin.add(OUT, 0x1000, "spoke1.example", enc=3)
check("ike: no suite of the hub", status == NOT_SUPPORTED and "encryption 3" in why, why)
check("ike: ADD_SA inbound", plugin.add(IN, spi, "spoke1.example")[0] == OK)
check("ike: ADD_SA outbound", plugin.add(OUT, 0xc0000001, "spoke1.example")[0] == OK)
sas = {s["direction"]: s for s in hub.ask("show ipsec sa")}
check("ike: show ipsec sa has both", len(sas) == 2 and all(
    s["origin"] == "ike" and s["identity"] == "spoke1.example" and s["ike_id"] == 17 and not s["orphan"] and
    s["suite"] == "aes128gcm16" and s["nbma"] == SPOKE for s in sas.values()), sas)
check("ike: with their SPIs", sas["in"]["spi"] == "0x%08x" % spi and sas["out"]["spi"] == "0xc0000001", sas)
peers = hub.ask("show ike peers")
check("ike: show ike peers", len(peers) == 1 and peers[0]["identity"] == "spoke1.example" and
      (peers[0]["sas_in"], peers[0]["sas_out"], peers[0]["orphans"]) == (1, 1, 0), peers)
check("ike: QUERY_SA", plugin.ask(QUERY_SA, name(IN, spi))[:3] == (OK, 0, 0))
for leak in ("show ike", "show ike peers", "show ike statistics", "show ipsec sa"):
    said = str(hub.ask(leak)).lower()
    check("ike: no key in " + leak, KEY[:4].hex() not in said and KEY[-4:].hex() not in said, said)

first_boot_id = plugin.hub_boot_id
plugin.s.close()
shown = hub.ask("show ike")
check("ike: a daemon that died leaves orphans", not shown["connected"] and shown["orphans"] == 2, shown)
plugin = Plugin(path, 1)
check("ike: the hub is the same", plugin.hub_boot_id == first_boot_id)
plugin.send(SYNC, struct.pack("=BB2x", 1, 2) + name(IN, spi) + name(OUT, 0xc0000001) + bytes(48 * 30), 0)
check("ike: DEL_SA outbound", plugin.ask(DEL_SA, name(OUT, 0xc0000001))[0] == OK)
shown = hub.ask("show ike")
check("ike: SYNC keeps what is listed", shown["orphans"] == 0 and shown["sas"] == 1, shown)
check("ike: DEL_SA twice is harmless", plugin.ask(DEL_SA, name(OUT, 0xc0000001))[0] == NOT_FOUND)

newcomer = Plugin(path, 2)
check("ike: a newcomer is let in at once", newcomer.hub_boot_id == first_boot_id)
check("ike: and the one before is hung up on", plugin.receive() == b"")
newcomer.send(ADD_SA, bytes(100), 9)
check("ike: a message that is cut ends the connection", newcomer.receive() == b"")
plugin = Plugin(path, 3)
check("ike: and nothing else", plugin.get_spi()[0] == OK and hub.ask("show ike")["orphans"] == 1)
check("ike: FLUSH", plugin.ask(FLUSH, b"")[0] == OK)
counters = {c["name"]: c["count"] for c in hub.ask("show ike statistics")}
check("ike: counters", (counters["refused"], counters["malformed"], counters["taken_over"], counters["synced"],
                        counters["connected"]) == (1, 1, 1, 2, 4), counters)
sys.exit(results.failed > 0)
