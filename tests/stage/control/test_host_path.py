#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The way between the workers and the Linux host, with the real program: test_host_path.py NAVE

    namespace of the spoke                       namespace of the hub
    raw GRE socket, 10.0.0.11  <-- veth --> net_af_packet | nave | TAP wan0 10.0.0.1   (ARP, ICMP: the kernel's)
    protocol 172.16.0.11                                  |      | TUN dmvpn0 172.16.0.1
    namespace of the LAN                                  |
    a quiet host, 192.168.9.5 <-- veth --> net_af_packet  |      | TAP lan0 192.168.9.1

The spoke is a raw socket; its registration is one of FRR's, captured.
"""
import ctypes
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

NAVE = sys.argv.pop(1)
NAME = "hp%d" % (os.getpid() % 100000)
HUB_NS, SPOKE_NS, LAN_NS = NAME + "-hub", NAME + "-spoke", NAME + "-lan"
SOCKET = "/run/nave/%s.sock" % NAME

CONFIGURATION = """version: 1
hub: {name: NAME, control-cpu: CPU, worker-cpus: [CPU], hugepages: off, max-spokes: 1000}
console: {socket: SOCKET}
ports:
  wan0: {device: "net_af_packet_NAME,iface=vh", address: 10.0.0.1/24}
  lan0: {device: "net_af_packet_NAMEl,iface=vl", address: 192.168.9.1/24}
tunnels:
  dmvpn0: {source: {port: wan0, address: 10.0.0.1}, address: 172.16.0.1/24, phase: 1, protection: none}
"""

FRR_REGISTRATION = bytes.fromhex(  # stage-a 3: FRR 10.3 at 10.0.0.11, protocol address 172.16.0.11
    "00010800000000000001005c5d9500340103040004040002000000010a00000bac10000bac10000b0020000000001c20"
    "00000000800400008005000080030000000900140020000000000000040004000a0000010000000080000000")
GRE_NHRP, GRE_IPV4 = 0x2001, 0x0800


def ip(*args):
    subprocess.run(["ip", *args], check=True)


def checksum(b):
    s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
    s = (s >> 16) + (s & 0xffff)
    return ~(s + (s >> 16)) & 0xffff


def ipv4(src, dst, protocol, payload):
    h = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, socket.inet_aton(src),
                    socket.inet_aton(dst))
    return h[:10] + struct.pack(">H", checksum(h)) + h[12:] + payload


def echo(kind, number):
    b = struct.pack(">BBHHH", kind, 0, 0, 0x1234, number) + b"nave" * 8
    return b[:2] + struct.pack(">H", checksum(b)) + b[4:]


def raw_socket(ns, protocol):
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + ns, os.O_RDONLY)
    assert libc.setns(there, 0) == 0
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    assert libc.setns(home, 0) == 0
    os.close(there)
    os.close(home)
    return s


def answered(s, src, seconds=3.0):
    """Whether an echo reply comes from src."""
    end = time.monotonic() + seconds
    while select.select([s], [], [], max(0, end - time.monotonic()))[0]:
        p = s.recv(4096)
        if p[12:16] == socket.inet_aton(src) and p[20] == 0:
            return True
    return False


class Spoke:
    """A raw GRE socket in the spoke's namespace."""

    def __init__(self):
        self.s = raw_socket(SPOKE_NS, 47)

    def send(self, protocol, payload):
        self.s.sendto(struct.pack(">HH", 0, protocol) + payload, ("10.0.0.1", 0))

    def receive(self, protocol, seconds=3.0):
        """The payload of the next GRE packet of that protocol, or None."""
        end = time.monotonic() + seconds
        while select.select([self.s], [], [], max(0, end - time.monotonic()))[0]:
            p = self.s.recv(4096)[20:]
            if struct.unpack(">HH", p[:4]) == (0, protocol):
                return p[4:]
        return None


def hub_start():
    f = tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False)
    cpu = str(min(os.sched_getaffinity(0)))
    f.write(CONFIGURATION.replace("NAME", NAME).replace("CPU", cpu).replace("SOCKET", SOCKET))
    f.close()
    hub = subprocess.Popen(["ip", "netns", "exec", HUB_NS, NAVE, "-c", f.name], stdin=subprocess.DEVNULL)
    for _ in range(200):
        if os.path.exists(SOCKET) or hub.poll() is not None:
            break
        time.sleep(0.05)
    return hub


class HostPath(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for ns in (HUB_NS, SPOKE_NS, LAN_NS):
            ip("netns", "add", ns)
        for near, far, ns, address in (("vh", "vs", SPOKE_NS, "10.0.0.11/24"), ("vl", "vq", LAN_NS, "192.168.9.5/24")):
            ip("-n", HUB_NS, "link", "add", near, "type", "veth", "peer", "name", far, "netns", ns)
            ip("netns", "exec", HUB_NS, "sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=1" % near)
            ip("-n", HUB_NS, "link", "set", near, "up")
            ip("netns", "exec", ns, "sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=1" % far)  # says nothing by itself
            ip("-n", ns, "link", "set", far, "up")
            ip("-n", ns, "addr", "add", address, "dev", far)
            subprocess.run(["ip", "netns", "exec", ns, "ethtool", "-K", far, "tx", "off"], check=True,
                           stdout=subprocess.DEVNULL)
        ip("-n", LAN_NS, "route", "add", "default", "via", "192.168.9.1")
        cls.hub = hub_start()
        cls.spoke = Spoke()

    @classmethod
    def tearDownClass(cls):
        cls.hub.terminate()
        status = cls.hub.wait(timeout=20)
        for ns in (HUB_NS, SPOKE_NS, LAN_NS):
            ip("netns", "del", ns)
        assert status == 0, status
        assert not os.path.exists(SOCKET)

    def registered(self):
        self.spoke.send(GRE_NHRP, FRR_REGISTRATION)
        reply = self.spoke.receive(GRE_NHRP)
        self.assertIsNotNone(reply, "no Registration Reply")
        self.assertEqual(reply[17], 4)
        self.assertEqual(reply[40], 0)  # code of the CIE

    def test_1_the_answer_waits_until_the_kernel_knows_the_neighbour(self):
        mac = subprocess.run(["ip", "-n", HUB_NS, "-br", "link", "show", "vh"], capture_output=True, text=True,
                             check=True).stdout.split()[2]
        ip("-n", SPOKE_NS, "neigh", "replace", "10.0.0.1", "lladdr", mac, "dev", "vs")  # the spoke does not ask
        known = subprocess.run(["ip", "-n", HUB_NS, "neigh", "show", "10.0.0.11"], capture_output=True, text=True)
        self.assertNotIn("REACHABLE", known.stdout)
        self.registered()
        ip("-n", SPOKE_NS, "neigh", "del", "10.0.0.1", "dev", "vs")

    def test_2_arp_and_ping_of_the_port_are_answered_by_the_kernel(self):
        with raw_socket(SPOKE_NS, socket.IPPROTO_ICMP) as s:
            for i in range(3):
                s.sendto(echo(8, i), ("10.0.0.1", 0))
                self.assertTrue(answered(s, "10.0.0.1"))

    def test_3_the_spoke_pings_the_hub_inside_the_tunnel(self):
        self.registered()
        for i in range(3):
            self.spoke.send(GRE_IPV4, ipv4("172.16.0.11", "172.16.0.1", 1, echo(8, i)))
            answer = self.spoke.receive(GRE_IPV4)
            self.assertIsNotNone(answer, "no answer through the tunnel")
            self.assertEqual((answer[20], answer[12:16], answer[16:20]),
                             (0, socket.inet_aton("172.16.0.1"), socket.inet_aton("172.16.0.11")))
            self.assertEqual(answer[28:], (b"nave" * 8))

    def test_4_the_host_reaches_the_spoke_through_the_tun(self):
        self.registered()
        with raw_socket(HUB_NS, socket.IPPROTO_ICMP) as s:
            s.sendto(echo(8, 1), ("172.16.0.11", 0))
            request = self.spoke.receive(GRE_IPV4)
            self.assertIsNotNone(request, "the host's packet did not come")
            self.assertEqual(request[20:], echo(8, 1))
            self.spoke.send(GRE_IPV4, ipv4("172.16.0.11", "172.16.0.1", 1, echo(0, 1)))
            self.assertTrue(answered(s, "172.16.0.11"))

    def test_4b_a_lan_host_that_never_spoke_is_found(self):
        """The first packet to it is lost, dropped as neighbour, and has the kernel ask for it."""
        self.registered()
        for i in range(20):
            self.spoke.send(GRE_IPV4, ipv4("172.16.0.11", "192.168.9.5", 1, echo(8, i)))
            answer = self.spoke.receive(GRE_IPV4, 0.25)
            if answer:
                break
        self.assertIsNotNone(answer, "the host was never found")
        self.assertGreater(i, 0, "it was known before")
        self.assertEqual((answer[20], answer[12:16], answer[8]), (0, socket.inet_aton("192.168.9.5"), 63))

    def control_cpu_s(self):
        with open("/proc/%d/task/%d/stat" % (self.hub.pid, self.hub.pid)) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_5_a_spoke_is_still_forwarded_to_when_the_kernel_forgets_it(self):
        self.registered()
        ip("-n", HUB_NS, "link", "set", "wan0", "down")  # its neighbours go with it, as by garbage collection
        time.sleep(0.2)
        self.spoke.send(GRE_IPV4, ipv4("172.16.0.11", "172.16.0.1", 1, echo(8, 1)))
        answer = self.spoke.receive(GRE_IPV4)
        ip("-n", HUB_NS, "link", "set", "wan0", "up")
        self.assertIsNotNone(answer, "no answer through the tunnel")

    def test_6_a_device_that_an_operator_deletes_leaves_the_rest_running(self):
        ip("-n", HUB_NS, "link", "del", "dmvpn0")
        time.sleep(0.2)
        before = self.control_cpu_s()
        time.sleep(1)
        self.assertLess(self.control_cpu_s() - before, 0.25, "control spins")
        self.registered()

    def link(self, name):
        """MAC address and addresses of a device in the hub's namespace."""
        fields = subprocess.run(["ip", "-n", HUB_NS, "-br", "link", "show", name], capture_output=True, text=True,
                                check=True).stdout.split()
        addrs = subprocess.run(["ip", "-n", HUB_NS, "-4", "-br", "addr", "show", name], capture_output=True, text=True,
                               check=True).stdout.split()
        return fields[2], addrs[2:]

    def test_7_a_hub_that_was_killed_finds_its_devices_again(self):
        cls = type(self)
        mac = self.link("vh")[0]
        for stop in ("kill", "terminate"):
            getattr(cls.hub, stop)()
            cls.hub.wait(timeout=20)
            self.assertEqual(self.link("wan0"), (mac, ["10.0.0.1/24"]))  # they stay
            if os.path.exists(SOCKET):
                os.unlink(SOCKET)  # of the killed one: hub_start() waits for it
            cls.hub = hub_start()
            self.assertIsNone(cls.hub.poll())
            self.assertEqual(self.link("wan0"), (mac, ["10.0.0.1/24"]))
            self.assertEqual(self.link("dmvpn0")[1], ["172.16.0.1/24"])
            self.registered()


if __name__ == "__main__":
    if os.geteuid() or not os.path.exists("/dev/net/tun"):
        print("skipped: needs root and /dev/net/tun")
        sys.exit(77)
    unittest.main(verbosity=2)
