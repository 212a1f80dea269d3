#!/usr/bin/env python3
"""The large searches of tests/model, hours in all and up to 6 GB of memory: every story with every
disturbance, three instances, three attempts at once. What is done is noted in a file, and is not
done again as long as the models stay as they are."""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "model"))

from checks import LARGE, Check  # noqa: E402
from lab.rounds import note, read_state  # noqa: E402
from run import line_of  # noqa: E402
from search import FOLDER, Limits, search, stop_on_signals  # noqa: E402


def digest(check: Check) -> str:
    """Of all that the search depends on."""
    asked = (check.model, check.switches, check.expects, check.fights)
    whole = hashlib.sha256(repr(asked).encode())
    for source in sorted(FOLDER.glob("*.pml")):
        whole.update(source.read_bytes())
    return whole.hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="only those whose names have one")
    parser.add_argument("--state", type=Path, help="default: a new file in the temporary folder")
    parser.add_argument("--memory", type=int, default=5500, help="MB for a search (default: 5500)")
    parser.add_argument("--minutes", type=float, default=60, help="for a search (default: 60)")
    options = parser.parse_args()
    state = options.state or Path(tempfile.mkdtemp(prefix="model-")) / "searches.jsonl"
    limits = Limits(options.memory, options.minutes * 60)
    done = {entry["digest"]: entry for entry in read_state(state)}
    stop_on_signals()
    print(f"noted in {state}", flush=True)
    wrong = 0
    for check in LARGE:
        if options.parts and not any(part in check.name for part in options.parts):
            continue
        key = digest(check)
        entry = done.get(key)
        if entry is None:
            finding = search(check, limits)
            verdict = "ok" if finding.is_as_expected(check) else "wrong"
            entry = {"digest": key, "verdict": verdict, "line": line_of(check, finding)}
            if verdict == "wrong":
                entry["trace"] = finding.trace
            note(state, entry)
        print(entry["line"], flush=True)
        if entry["verdict"] != "ok":
            wrong += 1
            print(entry.get("trace", ""), flush=True)
    print(f"{wrong} not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
