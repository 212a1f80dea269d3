"""The plugin interface as an outsider finds it: installed, found by pkg-config, and the same for a plugin of before and after its
structs have grown."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.plugin_host import PluginHost  # noqa: E402
from lab.processes import stop_on_signals  # noqa: E402
from lab.program import build_folder  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
HEADER = PLUGINS / "valkey_reconciler_plugin.h"
EXAMPLE = PLUGINS / "example" / "announce.c"
FIRST = Path(__file__).resolve().parents[1] / "abi"
LATER = build_folder() / "tests" / "later"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
GROUP = "myprimary"


def run(*argv: str | Path, **keys: object) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, **keys)  # type: ignore[call-overload]
    if done.returncode != 0:
        raise AssertionError(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return str(done.stdout)


class ContractCase(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = temporary_folder("contract")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def built(self, name: str, source: Path, flags: list[str], compiler: str = "cc") -> Path:
        """As the page tells it, and with all warnings."""
        plugin = self.folder / f"{name}.so"
        run(*compiler.split(), *STRICT, *flags, "-shared", "-fPIC", source, "-o", plugin)
        return plugin

    def check_works(self, plugin: Path, host_program: Path | None = None) -> None:
        """Announces a failover to a listener that fences."""
        path = self.folder / "listener"
        path.unlink(missing_ok=True)
        heard: list[str] = []
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()

            def listen() -> None:
                for answer in (b"ok", b"no", b""):
                    with listener.accept()[0] as connection:
                        heard.append(connection.makefile().readline())
                        connection.sendall(answer)

            thread = threading.Thread(target=listen, daemon=True)
            thread.start()
            with PluginHost(str(plugin), [GROUP], program=host_program, eager=False,
                            path=path) as host:
                for epoch, outcome, reason in ((5, "applied", ""), (4, "rejected", "higher decision"),
                                               (6, "retry", "no answer")):
                    mark = host.apply(GROUP, epoch, f"10.0.0.{epoch}", suspected=epoch == 6)
                    end = host.wait("complete", mark=mark)
                    self.assertEqual(end.outcome, outcome)
                    self.assertIn(reason, end.text)
                thread.join(10)
                self.assertEqual(host.close(), 0)
        self.assertEqual(heard, [f"{GROUP} 0 5 0 10.0.0.5 6379\n", f"{GROUP} 0 4 0 10.0.0.4 6379\n",
                                 f"{GROUP} 0 6 0 - 0\n"])

    def describe(self, plugin: Path, labeler: Path | None = None) -> str:
        ours = build_folder() / "libexec" / "valkey-reconciler" / "labeler"
        return run(labeler or ours, "--describe", plugin)


class Outside(ContractCase):
    def test_the_example_is_short(self) -> None:
        self.assertLess(len(EXAMPLE.read_text().splitlines()), 80)

    def test_it_is_built_with_pkg_config_from_what_is_installed_and_works(self) -> None:
        prefix = self.folder / "prefix"
        run("cmake", "--install", build_folder() / "plugins", "--prefix", prefix)
        found = next(prefix.glob("lib*/**/pkgconfig"))
        flags = run("pkg-config", "--cflags", "valkey-reconciler-plugin",
                    env={**os.environ, "PKG_CONFIG_PATH": str(found)}).split()
        source = self.folder / "announce.c"
        shutil.copy(EXAMPLE, source)
        for compiler in ("cc", "cc -std=c11 -D_DEFAULT_SOURCE -D_GNU_SOURCE"):
            plugin = self.built("announce", source, flags, compiler)
            self.assertIn('"plugin":"announce"', self.describe(plugin))
            self.check_works(plugin)

    def test_a_socket_path_that_is_too_long_is_refused(self) -> None:
        plugin = self.built("announce", EXAMPLE, [f"-I{PLUGINS}"])
        with PluginHost(str(plugin), [GROUP], path="/" + "x" * 200) as host:
            host.wait("refused", text="is too long for a Unix socket")

    def test_a_listener_that_is_not_there_is_tried_again(self) -> None:
        plugin = self.built("announce", EXAMPLE, [f"-I{PLUGINS}"])
        with PluginHost(str(plugin), [GROUP], eager=False, path=self.folder / "nobody") as host:
            end = host.wait("complete", mark=host.apply(GROUP, 5, "10.0.0.5"))
        self.assertEqual((end.outcome, end.text), ("retry", "No such file or directory"))


class Languages(ContractCase):
    def test_the_header_is_c11_and_later_and_cpp20(self) -> None:
        source = self.folder / "header.c"
        source.write_text('#include "valkey_reconciler_plugin.h"\nint unused;\n')
        for compiler in ("cc -std=c11 -x c", "cc -std=c17 -x c", "cc -std=c2x -x c",
                         "c++ -std=c++20 -x c++", "c++ -std=c++23 -x c++"):
            with self.subTest(compiler):
                run(*compiler.split(), *STRICT, f"-I{PLUGINS}", "-c", source, "-o", os.devnull)

    def test_no_exception_of_a_cpp_plugin_crosses_the_border(self) -> None:
        source = Path(__file__).parent / "plugins" / "throwing.cpp"
        plugin = self.built("throwing", source, [f"-I{PLUGINS}"], "c++ -std=c++20")
        with PluginHost(str(plugin), [GROUP], place="create") as host:
            host.wait("refused", text="thrown in create")
        for place in ("apply", "cancel", "check", "order", "timer", "watch"):
            with self.subTest(place), PluginHost(str(plugin), [GROUP], place=place) as host:
                host.apply(GROUP, 5, "10.0.0.5")
                host.cancel(GROUP)
                host.check()
                host.ask("pause", GROUP)
                host.wait("log", level="error", text=f"the plugin threw thrown in {place}")
                self.assertEqual(host.close(), -6)


class Growth(ContractCase):
    """Plugins and hosts that were built against the first release's header (tests/abi), today's, and a later one."""

    def plugin(self, headers: Path) -> Path:
        return self.built("announce", EXAMPLE, ["-Wno-missing-field-initializers", f"-I{headers}"])

    def test_a_plugin_of_the_first_header_works_today(self) -> None:
        plugin = self.plugin(FIRST)
        self.assertIn('"plugin":"announce"', self.describe(plugin))
        self.check_works(plugin)

    def test_a_plugin_of_the_first_header_works_in_a_later_host(self) -> None:
        plugin = self.plugin(FIRST)
        self.assertIn('"plugin":"announce"', self.describe(plugin, LATER / "labeler"))
        self.check_works(plugin, LATER / "plugin_host")

    def test_a_plugin_of_a_later_header_works_today(self) -> None:
        plugin = self.plugin(LATER)
        self.assertIn('"plugin":"announce"', self.describe(plugin))
        self.check_works(plugin)

    def test_the_later_header_is_another_one(self) -> None:
        size = self.folder / "size.c"
        size.write_text(f'#include <stdio.h>\n#include "{HEADER.name}"\n'
                        'int main(void) { printf("%zu", sizeof(vr_plugin) + sizeof(vr_topology)); }\n')
        sizes = []
        for headers in (FIRST, LATER):
            run("cc", f"-I{headers}", size, "-o", self.folder / "size")
            sizes.append(int(run(self.folder / "size")))
        self.assertEqual(sizes[1] - sizes[0], 6 * 8)


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
