"""A process of this measurement, told what to do by lines of JSON; it answers each by one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab.processes import die_with_parent


class Child:
    """Owned by whoever made it, in a thread that lives as long. Its first line are the settings; it ends when its
    input does. What it says on standard error is for people."""

    def __init__(self, script: str, settings: Any) -> None:
        self._script = script
        self._popen = subprocess.Popen(
            [sys.executable, Path(__file__).with_name(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(),
            process_group=0,  # Ctrl-C is for whoever runs this
        )
        self.first_answer = self.ask(settings)

    def ask(self, question: Any) -> Any:
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._popen.stdin.write(json.dumps(question) + "\n")
        self._popen.stdin.flush()
        if not (answer := self._popen.stdout.readline()):
            raise RuntimeError(f"{self._script} ended with status {self._popen.wait(10)}")
        return json.loads(answer)

    def close(self) -> None:
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._popen.stdin.close()
        self._popen.wait(10)
        self._popen.stdout.close()
