"""What every target that keeps one value for a group in a store must do, whatever the store."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.addresses import free_port  # noqa: E402
from lab.liar import NONSENSE, Liar  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.processes import Process, wait_until  # noqa: E402
from lab.tcp_proxy import TcpProxy  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

GROUP = "myprimary"
ADDRESSES = [f"10.0.0.{11 + index}" for index in range(3)]


class StoreServer(Protocol):
    process: Process
    port: int
    url: str

    def settings(self) -> dict[str, str | Path]: ...
    def start(self) -> None: ...
    def restart(self) -> None: ...
    def get(self, key: str) -> Any: ...
    def put(self, key: str, value: str) -> None: ...
    def delete(self, key: str) -> None: ...
    def version(self, key: str) -> int: ...


class StoreCase:
    """A class of tests has one server, and the key is gone at the begin of each."""

    plugin: str
    key = f"/valkey-reconciler/{GROUP}"
    template = "/valkey-reconciler/{group}"
    urls: str  # the setting with the servers' URLs
    server: StoreServer

    def setUp(self) -> None:
        self.folder = temporary_folder(self.plugin)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server.delete(self.key)

    def host(self, **settings: Any) -> PluginHost:
        given = {"key": self.template, "poll": "200ms", "timeout": "20s",
                 **self.server.settings(), **settings}
        return self.enterContext(PluginHost(self.plugin, [GROUP], **given))

    def apply(self, host: PluginHost, primary: str, epoch: int, *, step: int = 0,
              suspected: bool = False) -> str:
        """Gives the outcome."""
        mark = host.apply(GROUP, epoch, primary, step=step, suspected=suspected)
        return host.wait("complete", 20, mark=mark).outcome

    def says(self, primary: str | None, epoch: int, step: int = 0) -> None:
        value = self.server.get(self.key)
        self.assertEqual(value["primary"], {"host": primary, "port": 6379} if primary else None)
        self.assertEqual((value["group"], value["epoch"], value["step"]), (GROUP, epoch, step))

    def will_say(self, primary: str) -> None:
        def is_right() -> bool:
            value = self.server.get(self.key)
            return isinstance(value, dict) and value["primary"] == {"host": primary, "port": 6379}

        wait_until(is_right, 20, f"{self.key} names {primary}")

    def test_the_value_follows_the_primary(self) -> None:
        host = self.host()
        for number, address in enumerate(ADDRESSES):
            self.assertEqual(self.apply(host, address, 1 + number), "applied")
            self.says(address, 1 + number)

    def test_a_dry_run_writes_nothing_and_says_what_it_would(self) -> None:
        dry = self.host(dry_run=True)
        mark = dry.apply(GROUP, 1, ADDRESSES[0])
        end = dry.wait("complete", 20, mark=mark)
        self.assertEqual(end.outcome, "rejected")
        self.assertRegex(end.text, f"^dry run: would write .*: primary {ADDRESSES[0]}:6379$")
        self.assertIsNone(self.server.get(self.key))
        self.apply(self.host(), ADDRESSES[0], 1)
        dry.applied(20, mark=mark)  # it was seen
        version = self.server.version(self.key)
        mark = dry.apply(GROUP, 2, ADDRESSES[1])
        dry.wait("complete", 20, mark=mark, outcome="rejected", text=f"primary {ADDRESSES[1]}:6379")
        self.assertEqual(self.server.version(self.key), version)

    def test_the_value_holds_the_replicas(self) -> None:
        host = self.host()
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=[ADDRESSES[1]], down=[ADDRESSES[2]])
        host.applied(mark=mark)
        self.assertEqual(self.server.get(self.key)["replicas"], [
            {"host": ADDRESSES[1], "port": 6379, "healthy": True},
            {"host": ADDRESSES[2], "port": 6379, "healthy": False}])

    def test_two_that_see_other_replicas_do_not_fight(self) -> None:
        hosts = [self.host(), self.host()]
        for host, replica in zip(hosts, ADDRESSES[1:]):
            host.applied(20, mark=host.apply(GROUP, 1, ADDRESSES[0], replicas=[replica]))
        written = self.server.version(self.key)
        for host in hosts:
            mark = len(host.events)
            for _ in range(3):  # with each look at the value
                seen = host.wait("problem_clear", mark=mark, id="server-unreachable")
                mark = host.events.index(seen, mark) + 1
        self.assertEqual(self.server.version(self.key), written)

    def test_a_suspected_primary_is_withdrawn_and_restored(self) -> None:
        host = self.host()
        for step, suspected in enumerate((False, True, False)):
            self.assertEqual(
                self.apply(host, ADDRESSES[0], 5, step=step, suspected=suspected), "applied")
            self.says(None if suspected else ADDRESSES[0], 5, step)
            self.assertEqual(self.server.get(self.key)["state"], "suspected" if suspected else "known")

    def test_a_lower_epoch_that_arrives_late_changes_nothing(self) -> None:
        self.apply(self.host(), ADDRESSES[1], 7)
        late = self.host()
        self.assertEqual(self.apply(late, ADDRESSES[0], 6), "rejected")
        late.wait("problem", id="higher-decision", severity="blocking")
        self.says(ADDRESSES[1], 7)
        self.assertEqual(self.apply(late, ADDRESSES[0], 8), "applied")
        late.wait("problem_clear", id="higher-decision")

    def test_a_lower_epoch_that_names_the_same_primary_is_no_problem(self) -> None:
        self.apply(self.host(), ADDRESSES[1], 7)
        late = self.host()
        self.assertEqual(self.apply(late, ADDRESSES[0], 6), "rejected")
        mark = late.apply(GROUP, 6, ADDRESSES[1], step=2)
        self.assertEqual(late.wait("complete", 20, mark=mark).outcome, "applied")
        late.wait("problem_clear", mark=mark, id="higher-decision")
        self.says(ADDRESSES[1], 7)

    def test_an_epoch_that_json_does_not_hold_is_not_written(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[0], 1)
        self.assertEqual(self.apply(host, ADDRESSES[1], 2**53 + 1), "rejected")
        host.wait("problem", id="not-publishable", severity="blocking", text="JSON does not hold")
        self.says(ADDRESSES[0], 1)
        self.assertEqual(self.apply(host, ADDRESSES[1], 2), "applied")
        host.wait("problem_clear", id="not-publishable")

    def test_of_two_at_the_same_instant_the_higher_epoch_wins(self) -> None:
        hosts = [self.host(poll="60m"), self.host(poll="60m")]
        for epoch in range(1, 60, 2):
            order = hosts if epoch % 4 == 1 else hosts[::-1]
            numbers = [hosts.index(host) for host in order]
            marks = [host.apply(GROUP, epoch + number, ADDRESSES[number])
                     for number, host in zip(numbers, order)]
            for host, mark in zip(order, marks):
                host.wait("complete", 20, mark=mark)
            self.says(ADDRESSES[1], epoch + 1)
        self.assertGreater(sum(host.count("races_total") for host in hosts), 0)

    def test_what_is_right_already_is_left_alone(self) -> None:
        self.apply(self.host(), ADDRESSES[0], 1)
        again = self.host()
        self.assertEqual(self.apply(again, ADDRESSES[0], 1), "applied")
        self.assertEqual(again.count("updates_total"), 0)

    def test_what_somebody_else_changes_is_put_right(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[0], 1)
        for change in (lambda: self.server.delete(self.key), lambda: self.server.put(self.key, "scribbled")):
            mark = len(host.events)
            change()
            host.applied(mark=mark)
            self.says(ADDRESSES[0], 1)

    def test_the_decision_outlives_the_server(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[1], 7)
        host.kill()  # else it would put right what is lost
        self.server.restart()
        self.assertEqual(self.apply(self.host(), ADDRESSES[0], 6), "rejected")

    def test_news_while_the_server_is_away_are_applied_when_it_is_back(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[0], 1)
        self.server.process.kill()
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.wait("complete", mark=mark, outcome="retry")
        host.wait("problem", mark=mark, id="server-unreachable", severity="blocking")
        self.server.start()
        host.applied(20, mark=mark)
        self.says(ADDRESSES[1], 2)
        host.wait("problem_clear", mark=mark, id="server-unreachable")

    def test_a_server_that_is_frozen_gets_what_is_newest_when_it_goes_on(self) -> None:
        host = self.host(timeout="1s")
        host.applied(20, mark=host.apply(GROUP, 1, ADDRESSES[0]))
        self.server.process.pause()
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.wait("complete", mark=mark, outcome="retry", text="no answer within 1000 ms")
        mark = host.apply(GROUP, 3, ADDRESSES[2])
        host.wait("complete", mark=mark, outcome="retry")
        self.server.process.resume()
        self.will_say(ADDRESSES[2])

    def test_a_request_is_cancelled_while_the_server_hangs(self) -> None:
        host = self.host(timeout="60s")
        self.apply(host, ADDRESSES[0], 1)
        self.server.process.pause()
        self.addCleanup(self.server.process.resume)
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.cancel(GROUP)
        host.wait("complete", mark=mark, outcome="cancelled")
        self.server.process.resume()

    def test_the_next_server_is_asked_where_one_is_away(self) -> None:
        away = f"http://127.0.0.1:{free_port('127.0.0.1')}"
        host = self.host(**{self.urls: f"{away},{self.server.url}"})
        self.assertEqual(self.apply(host, ADDRESSES[0], 1), "applied")

    def test_the_next_server_is_asked_where_one_is_out_of_order(self) -> None:
        liar = self.enterContext(Liar())
        for epoch, answer in enumerate(((429, b""), (500, b"no"), (503, b""), (200, b"x" * 5_000_000)), 1):
            with self.subTest(answer[0]):
                liar.answer = answer
                host = self.host(**{self.urls: f"{liar.url},{self.server.url}"})
                self.assertEqual(self.apply(host, ADDRESSES[epoch % 3], epoch), "applied")
                self.says(ADDRESSES[epoch % 3], epoch)

    def test_nonsense_is_no_answer(self) -> None:
        liar = self.enterContext(Liar())
        host = self.host(eager=False, **{self.urls: liar.url, "poll": "60m"})
        for epoch, liar.answer in enumerate(NONSENSE, 1):
            with self.subTest(status=liar.answer[0], body=liar.answer[1][:40]):
                self.assertEqual(self.apply(host, ADDRESSES[0], epoch), "retry")
        host.wait("problem", id="server-unreachable", severity="blocking")
        self.assertEqual(host.count("updates_total"), 0)

    def test_what_nobody_settles_is_settled_after_a_while(self) -> None:
        self.apply(self.host(), ADDRESSES[0], 5, step=1, suspected=True)
        host = self.host()
        mark = host.apply(GROUP, 5, ADDRESSES[0])
        self.assertEqual(host.wait("complete", mark=mark).outcome, "rejected")
        host.applied(40, mark=mark)
        self.says(ADDRESSES[0], 5, 2)


class PlainStoreCase(StoreCase):
    """Without TLS: what is said to the server can be held up on its way."""

    words_of_write: bytes

    def setUp(self) -> None:
        super().setUp()
        self.proxy = self.enterContext(TcpProxy(self.server.port))

    def behind_proxy(self, **settings: Any) -> PluginHost:
        return self.host(**{self.urls: f"http://127.0.0.1:{self.proxy.port}", **settings})

    def test_that_the_server_goes_away_at_rest_is_logged_once(self) -> None:
        host = self.host()
        self.apply(host, ADDRESSES[0], 1)
        mark = len(host.events)
        self.server.process.kill()
        warnings = host.told_at_rest("server-unreachable", mark)
        self.server.start()
        self.assertEqual(len(warnings), 1, warnings)

    def test_a_server_that_dies_between_read_and_write_is_written_when_it_is_back(self) -> None:
        host = self.behind_proxy()
        self.apply(host, ADDRESSES[0], 1)
        came = self.proxy.hold_back(self.words_of_write)
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        self.assertTrue(came.wait(20))
        self.server.process.kill()
        host.wait("complete", mark=mark, outcome="retry")
        self.server.start()
        host.applied(20, mark=mark)
        self.says(ADDRESSES[1], 2)

    def test_a_write_whose_answer_is_lost_is_found_done(self) -> None:
        host = self.behind_proxy()
        self.apply(host, ADDRESSES[0], 1)
        came = self.proxy.hold_answers_to(self.words_of_write)
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        self.assertTrue(came.wait(20))
        self.will_say(ADDRESSES[1])
        self.server.restart()
        host.wait("complete", mark=mark, outcome="retry")
        host.applied(20, mark=mark)
        self.says(ADDRESSES[1], 2)
        self.assertEqual(host.count("updates_total"), 1)

    def test_a_write_that_arrives_after_its_request_was_given_up_is_taken_back(self) -> None:
        host = self.behind_proxy()
        host.applied(20, mark=host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:2]))
        came = self.proxy.hold_back(self.words_of_write)
        mark = host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:])
        self.assertTrue(came.wait(20))
        host.cancel(GROUP)
        host.wait("complete", 20, mark=mark, outcome="cancelled")
        host.applied(20, mark=host.apply(GROUP, 1, ADDRESSES[0], replicas=ADDRESSES[1:2]))
        mark = len(host.events)
        self.proxy.let_go()
        host.applied(20, mark=mark)
        self.assertEqual([each["host"] for each in self.server.get(self.key)["replicas"]],
                         ADDRESSES[1:2])

    def test_a_write_that_arrives_after_a_higher_one_changes_nothing(self) -> None:
        late = self.behind_proxy()
        self.apply(late, ADDRESSES[0], 1)
        came = self.proxy.hold_back(self.words_of_write)
        mark = late.apply(GROUP, 2, ADDRESSES[1])
        self.assertTrue(came.wait(20))
        self.assertEqual(self.apply(self.host(), ADDRESSES[2], 3), "applied")
        self.proxy.let_go()
        self.assertEqual(late.wait("complete", 20, mark=mark).outcome, "rejected")
        self.says(ADDRESSES[2], 3)
