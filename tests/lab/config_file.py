"""How configuration files come to be changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def replace_by_rename(file: Path, text: str) -> None:
    """As most editors and `kubectl cp` do: another inode, at once."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(text)
    fresh.rename(file)


class ConfigMapFolder:
    """A folder as the kubelet makes and updates it (its AtomicWriter): each file is a link to `..data/NAME`,
    `..data` a link to a folder of this version, and an update swaps that link by a rename."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._version = 0

    def update(self, files: Mapping[str, str]) -> None:
        data = self._folder / "..data"
        before = self._folder / os.readlink(data) if data.is_symlink() else None
        self._version += 1
        version = self._folder / f"..2026_11_26_12_00_00.{self._version:09}"
        version.mkdir(mode=0o755)
        for name, text in files.items():
            (version / name).write_text(text)
        fresh = self._folder / "..data_tmp"
        fresh.symlink_to(version.name)
        fresh.rename(data)
        for name in files:
            link = self._folder / name
            if not link.is_symlink():
                fresh = self._folder / f"{name}.link"
                fresh.symlink_to(f"..data/{name}")
                fresh.rename(link)
        if before is not None:
            shutil.rmtree(before)
