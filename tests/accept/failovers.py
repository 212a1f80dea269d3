#!/usr/bin/env python3
"""Failovers one after the other, half by SIGKILL of the primary and half by SENTINEL FAILOVER, with
real Sentinels. Each must end with the label on exactly the pod of the new primary, and no version
of the pods may have two labelled."""

from __future__ import annotations

import sys

from scene import FailoverScene

from lab.rounds import Round, parse, run, share_kubernetes, summarise


class Scene(FailoverScene):
    def run_round(self, number: int) -> Round:
        since = self.begin()
        trigger = self.trigger("kill" if number % 2 == 0 else "planned")
        failover = self.group.wait_failover(trigger)
        return self.finish(failover, since)


def main() -> int:
    options = parse(str(__doc__), rounds=30, name="failovers")
    share_kubernetes(options)
    figures = {
        "first news to label": "event_to_label_ms",
        "new primary takes writes to label": "t0_to_label_ms",
        "old label off to new label on": "off_to_on_ms",
    }
    return summarise(run(options, Scene), options.rounds, figures)


if __name__ == "__main__":
    sys.exit(main())
