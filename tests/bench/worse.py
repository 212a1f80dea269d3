"""What was found beside what was accepted. Pure."""

from __future__ import annotations

Found = dict[str, float]

BESIDE_FLOOR = "event to label, beside floor"
INSTRUCTIONS = "instructions of a failover"

# Times what was accepted. Half of the 10 % that are to be found out, which is as far from what one build differs from itself.
BOUND = 1.05
BETTER = 0.95  # is worth accepting, so that it can't be lost unnoticed


def is_worse(found: float, accepted: float) -> bool:
    return found > accepted * BOUND


def told(found: Found, accepted: Found) -> list[str]:
    lines = [
        f"{'FAIL' if is_worse(value, accepted[name]) else 'pass'}  {name}: {value:,.7g}, "
        f"{value / accepted[name]:.3f} times the accepted {accepted[name]:,.7g} (bound: {BOUND:g})"
        for name, value in found.items()
    ]
    if any(value < accepted[name] * BETTER for name, value in found.items()):
        lines.append("better than what was accepted: bash tests/bench/run.sh check --accept")
    return lines
