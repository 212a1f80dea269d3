"""Each box of each page is what it says: a configuration is accepted, a command has its script and its options, JSON and
YAML can be read; what is left is listed here, with who runs it or why nobody does. Each file and heading that a page
leads to is there, and so is each variable that it names.

A box of TOML may be a part of a configuration. Without any table it has keys of the plugin in whose folder the page is."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.pages import ROOT, Box, anchors, boxes, code, links, pages  # noqa: E402
from lab.program import build_folder  # noqa: E402

T = TypeVar("T")
SENTINEL = '[[sentinel]]\nname = "main"\naddresses = ["127.0.0.1:26379"]\n[[sentinel.group]]\nname = "myprimary"\n'
TARGET = '[[target]]\nname = "other"\nplugin = "file"\ndirectory = "/run"\n'

# Commands that are run elsewhere: how they begin, the file that runs them, and what stands in it.
RUN_ELSEWHERE = {
    "kubectl -n shop": ("tests/e2e/test_manifests.py", "readme_commands()"),
    "kubectl annotate pod": ("tests/e2e/test_manifests.py", '"kubectl annotate pod"'),
    "packaging/image/try.sh": ("tests/lab/image.py", "try.sh"),
    "cmake --install build-package": (".ci/run", "cmake --install build-package"),
    "systemd-sysusers": (".ci/run", "systemd-sysusers"),
    "cmake -B build-pauses": (".ci/run", "-DRECONCILER_PAUSES=ON"),
    "cc $(pkg-config": ("tests/process/test_plugin_contract.py", '"pkg-config", "--cflags", "valkey-reconciler-plugin"'),
    "labeler --describe": ("tests/process/test_commented_targets.py", '"--describe"'),
    "promtool check rules": ("tests/process/test_alert_rules.py", '"check", "rules"'),
    "promtool test rules": ("tests/process/test_alert_rules.py", '"test", "rules"'),
    "systemctl reload valkey-reconciler": ("tests/process/test_service.py", 'control("reload")'),
}
# Nobody runs these: how they begin, and why.
NOT_RUN = {
    "apt install": "it would install; .ci/run unpacks the package and runs what is in it",
    "systemctl daemon-reload": "of the machine's own systemd",
    "systemctl enable --now": "for good, at the machine's own systemd; tests/process/test_service.py has one of its own",
}
# Boxes that are neither command nor configuration of ours: how they begin, and what they are.
SHOWN = {
    "Sentinels ──►": "the picture",
    "2026-11-": "a line of the log",
    "valkey-reconciler.io/stamp: v1": "a stamp",
    "-@all ": "rules of an ACL, which the tests' Sentinels are given by lab/rights.py",
    "global\n    stats socket": "HAProxy's own configuration, which HAProxy checks below",
    "key reconciler {": "BIND's own configuration; lab/name_servers.py writes the like",
    "key:\n  - id: reconciler": "Knot's own configuration, which Knot checks below",
    "<master-name> leader start": "arguments that a program is given",
}
# Paths of other trees than this one, and patterns.
OTHER_PATHS = re.compile(r"/|~|https?:|.*[*{<$…]|libexec/|lib/|proc\.|.*\.(so|conf)$|v1/")


def executable() -> str:
    return str(build_folder() / "bin" / "valkey-reconciler")


def all_boxes(*languages: str) -> list[Box]:
    return [box for page in pages() for box in boxes(page) if box.language in languages]


def begins(text: str, known: Mapping[str, T]) -> T | None:
    return next((known[start] for start in known if text.startswith(start)), None)


def commands(box: Box) -> list[list[str]]:
    """Each one as words; what stands before it (`NAME=value`) is left out."""
    found = []
    for line in box.text.splitlines():
        for command in re.split(r" && | \| ", re.sub(r"\s+# .*", "", line)):
            words = shlex.split(command)
            while words and re.match(r"[A-Z_]+=", words[0]):
                words.pop(0)
            found.append(words)
    return found


def completed(box: Box) -> str:
    text = box.text
    if not re.search(r"^\[", text, re.MULTILINE):
        head = f'[[target]]\nname = "part"\nplugin = "{box.page.parent.name}"\n'
        return SENTINEL + head + text
    if "[[target]]" not in text:
        text += TARGET
    return text if "[[sentinel]]" in text else SENTINEL + text


@cache
def help_of(*subcommand: str) -> str:
    done = subprocess.run([executable(), *subcommand, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


@cache
def text_of(script: Path) -> str:
    """With that of the modules beside it and of the lab, which read options for many."""
    text = script.read_text()
    for name in set(re.findall(r"^\s*(?:from|import) (?:lab\.)?(\w+)", text, re.MULTILINE)):
        for beside in (script.parent / f"{name}.py", ROOT / "tests" / "lab" / f"{name}.py"):
            text += beside.read_text() if beside.is_file() else ""
    return text


class Boxes(unittest.TestCase):
    def test_each_has_a_language_that_is_looked_at_here(self) -> None:
        for page in pages():
            for box in boxes(page):
                self.assertIn(box.language, ("", "toml", "json", "yaml", "sh"), str(box))

    def test_each_configuration_is_accepted(self) -> None:
        def check(box: Box) -> str:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "part.toml"
                file.write_text(completed(box))
                done = subprocess.run([executable(), "check", "--config", file], env={"PATH": os.environ["PATH"]},
                                      capture_output=True, text=True)
            return "" if done.returncode == 0 else f"{box}: {done.stderr}"

        parts = all_boxes("toml")
        self.assertGreater(len(parts), 8)
        with ThreadPoolExecutor(2) as several:
            self.assertEqual([fault for fault in several.map(check, parts) if fault], [])

    def test_other_servers_accept_what_they_are_to_be_given(self) -> None:
        # Where tests/servers.sh has put them on PATH.
        checks = {
            "global": (["haproxy", "-c", "-f", "FILE"], " group valkey-reconciler", ""),  # there is no such group here
            "key:": (["knotc", "-c", "FILE", "conf-check"], "...", "c2VjcmV0"),
        }
        for box in all_boxes(""):
            for start, (check, placeholder, real) in checks.items():
                if not box.text.startswith(start) or shutil.which(check[0]) is None:
                    continue
                with self.subTest(str(box)), tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
                    self.assertIn(placeholder, box.text)
                    file.write(box.text.replace(placeholder, real))
                    file.flush()
                    done = subprocess.run([word.replace("FILE", file.name) for word in check], capture_output=True, text=True)
                    self.assertEqual((done.returncode, "WARNING" in done.stderr), (0, False), done.stderr)

    def test_each_document_can_be_read(self) -> None:
        for box in all_boxes("json"):
            with self.subTest(str(box)):
                json.loads(box.text)
        import yaml
        for box in all_boxes("yaml"):
            with self.subTest(str(box)):
                self.assertIsInstance(yaml.safe_load(box.text), dict)

    def test_each_command_has_its_program_and_options_or_is_run_elsewhere(self) -> None:
        count = 0
        for box in all_boxes("", "sh"):
            if box.language == "" and begins(box.text, SHOWN):
                continue
            for words in commands(box):
                with self.subTest(f"{box}: {' '.join(words)}"):
                    self.check_command(words)
                    count += 1
        self.assertGreater(count, 50)

    def test_nothing_is_listed_that_no_page_has(self) -> None:
        texts = [box.text for box in all_boxes("")]
        lines = [" ".join(words) for box in all_boxes("", "sh") if not begins(box.text, SHOWN) for words in commands(box)]
        for start in SHOWN:
            self.assertTrue(any(text.startswith(start) for text in texts), start)
        for start in (*RUN_ELSEWHERE, *NOT_RUN):
            self.assertTrue(any(line.startswith(start) for line in lines), start)

    def check_command(self, words: list[str]) -> None:
        first = words[0]
        if first.removeprefix("build/bin/") == "valkey-reconciler":
            return self.check_own(words[1:])
        if elsewhere := begins(" ".join(words), RUN_ELSEWHERE):
            return self.assertIn(elsewhere[1], (ROOT / elsewhere[0]).read_text())
        script = words[1] if first in ("bash", "python3") else first
        if re.match(r"(packaging|tests)/", script):
            self.assertTrue((ROOT / script).is_file(), script)
            if script == first:
                self.assertTrue(os.access(ROOT / script, os.X_OK), f"{script} can't be run")
            for option in words:
                if option.startswith("--"):
                    self.assertRegex(text_of(ROOT / script), rf"{option}(?![\w-])")
            return
        self.assertIsNotNone(begins(" ".join(words), NOT_RUN), "nobody runs it")

    def check_own(self, words: list[str]) -> None:
        """Only what it says of itself: what the commands do is tested where they are."""
        subcommands = re.findall(r"^  ([a-z]+)  ", help_of().split("Subcommands:")[1], re.MULTILINE)
        chosen = [word for word in words[:1] if not word.startswith("-")]
        self.assertLessEqual(set(chosen), set(subcommands))
        for option in words:
            if option.startswith("--"):
                self.assertRegex(help_of() + help_of(*chosen), rf"{option}(?![\w-])")


class Places(unittest.TestCase):
    def test_each_link_leads_to_a_file_and_a_heading(self) -> None:
        count = 0
        for page in pages():
            for link in links(page):
                if re.match(r"https?:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = (page.parent / path) if path else page
                with self.subTest(f"{page.relative_to(ROOT)}: {link}"):
                    self.assertTrue(target.exists(), "there is no such file")
                    if anchor:
                        self.assertIn(anchor, anchors(target))
                count += 1
        self.assertGreater(count, 50)

    def test_each_path_in_code_is_there(self) -> None:
        folders = {entry.name for entry in ROOT.iterdir() if entry.is_dir() and not entry.name.startswith("build")}
        count = 0
        for page in pages():
            for span in code(page):
                path = span.split(" ")[-1] if span.startswith(("bash ", "python3 ")) else span
                if not re.fullmatch(r"[\w.+-]+(/[\w.+-]+)+/?", path) or OTHER_PATHS.match(path):
                    continue
                if path.startswith("build") or path.split("/")[0] not in {*folders, ".."} and not re.search(r"\.(md|py|sh|cpp|hpp|h|c|toml|yaml)$|/$", path):
                    continue
                with self.subTest(f"{page.relative_to(ROOT)}: {path}"):
                    around = (ROOT, page.parent, page.parent.parent, ROOT / "tests")
                    # A source may be named without its ending.
                    self.assertTrue(any((folder / path).exists() or [*(folder / path).parent.glob(f"{Path(path).name}.*")]
                                        for folder in around), "it is not there")
                count += 1
        self.assertGreater(count, 40)

    def test_each_variable_is_one_that_the_sources_know(self) -> None:
        sources = "".join(file.read_text() for folder in ("common", "supervisor", "plugins", "tests")
                          for file in (ROOT / folder).rglob("*") if file.suffix in (".cpp", ".h", ".py", ".sh"))
        for page in pages():
            for name in set(re.findall(r"\b(?:VALKEY|RECONCILER|MASTER_POD|POD|KUBERNETES)_[A-Z_]+\b", page.read_text())):
                with self.subTest(f"{page.relative_to(ROOT)}: {name}"):
                    self.assertRegex(sources, rf"\b{name}\b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
