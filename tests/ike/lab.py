# SPDX-License-Identifier: BSD-3-Clause
"""Both charons with their hubs, and the connections that the cases use."""
import time

import fake_hub as fh
from charon import Charon

HUB, PEER, HUB6, PEER6 = "203.0.113.1", "203.0.113.2", "2001:db8::1", "2001:db8::2"
# proposal: enc_alg, octets of its key with the salt, auth_alg, octets of its key, ESN (RFC 7296 3.3.2 and the RFCs of
# the ciphers)
SUITES = {
    "aes128gcm16": (20, 20, (0, 1024), 0, 0),
    "aes256gcm16": (20, 36, (0, 1024), 0, 0),
    "aes128gcm12": (19, 20, (0, 1024), 0, 0),
    "chacha20poly1305": (28, 36, (0, 1024), 0, 0),
    "aes128gmac": (21, 20, (0, 1024), 0, 0),
    "aes256-sha256": (12, 32, (12,), 32, 0),
    "aes128-sha1": (12, 16, (2,), 20, 0),
    "null-sha256": (11, 0, (12,), 32, 0),
    "aes128gcm16-esn": (20, 20, (0, 1024), 0, 1),
}
MANY = ["many%d" % i for i in range(40)]  # of other selectors each, since charon makes no CHILD_SA twice
LONG_IDENTITY = "s" * 250 + ".example"


def proposal(suite):
    return suite if suite.endswith("-esn") else suite + "-noesn"


def child(name, suites, extra="", selector="gre"):
    return """%s { mode = transport
      policies = no
      local_ts = dynamic[%s]
      remote_ts = dynamic[%s]
      esp_proposals = %s
      %s }
    """ % (name, selector, selector, ",".join(proposal(s) for s in suites), extra)


def connection(name, local, remote, local_id, remote_id, children, extra=""):
    return """%s { version = 2
    mobike = no
    local_addrs = %s
    remote_addrs = %s
    proposals = aes128gcm16-prfsha256-ecp256
    %s
    local { auth = psk
      id = %s }
    remote { auth = psk
      id = %s }
    children { %s } }
  """ % (name, local, remote, extra, local_id, remote_id, children)


def hub_conf():
    limits = """rekey_time = 1h
      life_time = 66m
      rand_time = 0
      rekey_bytes = 1000000000
      life_bytes = 1100000000
      rand_bytes = 0
      rekey_packets = 2000000
      life_packets = 2200000
      rand_packets = 0
      replay_window = 128"""
    short = "rekey_time = 3s\n life_time = 20s\n rand_time = 0"
    ends = "rekey_time = 0\n life_time = 3s\n rand_time = 0"
    return "connections {" + "".join((
        connection("dmvpn", HUB, "%any", "hub1", "%any", child("gre", SUITES, limits) +
                   child("many", ["aes128gcm16"], selector="udp")),
        connection("short", HUB, "%any", "hub1", "short.example", child("short", ["aes128gcm16"], short)),
        connection("ends", HUB, "%any", "hub1", "ends.example", child("ends", ["aes128gcm16"], ends)),
        connection("six", HUB6, "%any", "hub1", "%any", child("six", ["aes128gcm16"])),
    )) + '} secrets { ike-1 { secret = "of the test" } }'


def peer_conf():
    def to_hub(name, children, extra="", local=PEER, remote=HUB, identity=None):
        return connection(name, local, remote, identity or name + ".example", "hub1", children, extra)
    suites = "".join(child(s, [s]) for s in SUITES) + "".join(
        child(name, ["aes128gcm16"], selector="udp/%d" % (1000 + i)) for i, name in enumerate(MANY))
    return "connections {" + "".join((
        to_hub("spoke1", suites + child("gre", ["aes128gcm16"])),
        to_hub("natted", child("natted", ["aes128gcm16"]), "encap = yes"),
        to_hub("short", child("short", ["aes128gcm16"])),
        to_hub("ends", child("ends", ["aes128gcm16"])),
        to_hub("six", child("six", ["aes128gcm16"]), "", PEER6, HUB6),
        to_hub("long", child("long", ["aes128gcm16"]), "", identity=LONG_IDENTITY),
    )) + '} secrets { ike-1 { secret = "of the test" } }'


class Lab:
    def __init__(self, directory):
        self.failed = self.passed = 0
        self.hub = Charon(directory + "/hub", hub_conf())
        self.peer = Charon(directory + "/peer", peer_conf(), "peer")
        self.fake = fh.FakeHub(directory + "/hub/ipsec.sock", 0xC1000000).start()
        self.peer_fake = fh.FakeHub(directory + "/peer/ipsec.sock", 0xC2000000).start()

    def start(self):
        self.hub.start()
        self.peer.start()

    def check(self, text, held, why=""):
        print("PASS" if held else "FAIL", text, flush=True)
        if held:
            self.passed += 1
        else:
            self.failed += 1
            print("    %s" % (why,), flush=True)

    def up(self, child_name):
        """Initiates at the peer; what the hub was called for, down to both SAs."""
        mark = self.fake.mark()
        r = self.peer.initiate(child_name)
        calls = self.fake.wait(mark, (fh.GET_SPI, fh.ADD_SA, fh.ADD_SA))
        return [m for m in calls if m.type != fh.QUERY_SA], r

    def clean(self):
        """No IKE_SA is left, and both hubs are as at first."""
        for fake in (self.fake, self.peer_fake):
            fake.answer.clear()
            fake.is_hung, fake.greeting = False, None
        for charon in (self.peer, self.hub):
            for ike_id in charon.ike_ids():
                charon.swanctl("--terminate", "--ike-id", str(ike_id), "--force", "--timeout", "5")
        end = time.monotonic() + 5
        while (self.fake.sas or self.peer_fake.sas) and time.monotonic() < end:
            time.sleep(0.05)
        return not self.fake.sas and not self.peer_fake.sas


def added(calls, direction):
    return [m for m in calls if m.type == fh.ADD_SA and m.sa.direction == direction]


def types(calls):
    return [fh.NAMES[m.type] + ({fh.INBOUND: " in", fh.OUTBOUND: " out"}[m.sa.direction] if hasattr(m, "sa") else "")
            for m in calls]
