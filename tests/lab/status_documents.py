"""Documents as /status has them (schema 1), for what a real program is hard to bring to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

BOUNDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def group(name: str, at: int = 0, **changes: Any) -> Json:
    """Its three instances have addresses from `at` on."""
    own = [f"10.{at // 250 % 250}.{at % 250}.{last}:6379" for last in (7, 8, 9)]
    return {
        "name": name, "state": "known", "primary": own[0], "era": 0, "epoch": 3, "step": 0, "settled": True,
        "replicas": [{"address": address, "healthy": True} for address in own[1:]],
        "cause": "+promoted-slave from 10.0.0.5:26379", "since": ago(754),
        "sentinels": {"known": 3, "up": 3, "agree": 3, "agreed_at": ago(753)}, **changes,
    }


def place(of: Json, **changes: Any) -> Json:
    """What a target says of a group."""
    return {"group": of["name"], "in_sync": True, "outcome": "applied", "reason": "", "primary": of["primary"],
            "epoch": of["epoch"], "done_at": ago(753), "attempts": 1, **changes}


def failover(of: Json, seconds_ago: float, targets: Sequence[Json], **changes: Any) -> Json:
    return {
        "group": of["name"], "era": 0, "epoch": of["epoch"], "step": 0, "settled": True, "state": "known",
        "from": of["replicas"][0]["address"], "to": of["primary"], "cause": of["cause"],
        "event_at": ago(seconds_ago), "published_ms": 0.42, "targets": list(targets), **changes,
    }


def done(target: str, ms: float | None, **changes: Any) -> Json:
    return {"target": target, "outcome": "applied", "done_ms": ms, "attempts": 1, "reason": "", **changes}


def latency(target: str, seconds: Sequence[float]) -> Json:
    buckets = [{"le": bound, "count": sum(value <= bound for value in seconds)} for bound in BOUNDS]
    return {"target": target, "buckets": [*buckets, {"le": None, "count": len(seconds)}],
            "sum_seconds": sum(seconds), "count": len(seconds)}


def process(name: str, kind: str, pid: int | None, **changes: Any) -> Json:
    return {"name": name, "kind": kind, "pid": pid, "state": "at work", "up_seconds": 273845.2, "restarts": 0, **changes}


def all_well() -> Json:
    groups = [group("myprimary"), group("sessions", 1), group("queue", 2)]
    targets = ("kubernetes", "haproxy", "primary-file")
    return {
        "schema": 1, "version": "0.1.0", "now": ago(0), "pid": 1, "up_seconds": 273846.3, "ready": True,
        "in_the_way": [], "problems": [],
        "configuration": {"file": "/etc/valkey-reconciler/valkey-reconciler.toml", "loaded_at": ago(86000), "refused": None},
        "groups": groups,
        "sentinels": [{"set": "main", "address": f"10.0.0.{last}:26379", "up": True} for last in (4, 5, 6)],
        "targets": [
            {"name": name, "plugin": name.removeprefix("primary-"), "groups": [place(of) for of in groups]}
            for name in targets
        ],
        "failovers": [
            failover(groups[0], 754, [done("kubernetes", 17.23), done("haproxy", 4.1), done("primary-file", 1.2)]),
            failover(groups[1], 7500, [done("kubernetes", 31.0), done("haproxy", 3.6), done("primary-file", 0.9)],
                     published_ms=3.1),
            failover(groups[1], 7501, [done("kubernetes", None, outcome="cancelled"), done("haproxy", 2.9),
                                       done("primary-file", 0.7)], state="suspected", step=1, settled=False),
            failover(groups[2], 93000, [done("kubernetes", 1240.0, attempts=3), done("haproxy", 5.0),
                                        done("primary-file", 1.0)]),
        ],
        "latency": [
            latency("kubernetes", [0.0082, 0.012, 0.0155, 0.01723, 0.018, 0.019, 0.031, 0.034, 0.042, 0.06, 1.24]),
            latency("haproxy", [0.0036, 0.0041, 0.005, 0.0048, 0.0061, 0.0044, 0.011]),
            latency("primary-file", [0.0009, 0.001, 0.0012, 0.0011]),
        ],
        "processes": [
            process("supervisor", "supervisor", 1), process("sentinel-watcher", "watcher", 12),
            process("kubernetes", "labeler", 13), process("haproxy", "labeler", 14, restarts=2, up_seconds=4210.0),
            process("primary-file", "labeler", 15),
        ],
    }


def with_problems() -> Json:
    status = all_well()
    missing = "forbidden: cannot patch pods in namespace shop; grant the verb patch on pods to the service account reconciler"
    refused = "valkey-reconciler.toml:14:1: [[target]] has no plugin"
    status |= {
        "ready": False,
        "in_the_way": [f"kubernetes, group myprimary: {missing}", "target haproxy, group queue: not in sync yet"],
        "problems": [
            {"severity": "degraded", "process": "sentinel-watcher", "group": "", "id": "sentinel-down",
             "message": "Sentinel 10.0.0.6:26379 of set main does not answer: connection refused", "since": ago(432)},
            {"severity": "blocking", "process": "kubernetes", "group": "myprimary", "id": "rights-missing",
             "message": missing, "since": ago(61)},
        ],
    }
    status["configuration"]["refused"] = refused
    status["sentinels"][2]["up"] = False
    first, second, third = status["groups"]
    first["sentinels"] |= {"up": 2, "agree": 2}
    second |= {"state": "suspected", "settled": False, "step": 1}
    second["replicas"][1]["healthy"] = False
    third |= {"state": "unknown", "primary": None, "replicas": [], "sentinels": None}
    kubernetes, haproxy, _ = status["targets"]
    kubernetes["groups"][0] |= {"in_sync": False, "outcome": "retry", "attempts": 7, "reason": missing}
    kubernetes["groups"][1] |= {"in_sync": False, "outcome": "rejected",
                                "reason": "no pod of the selector app.kubernetes.io/name=valkey has the address 10.0.1.7"}
    haproxy["groups"][2] |= {"in_sync": False, "outcome": None, "primary": None, "done_at": None}
    status["failovers"][0]["targets"][0] |= {"outcome": "retry", "done_ms": None, "attempts": 7, "reason": missing}
    status["processes"][3] |= {"state": "restarting", "pid": None, "up_seconds": 0, "restarts": 5}
    return status


def empty() -> Json:
    """Nothing is known yet, and nothing configured."""
    return all_well() | {key: [] for key in ("groups", "sentinels", "targets", "failovers", "latency")}


HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "__proto__",
    "constructor",
    "\u202egnirts desrever",
    "a" * 500,
    "line\nbreak\ttab\u0000nul",
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
    "&lt;b&gt;",
)


def hostile() -> Json:
    """Each text that may come from outside is one of HOSTILE, in each place."""
    status = with_problems()
    groups = [
        group(name, at, primary=name, cause=name, replicas=[{"address": name, "healthy": False}])
        for at, name in enumerate(HOSTILE)
    ]
    status["groups"] = groups
    status["targets"] = [
        {"name": name, "plugin": name,
         "groups": [place(of, in_sync=False, outcome="rejected", reason=name) for of in groups]}
        for name in HOSTILE[:4]
    ]
    status["latency"] = [latency(name, [0.02]) for name in HOSTILE[:4]]
    status["problems"] = [
        {"severity": "blocking", "process": name, "group": name, "id": name, "message": name, "since": ago(5)}
        for name in HOSTILE
    ]
    status["in_the_way"] = list(HOSTILE)
    status["failovers"] = [
        failover(of, 60, [done(name, None, outcome=name, reason=name) for name in HOSTILE[:4]], **{"from": of["name"]})
        for of in groups
    ]
    status["processes"] = [process(name, name, 1, state=name) for name in HOSTILE]
    status["sentinels"] = [{"set": name, "address": name, "up": False} for name in HOSTILE]
    status["version"] = HOSTILE[0]
    status["configuration"] = {"file": HOSTILE[0], "loaded_at": ago(5), "refused": HOSTILE[1]}
    return status


def many_groups(number: int = 1000) -> Json:
    status = all_well()
    groups = [group(f"group-{at:04d}", at) for at in range(number)]
    groups[700]["state"] = "suspected"
    status["groups"] = groups
    for target in status["targets"]:
        target["groups"] = [place(of) for of in groups]
    status["failovers"] = [
        failover(of, 60.0 * (at + 1), [done("kubernetes", 10.0 + at), done("haproxy", 4.0), done("primary-file", 1.0)])
        for at, of in enumerate(groups[:32])
    ]
    return status
