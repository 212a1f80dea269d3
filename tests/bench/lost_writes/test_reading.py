"""What is read of pods and EndpointSlices."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from following import addresses  # noqa: E402


class Addresses(unittest.TestCase):
    def test_a_pod_has_its_own_and_none_before_it_runs(self) -> None:
        self.assertEqual(addresses({"status": {"podIP": "10.0.0.1"}}), {"10.0.0.1"})
        self.assertEqual(addresses({"status": {"phase": "Pending"}}), set())

    def test_a_slice_has_those_that_are_not_called_unready(self) -> None:
        endpoints = [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": False}},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": True}},
            {"addresses": ["10.0.0.3"], "conditions": {}},
            {"addresses": ["10.0.0.4"]},
        ]
        self.assertEqual(
            addresses({"endpoints": endpoints}), {"10.0.0.2", "10.0.0.3", "10.0.0.4"}
        )
        self.assertEqual(addresses({"endpoints": None}), set())


if __name__ == "__main__":
    unittest.main()
