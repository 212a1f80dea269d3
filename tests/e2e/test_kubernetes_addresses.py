"""An API server whose name has several addresses, of which one does not do its work: the plugin
`kubernetes` goes on by another one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import SKIPPED, main  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP, PluginCase  # noqa: E402
from lab.addresses import AddressBlock  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.tcp_proxy import TcpProxy  # noqa: E402

PRIVATE = "RECONCILER_PRIVATE_NAMES"
NAME = "api.reconciler.test"
TIMEOUT = 2.0  # of one request


class SeveralAddresses(PluginCase):
    """Which one is tried first is the resolver's choice: each of them fails in its turn."""

    def setUp(self) -> None:
        super().setUp()
        block = AddressBlock()
        self.addCleanup(block.close)
        self.addresses = [block.address(last) for last in (1, 2)]
        self.port = block.free_port(self.addresses)
        self.target = int(self.kubernetes.url.rpartition(":")[2])
        hosts = "127.0.0.1 localhost\n" + "".join(f"{each} {NAME}\n" for each in self.addresses)
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "hosts").write_text(hosts)
        subprocess.run(["mount", "--bind", folder / "hosts", "/etc/hosts"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/hosts"], check=True)
        file = self.namespace.kubeconfig()
        file.write_text(file.read_text().replace(
            f'server: "{self.kubernetes.url}"',
            f'server: "https://{NAME}:{self.port}", tls-server-name: localhost'))
        self.kubeconfig = file

    def start(self) -> PluginHost:
        return self.enterContext(PluginHost("kubernetes", [GROUP], kubeconfig=self.kubeconfig,
                                            request_timeout=f"{int(TIMEOUT * 1000)}ms"))

    def check_goes_on(self, host: PluginHost, epoch: int, within: float) -> None:
        started = time.time()
        mark = host.apply(GROUP, epoch, ADDRESSES[epoch % 3])
        done = host.applied(within + 10, mark)
        self.assertLess(done.time - started, within, host.story(mark))
        self.assertEqual(self.namespace.labelled(), [f"valkey-{epoch % 3}"])

    def test_one_that_refuses(self) -> None:
        for epoch, address in enumerate(self.addresses, start=1):
            with self.subTest(address), TcpProxy(self.target, (address, self.port)):
                self.check_goes_on(self.start(), epoch, 5)

    def test_one_that_does_not_answer_a_connection(self) -> None:
        for epoch, address in enumerate(self.addresses, start=1):
            other = self.addresses[epoch % 2]
            with self.subTest(address), TcpProxy(self.target, (other, self.port)), \
                    full_listener(address, self.port):
                self.check_goes_on(self.start(), epoch, 3 * TIMEOUT + 3)

    def test_one_that_takes_connections_and_says_nothing(self) -> None:
        for epoch, address in enumerate(self.addresses, start=1):
            other = self.addresses[epoch % 2]
            with self.subTest(address), TcpProxy(self.target, (other, self.port)), \
                    socket.create_server((address, self.port)):
                self.check_goes_on(self.start(), epoch, 3 * TIMEOUT + 3)

    def test_the_one_in_use_becomes_silent(self) -> None:
        with TcpProxy(self.target, (self.addresses[0], self.port)) as first, \
                TcpProxy(self.target, (self.addresses[1], self.port)) as second:
            host = self.start()
            self.check_goes_on(host, 1, 5)
            epoch = 1
            for silent, other in ((first, second), (second, first)):
                epoch += 1
                other.wake()
                silent.freeze()
                self.check_goes_on(host, epoch, 3 * TIMEOUT + 3)
        self.never_two()

    def test_a_name_server_that_does_not_answer_holds_nobody_up(self) -> None:
        silent = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind((self.addresses[0], 53))
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "resolv.conf").write_text(f"nameserver {self.addresses[0]}\n")
        subprocess.run(["mount", "--bind", folder / "resolv.conf", "/etc/resolv.conf"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/resolv.conf"], check=True)
        self.kubeconfig.write_text(self.kubeconfig.read_text().replace(NAME, "elsewhere.test"))
        host = self.start()
        started = time.time()
        mark = host.apply(GROUP, 1, ADDRESSES[1])
        for attempt in (1, 2):  # a lookup ends after ten seconds
            told = host.wait("complete", outcome="retry", mark=mark)
            self.assertLess(told.time - started, attempt * (2 * TIMEOUT + 1), host.story(mark))
            mark = host.events.index(told) + 1

    def test_a_single_address_that_timed_out_is_used_again(self) -> None:
        with TcpProxy(self.target, (self.addresses[0], self.port)) as only:
            host = self.start()
            self.check_goes_on(host, 1, 5)
            only.silence()
            self.check_goes_on(host, 2, 2 * TIMEOUT + 3)


class full_listener:
    """A server that is there, but takes no connection: its queue is full."""

    def __init__(self, address: str, port: int) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((address, port))
        self._listener.listen(0)
        self._waiting: list[socket.socket] = []

    def __enter__(self) -> full_listener:
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(self._listener.getsockname())
            self._waiting.append(waiting)
        time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        for each in [*self._waiting, self._listener]:
            each.close()


def in_private_mounts() -> None:
    """Again in a mount namespace of its own: then nothing is left behind whatever happens."""
    if PRIVATE in os.environ:
        return
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        print("skipped: private host names need a mount namespace, and that needs root")
        sys.exit(SKIPPED)
    os.environ[PRIVATE] = "1"
    os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])


if __name__ == "__main__":
    in_private_mounts()
    main()
