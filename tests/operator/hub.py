# SPDX-License-Identifier: BSD-3-Clause
"""The hub's counters through nave-console, and PASS and FAIL lines."""
import json
import subprocess
import time

COMMANDS = "show drops all\nshow nhrp statistics\nshow host\n"


class Hub:
    def __init__(self, console, name):
        self.console, self.name = console, name

    def ask(self, command):
        r = subprocess.run([self.console, "-n", self.name, "-c", command, "--json"], capture_output=True, text=True,
                           timeout=10)
        return json.loads(r.stdout)

    def counters(self):
        """All of "show drops all", "show nhrp statistics" and "show host" by name."""
        r = subprocess.run([self.console, "-n", self.name, "--json"], input=COMMANDS, capture_output=True, text=True,
                           timeout=10, check=True)
        text, at, all_of = r.stdout, 0, {}
        while text[at:].strip():
            at += len(text[at:]) - len(text[at:].lstrip())
            rows, at = json.JSONDecoder().raw_decode(text, at)
            for row in rows:
                prefix = "host_" if row["name"] in all_of else ""  # no_mbuf and ring_full are NHRP's and the host's
                all_of[prefix + row["name"]] = row["count"]
        return all_of

    def difference(self, before):
        now = self.counters()
        return {k: v - before[k] for k, v in now.items() if v != before[k]}

    def settled(self, before, expected, seconds=3.0):
        """What changed, when it is what was expected and stays so for 50 ms, or after that time."""
        end = time.monotonic() + seconds
        while True:
            d = self.difference(before)
            if expected(d):
                time.sleep(0.05)
                return self.difference(before)
            if time.monotonic() > end:
                return d
            time.sleep(0.02)


class Results:
    def __init__(self):
        self.failed = 0

    def check(self, text, held, why=""):
        print("PASS" if held else "FAIL", text, flush=True)
        if not held:
            self.failed += 1
            print("    %s" % (why,), flush=True)
