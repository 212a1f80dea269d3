#!/usr/bin/env python3
"""The models of the fencing protocol, checked by Spin: what must hold holds in its whole state
space, and each variant that is known to be wrong is found out. One line for each check.

    run.py                    the checks that take seconds
    run.py --list             their names
    run.py PART...            those whose names contain one of these
    run.py --trace PART...    with the counterexamples, in words
"""

from __future__ import annotations

import argparse
import sys

from checks import QUICK, Check
from search import Finding, Limits, search, stop_on_signals

QUICK_LIMITS = Limits(memory_mb=3000, seconds=240)


def line_of(check: Check, finding: Finding) -> str:
    right = finding.is_as_expected(check)
    extent = "whole" if finding.whole else "as far as needed" if right else "not whole"
    return (
        f"{'ok   ' if right else 'WRONG'}  {check.name:<74} {finding.found:<16} "
        f"{finding.states:>10,} states  depth {finding.depth:>7,}  "
        f"{finding.seconds:6.1f} s  {extent}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--trace", action="store_true")
    options = parser.parse_args()
    checks = [
        check
        for check in QUICK
        if not options.parts or any(part in check.name for part in options.parts)
    ]
    if not checks:
        parser.error("no such check")
    stop_on_signals()
    wrong = 0
    for check in checks:
        if options.list:
            print(f"{check.name}: {check.model} {' '.join(check.switches)}: {check.expects}")
            continue
        finding = search(check, QUICK_LIMITS)
        print(line_of(check, finding), flush=True)
        if finding.trace and (options.trace or not finding.is_as_expected(check)):
            print(finding.trace, flush=True)
        wrong += not finding.is_as_expected(check)
    print(f"{len(checks) - wrong} of {len(checks)} checks as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
