#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The hub's ladder from outside: test_ladder.py NAVE

Starts and stops the real program on a port that sends nowhere, without a NIC, hugepages or a network device; says what a
wrong start answers, and that nothing is left behind.
"""
import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

NAVE = sys.argv.pop(1)
NAME = "tl%d" % (os.getpid() % 100000)
PID_FILE = "/run/nave/%s.pid" % NAME
EAL_DIR = "/var/run/dpdk/nave-%s" % NAME

HUB = """version: 1
hub: {name: NAME, control-cpu: CPU, worker-cpus: [CPU], hugepages: HUGE, max-spokes: 1000}
console: {socket: /run/nave/NAME.sock}
ports:
  wan0: {device: "net_null_NAME,no-rx=1", host: false, address: 192.0.2.1/24, gateway: 192.0.2.254}
tunnels:
  dmvpn0: {source: {port: wan0, address: 192.0.2.1}, key: 1, address: 10.255.0.1/16, phase: 1, host: false,
           protection: none}
routes:
  - {prefix: 10.1.0.0/16, via: [{next-hop: 10.255.0.11, tunnel: dmvpn0}]}
"""


def configuration(text=HUB, cpu=None, huge="off"):
    cpu = min(os.sched_getaffinity(0)) if cpu is None else cpu
    f = tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False)
    f.write(text.replace("NAME", NAME).replace("CPU", str(cpu)).replace("HUGE", huge))
    f.close()
    return f.name


def run(*args, timeout=30):
    return subprocess.run([NAVE, *args], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)


def start(path):
    hub = subprocess.Popen([NAVE, "-c", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           stdin=subprocess.DEVNULL)
    for _ in range(200):
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
                s.connect("/run/nave/%s.sock" % NAME)
            return hub
        except OSError:  # not yet, or what a killed one left
            if hub.poll() is not None:
                return hub
        time.sleep(0.05)
    return hub


class Ladder(unittest.TestCase):
    def setUp(self):
        self.hubs = []

    def tearDown(self):
        for hub in self.hubs:
            if hub.poll() is None:
                hub.kill()
            hub.wait(timeout=20)
        if os.path.exists(PID_FILE):  # of one that was killed
            os.unlink(PID_FILE)

    def started(self):
        self.hubs.append(start(configuration()))
        return self.hubs[-1]

    def refused(self, path, status, *words):
        r = run("-c", path)
        self.assertEqual(r.returncode, status, r.stderr)
        for w in words:
            self.assertIn(w, r.stderr)
        self.assertFalse(os.path.exists(PID_FILE))
        return r

    def test_starts_and_stops_and_leaves_nothing(self):
        for sig in (signal.SIGTERM, signal.SIGINT):
            hub = self.started()
            self.assertIsNone(hub.poll(), hub.stderr.read() if hub.poll() is not None else "")
            with open(PID_FILE) as f:
                self.assertEqual(int(f.read()), hub.pid)
            hub.send_signal(sig)
            _, errors = hub.communicate(timeout=20)
            self.assertEqual(hub.returncode, 0, errors)
            for left in (PID_FILE, EAL_DIR, "/run/nave/%s.sock" % NAME):
                self.assertFalse(os.path.exists(left), left)

    def test_a_signal_during_the_start_ends_it_cleanly(self):
        for delay in range(0, 300, 20):
            hub = subprocess.Popen([NAVE, "-c", configuration()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, stdin=subprocess.DEVNULL)
            self.hubs.append(hub)
            while not os.path.exists(PID_FILE) and hub.poll() is None:
                time.sleep(0.001)
            time.sleep(delay / 1000)
            for _ in range(20):  # an impatient operator
                hub.terminate()
                time.sleep(0.002)
            _, errors = hub.communicate(timeout=20)
            self.assertEqual(hub.returncode, 0, errors)
            for left in (PID_FILE, EAL_DIR, "/run/nave/%s.sock" % NAME):
                self.assertFalse(os.path.exists(left), left)

    def test_second_instance_is_refused_with_the_pid_of_the_first(self):
        hub = self.started()
        second = run("-c", configuration())
        self.assertEqual(second.returncode, 1)
        self.assertIn("pid %d" % hub.pid, second.stderr)
        self.assertIsNone(hub.poll())
        hub.terminate()
        hub.communicate(timeout=20)
        self.assertEqual(hub.returncode, 0)

    def test_an_instance_that_has_not_said_its_pid_yet_is_not_named(self):
        with open(PID_FILE, "w") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            r = run("-c", configuration())
        self.assertEqual(r.returncode, 1)
        self.assertIn(NAME, r.stderr)
        self.assertNotIn("kill 0", r.stderr)

    def test_a_killed_instance_does_not_block_the_next(self):
        hub = self.started()
        hub.kill()
        hub.communicate(timeout=20)
        hub = self.started()
        self.assertIsNone(hub.poll())
        hub.terminate()
        _, errors = hub.communicate(timeout=20)
        self.assertEqual(hub.returncode, 0, errors)

    def test_wrong_configuration_starts_nothing(self):
        path = configuration(HUB.replace("tunnels:", "tunnles:"))
        self.refused(path, 2, path + ":6:1:", "tunnels")

    def test_missing_file(self):
        self.refused("/nonexistent.yaml", 2, "/nonexistent.yaml")

    def test_missing_cpu(self):
        self.refused(configuration(cpu=1023), 1, "CPU 1023 is not there")

    def test_missing_nic(self):
        path = configuration(HUB.replace("net_null_NAME,no-rx=1", "0000:ff:1f.7"))
        r = self.refused(path, 1, "0000:ff:1f.7")
        self.assertTrue(r.stderr.splitlines()[-1].startswith(path + ":5:"), r.stderr)
        self.assertFalse(os.path.exists(EAL_DIR))

    def test_too_few_hugepages(self):
        self.refused(configuration(huge="1048576"), 1, "hugepages", "/proc/sys/vm/nr_hugepages")

    def test_what_keeps_networks_apart_is_never_left_out(self):
        path = configuration(HUB.replace("host: false, address", "host: false, vlan: 7, address"))
        self.refused(path, 2, "ports.wan0.vlan", "not in this build")

    def test_ike_wants_its_socket(self):
        text = HUB.replace("protection: none", "protection: {mode: ike}") + "ike: {socket: /run/nowhere-NAME/x.sock}\n"
        path = configuration(text)
        self.refused(path, 1, path + ":11:", "ike.socket", "/run/nowhere-", "folder")

    def test_check_starts_nothing_and_accepts_what_is_for_later(self):
        path = configuration(HUB.replace("host: false, address", "host: false, vlan: 7, address"))
        r = run("-c", path, "--check")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("valid", r.stdout)
        self.assertFalse(os.path.exists(PID_FILE))

    def test_command_line(self):
        self.assertEqual(run("--help").returncode, 0)
        self.assertIn("nave", run("--version").stdout)
        self.assertEqual(run().returncode, 2)
        self.assertEqual(run("-c").returncode, 2)
        self.assertEqual(run("-c", configuration(), "more").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
