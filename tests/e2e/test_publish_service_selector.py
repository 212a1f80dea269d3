"""`publish = "service-selector"`: the Service's own selector is narrowed to the primary's pod."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e import publish_cases  # noqa: E402
from e2e.case import main  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP  # noqa: E402
from e2e.service_case import SERVICE, move_selector  # noqa: E402
from lab.kubernetes import Pod  # noqa: E402
from lab.service_watch import POD_NAME, STAMP  # noqa: E402


class ByServiceSelector(publish_cases.PublishCases):
    way = "service-selector"
    selector = {"app.kubernetes.io/name": "valkey"}

    def release(self) -> None:
        self.patch_service({"metadata": {"annotations": {STAMP: "released now"}}})

    def disturb(self) -> None:
        self.patch_service(move_selector("valkey-2"))

    def test_the_rest_of_the_selector_stays(self) -> None:
        self.lead_to(self.host(), 1, 0)
        self.assertEqual(self.service()["spec"]["selector"],
                         {"app.kubernetes.io/name": "valkey", POD_NAME: "valkey-0"})

    def test_a_withdrawn_primary_leaves_a_name_that_no_pod_can_have(self) -> None:
        host = self.host()
        self.lead_to(host, 1, 0)
        self.lead_to(host, 1, 0, step=1, suspected=True)
        self.assertEqual(self.service()["spec"]["selector"][POD_NAME], "NONE")

    def test_a_selector_that_somebody_widened_is_narrowed_again(self) -> None:
        self.lead_to(self.host(), 1, 0)
        version = self.patch_service(move_selector(None))["metadata"]["resourceVersion"]
        self.watch.wait_for(["valkey-0"], after=int(version))

    def test_a_service_without_a_selector_is_refused_until_it_has_one(self) -> None:
        self.patch_service({"spec": {"selector": None}})
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.wait("complete", outcome="rejected", text="has no selector of its own")
        host.wait("problem", id="service-without-selector", severity="blocking")
        mark = len(host.events)
        self.patch_service({"spec": {"selector": self.selector}})
        self.watch.wait_for(["valkey-0"])
        host.wait("problem_clear", id="service-without-selector", mark=mark)

    def test_a_pod_without_the_label_by_which_it_is_selected_is_no_pod(self) -> None:
        self.namespace.add_pod(Pod("valkey-9", "10.244.0.20"))
        self.namespace.remove_label("valkey-9", POD_NAME)
        host = self.host(no_match_after="300ms")
        self.lead_to(host, 1, 0)
        mark = host.apply(GROUP, 2, "10.244.0.20")
        host.wait("complete", outcome="rejected", mark=mark,
                  text=f"pod valkey-9 has no label {POD_NAME}")
        self.watch.wait_for([])  # after no_match_after the old one goes
        self.namespace.label("valkey-9", POD_NAME, "valkey-9")
        self.watch.wait_for(["valkey-9"])
        self.never_two()

    def test_a_pod_that_the_rest_of_the_selector_does_not_select_is_no_pod(self) -> None:
        self.namespace.label("valkey-0", "tier", "db")
        self.patch_service({"spec": {"selector": {"tier": "db"}}})
        host = self.host(no_match_after="300ms")
        self.lead_to(host, 1, 0)
        mark = host.apply(GROUP, 2, ADDRESSES[1])
        host.wait("problem", id="no-pod", severity="blocking", mark=mark,
                  text=f"pod valkey-1 has no label tier=db, by which Service "
                       f"{self.namespace.name}/{SERVICE} selects, too")
        self.watch.wait_for([])
        self.namespace.label("valkey-1", "tier", "db")
        self.watch.wait_for(["valkey-1"])
        host.wait("problem_clear", id="no-pod", mark=mark)
        self.never_two()

    def test_knows_the_primary_by_its_host_name(self) -> None:
        host = self.host()
        mark = host.apply(GROUP, 1, f"valkey-1.valkey.{self.namespace.name}.svc")
        host.applied(mark=mark)
        self.assertEqual(self.watch.wait_for(["valkey-1"]).object, "valkey")


if __name__ == "__main__":
    main()
