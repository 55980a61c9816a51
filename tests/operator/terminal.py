#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The prompt on a terminal: terminal.py hub|console COMMAND... hub: of nave -i; console: of nave-console."""
import os
import pty
import select
import signal
import sys
import termios
import time

from hub import Results


class Terminal:
    def __init__(self, argv):
        master, slave = pty.openpty()
        self.fd, self.slave = master, slave  # our own slave stays open: its settings are read after the end
        self.settings = termios.tcgetattr(slave)
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            for fd in (0, 1, 2):
                os.dup2(slave, fd)
            os.environ["TERM"] = "xterm"
            os.execv(argv[0], argv)
        self.said = ""

    def read_until(self, text, seconds=10.0):
        """Whether text comes; what was said since the last keys stays in said."""
        end = time.monotonic() + seconds
        while text not in self.said:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                return False
            self.said += os.read(self.fd, 65536).decode(errors="replace")
        return True

    def keys(self, text, answer):
        self.said = ""
        os.write(self.fd, text.encode())
        return self.read_until(answer)

    def status(self, seconds=15.0):
        """Exit status, or None when it did not end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if select.select([self.fd], [], [], 0.05)[0]:
                os.read(self.fd, 65536)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None

    def is_put_back(self):
        return termios.tcgetattr(self.slave) == self.settings


def walk(t, results):
    """What both prompts can do."""
    results.check("help lists the commands", t.keys("help\r", "show nhrp statistics") and t.read_until("nave> "),
                  t.said)
    results.check("help WORD lists those that begin so", t.keys("help evict\r", "evict spoke ADDRESS TUNNEL") and
                  t.read_until("nave> ") and "show ports" not in t.said, t.said)
    results.check("TAB completes a word", t.keys("sho\t", "show "), t.said)
    results.check("TAB lists what may come next, with help", t.keys("\t", "underlay next hops and their MAC"), t.said)
    results.check("TAB completes the second word, Enter runs it", t.keys("vers\t\r", "dpdk  "),
                  t.said)
    t.read_until("nave> ")
    results.check("? explains", t.keys("show nhrp ?", "NHRP messages by type"), t.said)
    t.keys("\x15", "nave> ")
    results.check("a wrong word is answered with the right one",
                  t.keys("show spoek\r", 'did you mean "show spoke"?'), t.said)
    t.read_until("nave> ")
    results.check("the arrow recalls a line", t.keys("\x1b[A", "show spoek"), t.said)
    results.check("Ctrl-U and Ctrl-C drop the line",
                  t.keys("\x15show vers\t", "show version") and t.keys("\x03", "nave> "), t.said)


def hub(argv, results):
    t = Terminal(argv)
    results.check("nave -i prompts", t.read_until("nave> ", 20), t.said)
    walk(t, results)
    results.check("a command answers", t.keys("show ports\r", "wan0"), t.said)
    os.write(t.fd, b"quit\r")
    results.check("quit ends the hub, exit 0", t.status() == 0)
    results.check("the terminal is put back", t.is_put_back())
    t = Terminal(argv)
    t.read_until("nave> ", 20)
    os.kill(t.pid, signal.SIGTERM)
    results.check("SIGTERM at the prompt: exit 0", t.status() == 0)
    results.check("and the terminal is put back", t.is_put_back())


def console(argv, results):
    t = Terminal(argv)
    results.check("nave-console prompts", t.read_until("nave> "), t.said)
    walk(t, results)
    os.write(t.fd, b"quit\r")
    results.check("quit leaves, exit 0", t.status() == 0)
    results.check("the terminal is put back", t.is_put_back())
    t = Terminal(argv)
    t.read_until("nave> ")
    os.write(t.fd, b"\x1d")
    results.check("Ctrl-] leaves, exit 0", t.status() == 0 and t.is_put_back())


def main():
    results = Results()
    {"hub": hub, "console": console}[sys.argv[1]](sys.argv[2:], results)
    return results.failed > 0


if __name__ == "__main__":
    sys.exit(main())
