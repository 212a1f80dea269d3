"""Judges what abidiff says (standard input): structs that have grown at their end are fine, anything else is a break and printed.

abidiff's own suppressions can't tell the two apart: `has_data_member_inserted_at = end` of libabigail 2.2 hides a field in the middle, too."""

from __future__ import annotations

import re
import sys

# What stands around a struct that has grown, and says nothing else.
AROUND = re.compile(
    r"\d+ functions? with some indirect sub-type change:|\[C\] 'function .*' has some indirect sub-type changes:"
    r"|return type changed:|in (pointed to|unqualified underlying) type '.*':|underlying type 'struct vr_\w+' changed:"
    r"|parameter \d+ of type '.*' has sub-type changes:|type of '.*' changed:|type size hasn't changed"
    r"|\d+ data member (insertions?:|changes?( \(\d+ filtered\))?:)")
SUMMARY = re.compile(r"Functions changes summary: 0 Removed, [01] Changed( \(\d+ filtered out\))?, 0 Added functions?"
                     r"|Variables changes summary: 0 Removed, 0 Changed, 0 Added variables?")
SIZE = re.compile(r"type size changed from (\d+) to (\d+) \(in bits\)")
INSERTION = re.compile(r"'.*', at offset (\d+) \(in bits\)")


def breaks(report: str) -> list[str]:
    found = []
    size = 0  # before, of the struct that the report is about
    for line in map(str.strip, report.splitlines()):
        if (grown := SIZE.fullmatch(line)) is not None:
            size = int(grown[1])
            fine = int(grown[2]) > size
        elif (inserted := INSERTION.fullmatch(line)) is not None:
            fine = int(inserted[1]) >= size > 0
        else:
            fine = not line or bool(AROUND.fullmatch(line) or SUMMARY.fullmatch(line))
        if not fine:
            found.append(line)
    return found


if __name__ == "__main__":
    if found_breaks := breaks(sys.stdin.read()):
        sys.exit("abi: broken:\n  " + "\n  ".join(found_breaks))
