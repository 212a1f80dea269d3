"""A systemd of our own, with one service: process 1 of its own namespaces, below a cgroup of its own. Nothing of the
machine's own systemd, if there is one, takes part. Needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from lab.processes import Process, wait_until

_SYSTEMD = Path("/lib/systemd/systemd")
_TARGETS = ("basic", "network-online", "shutdown", "sysinit")
_TARGET = "[Unit]\nDefaultDependencies=no\n"

# $1: a folder that is to be seen as /usr/local, $2: the units. What systemd would change of the machine is out of its reach:
# /proc/sys is read-only, /run, /var/lib and /dev are its own. $3: a user that there is to be.
_BOOT = """
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount --bind "$1" /usr/local
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
for names in passwd group; do
  cp /etc/$names /run/$names
  sed -i "/^$3:/d" /run/$names
done
echo "$3:x:4242:4242::/:/usr/sbin/nologin" >>/run/passwd
echo "$3:x:4242:" >>/run/group
for names in passwd group; do mount --bind /run/$names /etc/$names; done
mkdir -p /run/units /run/dev/pts /run/dev/shm /run/dev/mqueue
cp "$2"/* /run/units/
for folder in /tmp /var/tmp; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
for device in null zero full random urandom tty; do
  : >/run/dev/$device
  mount --bind /dev/$device /run/dev/$device
done
mount -t devpts -o newinstance,ptmxmode=0666 devpts /run/dev/pts
ln -s pts/ptmx /run/dev/ptmx
mount --rbind /run/dev /dev
umount -R -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export container=lxc SYSTEMD_UNIT_PATH=/run/units
exec /lib/systemd/systemd --system --unit=try.target --show-status=no
"""


def why_not() -> str:
    """Why there can be none here; empty: there can."""
    if os.geteuid() != 0:
        return "only root can make namespaces"
    if not _SYSTEMD.exists():
        return "systemd is not installed"
    if _cgroups() is None:
        return "there is no cgroup2 to be had"
    return ""


def _cgroups() -> Path | None:
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(","):
            return Path(place)
    return None


class Systemd:
    def __init__(self, folder: Path, local: Path, unit: Path, user: str) -> None:
        """`local` is to be seen as /usr/local; the unit is started at once. `user`: its own."""
        units = folder / "units"
        units.mkdir()
        shutil.copy(unit, units)
        for name in _TARGETS:
            (units / f"{name}.target").write_text(_TARGET)
        (units / "try.target").write_text(f"{_TARGET}Wants={unit.name}\n")
        self._service = unit.name
        cgroups = _cgroups()
        assert cgroups is not None
        self._cgroup = cgroups / f"valkey-reconciler-{os.getpid()}"
        self._process = Process("systemd", [
            "bash", "-c", 'echo $$ >"$1"; shift; exec "$@"', "bash", self._cgroup / "cgroup.procs",
            "unshare", "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child",
            "bash", "-c", _BOOT, "bash", local, units, user,
        ], log=folder / "systemd.log")

    def __enter__(self) -> Systemd:
        self._cgroup.mkdir()
        self._process.start()
        wait_until(lambda: self.pid() != 0, 20.0, f"systemd is there: {self._process.log_tail()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        wait_until(self._cgroups_are_gone, 20.0, "what was below systemd has ended", 0.1)

    def pid(self) -> int:
        """Of systemd itself, as seen from here; 0: not there yet."""
        below = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in below:
            if Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                return int(pid)
        return 0

    def root(self) -> Path:
        return Path(f"/proc/{self.pid()}/root")

    def call(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Within it, such as systemctl."""
        return subprocess.run(["nsenter", "-t", str(self.pid()), "--mount", "--pid", *command],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def control(self, verb: str) -> subprocess.CompletedProcess[str]:
        return self.call("systemctl", verb, self._service)

    def state(self, *properties: str) -> dict[str, str]:
        said = self.call("systemctl", "show", self._service, "--property", ",".join(properties)).stdout
        return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)

    def wait_for(self, timeout: float = 30.0, **wanted: str) -> None:
        last: dict[str, str] = {}

        def is_so() -> bool:
            last.update(self.state(*wanted))
            return last == wanted

        try:
            wait_until(is_so, timeout, "", 0.1)
        except TimeoutError:
            raise TimeoutError(f"not {wanted} within {timeout:g} s but {last}: "
                               f"{self.control('status').stdout}") from None

    def _cgroups_are_gone(self) -> bool:
        for folder in sorted(self._cgroup.rglob("*"), reverse=True):
            if folder.is_dir():
                _remove(folder)
        _remove(self._cgroup)
        return not self._cgroup.exists()


def _remove(cgroup: Path) -> None:
    try:
        cgroup.rmdir()
    except OSError:
        pass  # somebody is still in it
