"""Whose turn it is when. Pure, and the same each time, so that a later run can go on."""

from __future__ import annotations

import random

from lab.rounds import Round


def plan(ways: list[str], cycles: int, kinds: list[str], rest: float, seed: int = 1) -> list[Round]:
    """In each cycle every way has its turn once, in an order of its own; first each rests once."""
    rounds = [{"way": way, "kind": "rest", "seconds": rest} for way in ways] if rest > 0 else []
    order = random.Random(seed)
    for cycle in range(cycles):
        turn = list(ways)
        order.shuffle(turn)
        rounds += [{"way": way, "kind": kinds[cycle % len(kinds)]} for way in turn]
    return rounds
