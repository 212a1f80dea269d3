#!/usr/bin/env python3
"""SENTINEL FAILOVER on two Sentinels at once, again and again, beside watchers of each `act_on`:
none names a wrong primary, all end with the majority's. Says how often one epoch had two."""

from __future__ import annotations

import argparse
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "process"))

from test_wrong_sentinels import OneEpochTwoPrimaries  # noqa: E402

from lab.processes import stop_on_signals  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="default: 20")
    OneEpochTwoPrimaries.rounds = parser.parse_args().rounds
    stop_on_signals()
    test = OneEpochTwoPrimaries("test_failovers_on_two_sentinels_at_once")
    return 0 if unittest.TextTestRunner(verbosity=2).run(test).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
