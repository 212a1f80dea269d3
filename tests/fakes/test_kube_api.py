#!/usr/bin/env python3
"""The fake API server answers as the real one: the same tests, run against both.

python3 tests/fakes/test_kube_api.py fake|real [unittest's arguments]
Exit status 77: there is no real one. What only one of them can do is in a class of its own, with
the reason.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# unittest finds the cases by their names here.
from fakes.kube_cases import fake_only  # noqa: E402
from fakes.kube_cases.access import Access, Connections  # noqa: E402,F401
from fakes.kube_cases.case import OnOneBackend  # noqa: E402
from fakes.kube_cases.objects import Deleting, Objects, OtherResources  # noqa: E402,F401
from fakes.kube_cases.patches import Patches  # noqa: E402,F401
from fakes.kube_cases.reads import Lists, Watches  # noqa: E402,F401
from fakes.kube_cases.server import OnAPrivateServer  # noqa: E402
from lab.kubernetes import backends  # noqa: E402

FAKE_ONLY = [fake_only.OnlyTheFake, fake_only.OnlyTheFakeByChoice, fake_only.OnlyTheFakeAlone]


def main() -> int:
    backend = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("fake", "real") else "fake"
    if backend not in backends():
        print("skipped: no real Kubernetes API server (KUBERNETES_LAB is not set)")
        return 77
    OnOneBackend.backend = OnAPrivateServer.backend = backend
    if backend == "fake":
        globals().update({case.__name__: case for case in FAKE_ONLY})
    result = unittest.main(exit=False, argv=sys.argv).result
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
