#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A spoke registers and is known: registers.py CONSOLE NAME INTERFACE HUB_MAC"""
import sys

from hub import Hub, Results
from packets import Wire, protocol

results, hub = Results(), Hub(sys.argv[1], sys.argv[2])
results.check("a spoke registers", Wire(sys.argv[3], sys.argv[4]).register(11))
spoke = hub.ask("show spoke " + protocol(11))
results.check("and the hub knows it", spoke.get("type") == "registered", spoke)
sys.exit(results.failed > 0)
