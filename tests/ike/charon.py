# SPDX-License-Identifier: BSD-3-Clause
"""One of Debian's charons, in a network namespace, with the plugin."""
import os
import re
import subprocess
import time

SAMPLE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../config/strongswan/kernel-nave.conf")
CHARON = "/usr/sbin/charon-systemd"
CONF = """charon-systemd {
  load = random nonce openssl kdf pem pkcs1 x509 pubkey revocation constraints socket-default kernel-nave kernel-netlink vici updown
  install_routes = no
  install_virtual_ip = no
  delete_rekeyed_delay = 1
  retransmit_tries = 1
  retransmit_timeout = 1
  plugins {
    include %(sample)s
    vici { socket = unix://%(dir)s/vici.sock }
    kernel-nave { socket = %(dir)s/ipsec.sock }
  }
  filelog { log { path = %(dir)s/charon.log
    flush_line = yes
    default = 1
    append = no } }
}
"""


class Charon:
    def __init__(self, directory, swanctl_conf, netns=None):
        self.dir, self.netns, self.process = directory, netns, None
        self.uri = "unix://%s/vici.sock" % directory
        os.makedirs(directory, exist_ok=True)
        with open(directory + "/strongswan.conf", "w") as f:
            f.write(CONF % {"dir": directory, "sample": os.path.normpath(SAMPLE)})
        with open(directory + "/swanctl.conf", "w") as f:
            f.write(swanctl_conf)

    def start(self):
        command = ["ip", "netns", "exec", self.netns, CHARON] if self.netns else [CHARON]
        self.process = subprocess.Popen(command, env=dict(os.environ, STRONGSWAN_CONF=self.dir + "/strongswan.conf"),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            r = self.swanctl("--load-all", "--file", self.dir + "/swanctl.conf")
            if r.returncode == 0:
                return self
            time.sleep(0.1)
        raise RuntimeError("charon does not start: %s\n%s" % (r.stderr, self.log()[-3000:]))

    def stop(self, seconds=20.0):
        """Seconds that it took; None: it had to be killed."""
        begin = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        return time.monotonic() - begin

    def swanctl(self, verb, *arguments, seconds=20):
        try:
            return subprocess.run(["swanctl", verb, *arguments, "--uri", self.uri], capture_output=True, text=True,
                                  timeout=seconds)
        except subprocess.TimeoutExpired as e:
            return subprocess.CompletedProcess(e.cmd, -1, "", "did not end in %s s" % seconds)

    def timed(self, verb, *arguments):
        begin = time.monotonic()
        r = self.swanctl(verb, *arguments)
        return time.monotonic() - begin, r

    def initiate(self, child, seconds="8"):
        return self.swanctl("--initiate", "--child", child, "--timeout", seconds)

    def ike_ids(self):
        return [int(i) for i in re.findall(r"^\S+: #(\d+), ESTABLISHED", self.swanctl("--list-sas").stdout, re.M)]

    def log(self):
        with open(self.dir + "/charon.log", errors="replace") as f:
            return f.read()

    def wait_log(self, mark, wanted, seconds=5.0):
        """Whether a line that wanted matches is in the log behind position mark."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(wanted, self.log()[mark:])
            if found or time.monotonic() > end:
                return bool(found)
            time.sleep(0.05)
