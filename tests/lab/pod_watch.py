"""An independent witness: every version of every pod of a namespace, and who bore the label when.

It watches with a connection, a thread and rights of its own, and shares no code with the program.
Where its watch cannot go on (410 after the API server was killed), it asks for each version that it
missed, one by one; only where the server has forgotten those, a gap stays: noted, printed, and
never taken for a time in which all was well.
"""

from __future__ import annotations

import bisect
import http.client
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from lab.kube_client import ApiFailure, Json, KubeClient, WatchStream
from lab.kubernetes import LABEL, Kubernetes, Namespace
from lab.processes import PATIENCE
from lab.safety import TwoAtOnceError

_WATCH_SECONDS = 20  # timeoutSeconds: the end of a watch is nothing but the begin of the next
_SILENCE = 30.0  # a connection that is silent for so long is given up
_LONGEST_GAP = 20000  # versions that are asked for one by one


@dataclass(frozen=True)
class PodVersion:
    """One pod at one version. `version` is that of the moment at which it is known to hold: its
    own, but for what came by a list."""

    version: int
    type: str  # ADDED, MODIFIED, DELETED
    name: str
    uid: str
    labels: dict[str, str]
    annotations: dict[str, str]
    terminating: bool
    managers: dict[str, str]  # label to the manager who set it
    wall: float  # time.time() when it was received
    received: float  # time.monotonic(), likewise
    source: str  # "watch", "list" or "history"


@dataclass(frozen=True)
class LabelChange:
    """The label came to a pod or left it (by a write, or because the pod went)."""

    version: int
    pod: str
    uid: str
    labelled: bool
    manager: str  # who set it; empty where nothing says so
    wall: float
    received: float


@dataclass(frozen=True)
class TwoLabelled:
    """A version at which more than one pod had the label."""

    version: int
    pods: tuple[tuple[str, str], ...]  # name and uid
    wall: float


@dataclass(frozen=True)
class Gap:
    """Versions after `after` and before `before` that nobody can tell of."""

    after: int
    before: int
    why: str
    wall: float


@dataclass
class _Moment:
    """All that changed at one version."""

    version: int
    changes: list[PodVersion] = field(default_factory=list)


class PodWatch:
    """Owned by a test; `with PodWatch(namespace) as watch:`. Complete from its start on."""

    def __init__(self, namespace: Namespace, label: str = LABEL, value: str = "true") -> None:
        self._kubernetes: Kubernetes = namespace.kubernetes
        self._client: KubeClient = self._kubernetes.admin_client(timeout=_SILENCE)
        self._path = f"{namespace.path}/pods"
        self._name = namespace.name
        self._label = label
        self._value = value
        self._changed = threading.Condition()
        self._moments: list[_Moment] = []
        self._pods: dict[str, PodVersion] = {}  # as they are now
        self._gaps: list[Gap] = []
        self._last = 0  # all is known up to this version
        self._missed = 0  # versions that were asked for one by one
        self._reconnects = 0
        self._stream: WatchStream | None = None
        self._stopping = False
        self._here = threading.Event()
        self._here.set()
        self._thread = threading.Thread(target=self._run, name=f"watch of {self._name}",
                                        daemon=True)

    def __enter__(self) -> PodWatch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Returns when the pods are listed: from then on nothing is missed."""
        listed = self._client.get(self._path)
        self._note_list(int(listed["metadata"]["resourceVersion"]), listed["items"], "list")
        self._thread.start()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Looks away meanwhile, as if its connection were cut: for tests of the witness itself."""
        self._here.clear()
        if self._stream is not None:
            self._stream.close()
        try:
            yield
        finally:
            self.come_back()

    def come_back(self) -> None:
        self._here.set()

    def close(self) -> None:
        self._stopping = True
        self.come_back()
        stream = self._stream
        if stream is not None:
            stream.close()
        if self._thread.is_alive():
            self._thread.join(5)
        self._client.close()

    # What was seen

    def versions(self, pod: str = "") -> list[PodVersion]:
        """In the order of their versions."""
        with self._changed:
            return [change for moment in self._moments for change in moment.changes
                    if not pod or change.name == pod]

    @property
    def gaps(self) -> list[Gap]:
        with self._changed:
            return list(self._gaps)

    @property
    def reconnects(self) -> int:
        return self._reconnects

    @property
    def recovered(self) -> int:
        """Versions that no watch told of, but that were asked for later, one by one."""
        return self._missed

    @property
    def last_version(self) -> int:
        with self._changed:
            return self._last

    def labelled_now(self) -> list[str]:
        with self._changed:
            return sorted(name for name, pod in self._pods.items() if self._bears(pod))

    def two_labelled(self) -> list[TwoLabelled]:
        """Every version at which two or more pods had the label. Empty proves nothing while there
        are `gaps`: see `check`."""
        found: list[TwoLabelled] = []
        with self._changed:
            labelled: dict[str, str] = {}
            for moment in self._moments:
                for change in moment.changes:
                    if self._bears(change):
                        labelled[change.name] = change.uid
                    else:
                        labelled.pop(change.name, None)
                if len(labelled) > 1:
                    found.append(TwoLabelled(moment.version, tuple(sorted(labelled.items())),
                                             moment.changes[-1].wall))
        return found

    def check(self) -> None:
        """TwoAtOnceError where two pods were labelled, AssertionError where that cannot be told."""
        if two := self.two_labelled():
            raise TwoAtOnceError(f"{self._name}: two pods labelled at {two}")
        assert not self.gaps, f"{self._name}: what was at these versions is unknown: {self.gaps}"

    def label_changes(self) -> list[LabelChange]:
        changes: list[LabelChange] = []
        before: dict[str, PodVersion] = {}
        for version in self.versions():
            old = before.get(version.name)
            is_same_pod = old is not None and old.uid == version.uid
            if old is not None and self._bears(old) and not (is_same_pod and self._bears(version)):
                changes.append(self._change(version, old.uid, False))
            if self._bears(version) and not (is_same_pod and old is not None and self._bears(old)):
                changes.append(self._change(version, version.uid, True))
            before[version.name] = version
        return changes

    # Waiting

    def wait_for(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        """Looked at after each change. TimeoutError names what was waited for."""
        end = time.monotonic() + timeout * PATIENCE
        with self._changed:
            while not condition():
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    if condition():
                        return
                    raise TimeoutError(f"not within {timeout:g} s: {what}; labelled in "
                                       f"{self._name}: {self._labelled_names()}")

    def wait_for_label(self, pod: str, timeout: float, after: int = 0) -> PodVersion:
        """Until this pod, and no other, has the label; `after` a version. Which one did it."""
        self.wait_for(lambda: self._last > after and self._labelled_names() == [pod], timeout,
                      f"the label {self._label} is on {pod} alone")
        return self._since(pod)

    def wait_for_no_label(self, timeout: float) -> None:
        self.wait_for(lambda: not self._labelled_names(), timeout, f"no pod has {self._label}")

    def wait_for_version(self, version: int | str, timeout: float = 10.0) -> None:
        """Until all is known up to this version (of a pod of this namespace)."""
        self.wait_for(lambda: self._last >= int(version), timeout, f"version {version}")

    # The thread

    def _run(self) -> None:
        pause = 0.02
        while not self._stopping:
            self._here.wait()
            try:
                if self._watch():
                    pause = 0.02
                    continue
            except ApiFailure as failure:
                self._say(str(failure))
            except (OSError, http.client.HTTPException):
                pass  # it is down; that is nothing to be loud about
            self._reconnects += 1
            time.sleep(pause)
            pause = min(pause * 1.5, 0.3)
        self._client.close()

    def _watch(self) -> bool:
        """One watch, to its end; false where it broke."""
        stream = WatchStream(self._client, self._path, {
            "resourceVersion": self._last, "timeoutSeconds": _WATCH_SECONDS,
            "allowWatchBookmarks": "true"}, _SILENCE)
        self._stream = stream
        try:
            if self._stopping:
                return True
            for event in stream:
                if event["type"] == "ERROR":
                    self._catch_up(event["object"].get("message", "ERROR"))
                    return True
                self._note_event(event)
        finally:
            stream.close()
        return stream.whole

    def _note_event(self, event: Json) -> None:
        version = int(event["object"]["metadata"]["resourceVersion"])
        with self._changed:
            if event["type"] != "BOOKMARK":
                self._note(version, [self._pod_version(event["object"], version, event["type"],
                                                       "watch")])
            self._last = max(self._last, version)
            self._changed.notify_all()

    def _catch_up(self, why: str) -> None:
        """The watch cannot go on: asks for each version since, and for the newest."""
        listed = self._client.get(self._path)
        newest = int(listed["metadata"]["resourceVersion"])
        forgotten = ""
        if newest - self._last > _LONGEST_GAP:
            forgotten = f"{newest - self._last} versions are too many to ask for"
        known = self._last
        while not forgotten and known < newest - 1:
            answer = self._client.request("GET", self._path, query={
                "resourceVersion": known + 1, "resourceVersionMatch": "Exact"})
            if answer.code != 200:
                forgotten = answer.message
                break
            known += 1
            self._missed += 1
            self._note_list(known, answer.json["items"], "history")
        if forgotten:
            gap = Gap(known, newest, f"{why}; {forgotten}", time.time())
            self._say(f"GAP: nobody can tell what was between the versions {gap.after} and "
                      f"{gap.before}: {gap.why}")
            with self._changed:
                self._gaps.append(gap)
        self._note_list(newest, listed["items"], "list")

    def _note_list(self, version: int, items: list[Json], source: str) -> None:
        """All pods as they are at one version: what differs from before, at once."""
        with self._changed:
            present = {item["metadata"]["name"]: item for item in items}
            changes = []
            for name, old in self._pods.items():
                if name not in present:
                    changes.append(replace(old, version=version, type="DELETED", wall=time.time(),
                                           received=time.monotonic(), source=source))
            for name, item in present.items():
                known = self._pods.get(name)
                fresh = self._pod_version(item, version, "MODIFIED" if known else "ADDED", source)
                if known is None or _content(known) != _content(fresh):
                    changes.append(fresh)
            if changes:
                self._note(version, changes)
            self._last = max(self._last, version)
            self._changed.notify_all()

    def _note(self, version: int, changes: list[PodVersion]) -> None:
        position = bisect.bisect_left(self._moments, version, key=lambda moment: moment.version)
        if position < len(self._moments) and self._moments[position].version == version:
            return  # told of before a reconnect
        self._moments.insert(position, _Moment(version, changes))
        for change in changes:
            if change.type == "DELETED":
                self._pods.pop(change.name, None)
            else:
                self._pods[change.name] = change

    def _pod_version(self, item: Json, version: int, kind: str, source: str) -> PodVersion:
        metadata = item["metadata"]
        return PodVersion(
            version, kind, metadata["name"], metadata["uid"], metadata.get("labels", {}),
            metadata.get("annotations", {}), "deletionTimestamp" in metadata,
            _managers(metadata), time.time(), time.monotonic(), source)

    def _labelled_names(self) -> list[str]:
        return sorted(name for name, pod in self._pods.items() if self._bears(pod))

    def _bears(self, pod: PodVersion) -> bool:
        return pod.type != "DELETED" and pod.labels.get(self._label) == self._value

    def _change(self, version: PodVersion, uid: str, labelled: bool) -> LabelChange:
        manager = version.managers.get(self._label, "") if labelled else ""
        return LabelChange(version.version, version.name, uid, labelled, manager, version.wall,
                           version.received)

    def _since(self, pod: str) -> PodVersion:
        """The version at which the pod that has the label now got it."""
        changes = [change for change in self.label_changes()
                   if change.pod == pod and change.labelled]
        return next(version for version in self.versions(pod)
                    if version.version == changes[-1].version)

    def _say(self, text: str) -> None:
        print(f"watch of {self._name}: {text}", file=sys.stderr, flush=True)


def _content(pod: PodVersion) -> tuple[object, ...]:
    return pod.uid, pod.labels, pod.annotations, pod.terminating


def _managers(metadata: Json) -> dict[str, str]:
    return {key[2:]: entry.get("manager", "")
            for entry in metadata.get("managedFields", [])
            for key in entry.get("fieldsV1", {}).get("f:metadata", {}).get("f:labels", {})
            if key != "."}
