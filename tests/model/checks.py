"""What is asked of the models, and what the answer must be. README.md has the figures."""

from __future__ import annotations

from dataclasses import dataclass

HOLDS = "holds"
TWO_LABELS = "two labels"
WRONG_END = "wrong in the end"
FIGHT = "endless fight"


@dataclass(frozen=True)
class Check:
    name: str
    model: str  # any_view or group
    switches: tuple[str, ...]
    expects: str = HOLDS
    fights: bool = False  # look for endless fights, in place of assertions at the end
    is_large: bool = False

    @property
    def effort(self) -> int:
        """How much the compiler is to do, which is more than the search in the small ones."""
        if self.is_large:
            return 2
        return 1 if self.expects == HOLDS and (self.fights or self._is_disturbed()) else 0

    @property
    def depth(self) -> int:
        """Longest path; memory is taken for it. In a model without bounds a search goes deep."""
        return 10_000_000 if self.is_large and self.model == "any_view" else 200_000

    def _is_disturbed(self) -> bool:
        return any("=" in switch for switch in self.switches)


def any_view(name: str, *switches: str, expects: str = HOLDS, is_large: bool = False) -> Check:
    more = ("LABELS_ALONE",) if expects == TWO_LABELS else ()
    return Check(name, "any_view", (*switches, *more), expects, is_large=is_large)


def safe(name: str, *switches: str, is_large: bool = False) -> Check:
    """At most one label, with caches whose entries are of independent age."""
    return Check(f"at most one: {name}", "group", switches, is_large=is_large)


def ends(name: str, *switches: str, expects: str = HOLDS, is_large: bool = False) -> Check:
    """The same, and when nobody has anything to do any more, the last fact holds."""
    name = _told(name, "right in the end", expects)
    return Check(name, "group", (*switches, "SNAPSHOT", "ENDS_RIGHT"), expects, is_large=is_large)


def fights(name: str, *switches: str, expects: str = HOLDS, is_large: bool = False) -> Check:
    """Nobody goes on for ever. With TURNS: those who start over do so one at a time."""
    name = _told(name, "no endless fight", expects)
    return Check(name, "group", (*switches, "SNAPSHOT"), expects, True, is_large)


def _told(name: str, what: str, expects: str) -> str:
    return f"{what}: {name}" if expects == HOLDS else name


def breaks(name: str, *switches: str) -> Check:
    return Check(name, "group", (*switches, "LABELS_ALONE"), TWO_LABELS)


FAILOVER = "STORY_FAILOVER"
FAILOVERS = "STORY_FAILOVERS"
BACK = "STORY_BACK"
DOWN = "STORY_DOWN"
RECREATED, BY_HAND, LOST, RESTARTED = "RECREATIONS=1", "HANDS=1", "LOSSES=1", "RESTARTS=1"

_HOLD = (
    any_view("at most one, any decision on any view: two attempts"),
    safe("to and fro", BACK),
    safe("one failover, a pod re-created", FAILOVER, RECREATED),
    safe("one failover, something done by hand", FAILOVER, BY_HAND),
    safe("every other pod fenced, always: to and fro", BACK, "FENCE_EVERY_OTHER_ALWAYS"),
    ends("three primaries, an instance cut off", FAILOVERS, "CUT_OFF"),
    ends("two primaries under one epoch", "STORY_TIE"),
    ends("suspected and restored", "STORY_SUSPECTED"),
    ends("suspected for good", DOWN),
    ends("suspected, then failed over, an instance cut off", "STORY_DEMOTED", "CUT_OFF"),
    ends("promoted provisionally, then confirmed", "STORY_CONFIRMED"),
    ends("promoted provisionally, then taken back", "STORY_TAKEN_BACK"),
    ends("epochs begin anew", "STORY_RESET", "WITNESS"),
    ends("one failover, a pod re-created", FAILOVER, RECREATED),
    ends("one failover, a pod away for a while", FAILOVER, RECREATED, "ABSENCE"),
    ends("one failover, a pod vanishing", FAILOVER, RECREATED, "VANISHING"),
    ends("one failover, something done by hand", FAILOVER, BY_HAND),
    ends("one failover, an answer lost", FAILOVER, LOST),
    ends("one failover, an instance restarted", FAILOVER, RESTARTED),
    fights("to and fro", BACK, "TURNS", "CUT_OFF"),
    fights("suspected for good, a pod re-created", DOWN, "TURNS", RECREATED),
)

# What the protocol can't do. Where one of these holds, README.md is out of date.
_LIMITS = (
    ends(
        "limit: two primaries under one epoch, an instance cut off with the other",
        "STORY_TIE", "CUT_OFF", expects=WRONG_END,
    ),
    ends(
        "limit: a suspicion, and an instance that is cut off from it",
        DOWN, "CUT_OFF", expects=WRONG_END,
    ),
    ends(
        "limit: a program that starts amid a suspicion",
        DOWN, RESTARTED, expects=WRONG_END,
    ),
    ends(
        "limit: epochs begin anew, an instance cut off before that",
        "STORY_RESET", "WITNESS", "CUT_OFF", expects=WRONG_END,
    ),
    ends(
        "limit: epochs begin anew, and all who saw it are restarted",
        "STORY_RESET", RESTARTED, expects=WRONG_END,
    ),
    fights("limit: two that start over in lockstep, without pauses", BACK, expects=FIGHT),
)  # fmt: skip

_BREAK = (
    any_view("wrong: no preconditions, any view", "NO_PRECONDITION", expects=TWO_LABELS),
    any_view("wrong: promote first, any view", "PROMOTE_FIRST", expects=TWO_LABELS),
    any_view("wrong: fence the labelled alone, any view", "LABELLED_ONLY", expects=TWO_LABELS),
    any_view("wrong: a hand-set label is a token, any view", "HAND_TOKEN", expects=TWO_LABELS),
    breaks("wrong: no fences", BACK, "NO_FENCE"),
    breaks("wrong: promote first", BACK, "PROMOTE_FIRST"),
    breaks("wrong: no preconditions", BACK, "NO_PRECONDITION"),
    breaks("wrong: no unique number, a pod re-created", BACK, "NO_UNIQUE_NUMBER", RECREATED),
    breaks("wrong: idle fences skipped, a pod re-created", BACK, "SKIP_IDLE_FENCES", RECREATED),
    breaks("wrong: fence the labelled alone", BACK, "FENCE_LABELLED"),
    breaks("wrong: fence the labelled and the unstamped", BACK, "FENCE_LABELLED_AND_UNSTAMPED"),
    breaks("wrong: fence the labelled and the previous", BACK, "FENCE_LABELLED_AND_PREVIOUS"),
    breaks("wrong: a hand-set label is a token", BACK, "HAND_SET_LABEL_IS_TOKEN", BY_HAND),
    breaks("wrong: stamps are removed by hand", BACK, "STAMPS_ARE_REMOVED", BY_HAND),
    breaks(
        "wrong: a write to a vanishing pod is believed",
        FAILOVERS, "SNAPSHOT", "VANISHING", "VANISHING_POD_IS_BELIEVED", RECREATED,
    ),
    breaks(
        "wrong: a cache that lacks a pod, and is newer elsewhere",
        BACK, "ABSENCE", "RECREATIONS=2",
    ),
    fights("wrong: nobody stands down", BACK, "TURNS", "NO_STANDING_DOWN", expects=FIGHT),
    fights(
        "wrong: a settled decision learns from a suspicion",
        DOWN, "TURNS", "CUT_OFF", RECREATED, "LEARN_FROM_OTHER_KINDS", expects=FIGHT,
    ),
)  # fmt: skip

# Each of these two differs from a wrong one in that no pod is ever re-created.
_HARMLESS = (
    safe("without unique number, no pod re-created", BACK, "NO_UNIQUE_NUMBER"),
    safe("without idle fences, no pod re-created", BACK, "SKIP_IDLE_FENCES"),
)

QUICK = (*_HOLD, *_HARMLESS, *_LIMITS, *_BREAK)

# ---- hours: tests/accept/model.py ----

THREE = "INSTANCES=3"
_STORIES = {
    "three primaries": (FAILOVERS, "CUT_OFF"),
    "to and fro": (BACK, "CUT_OFF"),
    "two primaries under one epoch": ("STORY_TIE",),
    "suspected and restored": ("STORY_SUSPECTED",),
    "suspected for good": (DOWN,),
    "suspected, then failed over": ("STORY_DEMOTED", "CUT_OFF"),
    "promoted provisionally, then confirmed": ("STORY_CONFIRMED",),
    "promoted provisionally, then taken back": ("STORY_TAKEN_BACK",),
    "epochs begin anew": ("STORY_RESET", "WITNESS"),
    "epochs begin anew and go on": ("STORY_RESET_AND_ON", "WITNESS"),
}
_DISTURBANCES = {
    "a pod re-created": RECREATED,
    "something done by hand": BY_HAND,
    "an answer lost": LOST,
    "an instance restarted": RESTARTED,
}


def _every_story() -> list[Check]:
    checks = []
    for story, switches in _STORIES.items():
        checks.append(fights(story, *switches, "TURNS", is_large=True))
        for disturbance, switch in _DISTURBANCES.items():
            limit = switch == RESTARTED and DOWN in switches  # as above
            name = f"{'limit: ' if limit else ''}{story}; {disturbance}"
            expects = WRONG_END if limit else HOLDS
            checks.append(ends(name, *switches, switch, expects=expects, is_large=True))
    return checks


LARGE = (
    any_view("at most one, any decision on any view: three attempts", "ATTEMPTS=3", is_large=True),
    any_view("at most one, any decision on any view: four pods", "PODS=4", is_large=True),
    safe("to and fro; a pod re-created", BACK, RECREATED, is_large=True),
    safe("to and fro; something done by hand", BACK, BY_HAND, is_large=True),
    safe("to and fro; an answer lost", BACK, LOST, is_large=True),
    safe("one failover; a pod re-created, by hand", FAILOVER, RECREATED, BY_HAND, is_large=True),
    safe("one failover; a pod re-created, answer lost", FAILOVER, RECREATED, LOST, is_large=True),
    safe("one failover; a pod re-created, restart", FAILOVER, RECREATED, RESTARTED, is_large=True),
    safe("one failover; two pods re-created", FAILOVER, "RECREATIONS=2", is_large=True),
    ends("three primaries; pods away twice", FAILOVERS, "RECREATIONS=2", "ABSENCE", is_large=True),
    safe("three instances, one failover", FAILOVER, THREE, is_large=True),
    ends("three instances, one failover", FAILOVER, THREE, is_large=True),
    ends("three instances; a pod away", FAILOVER, THREE, RECREATED, "ABSENCE", is_large=True),
    ends("three instances, three primaries", FAILOVERS, THREE, is_large=True),
    fights("three instances, one failover", FAILOVER, THREE, "TURNS", is_large=True),
    fights("suspected for good; a pod re-created, an instance cut off",
           DOWN, "TURNS", "CUT_OFF", RECREATED, is_large=True),
    *_every_story(),
)
