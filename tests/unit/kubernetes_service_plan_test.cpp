// What is to be written where one object publishes a group: an EndpointSlice, or the Service's selector.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kubernetes/service_patch.h"
#include "plugins/kubernetes/service_plan.h"
#include "plugins/kubernetes/slice_content.h"

namespace reconciler {
namespace {

using testing::HasSubstr;
using Verdict = ServicePlan::Verdict;

// Pods `a`, `b`, `c` with the addresses 10.0.0.1 to 3, a Service, and what a case puts on its one object.
class KubernetesServicePlan : public testing::TestWithParam<bool> {
 protected:
  KubernetesServicePlan() {
    for (const char* name : {"a", "b", "c"}) {
      Pod pod;
      pod.name = name;
      pod.uid = std::string("uid-") + name;
      pod.node = std::string("node-") + name;
      pod.addresses = {"10.0.0." + std::to_string(pods_.size() + 1)};
      pod.labels = {{"app", "valkey"}, {pod_name_label, name}};
      pod.named_ports = {{"valkey", 6379}};
      pod.ready = true;
      pods_.emplace(name, pod);
    }
    service_.name = "valkey";
    service_.uid = "uid-service";
    service_.ports = {{"valkey", "TCP", 6379, 6379, "", ""}};
    if (!by_slice()) service_.selector = {{"app", "valkey"}};
  }

  static bool by_slice() { return GetParam(); }
  static std::string host_of(const std::string& pod) {
    return "10.0.0." + std::to_string(pod[0] - 'a' + 1);
  }
  static Wanted wanted(Decision decision, const std::string& pod, bool withdrawn = false) {
    Wanted result;
    result.group = "g";
    result.host = host_of(pod);
    result.port = 6379;
    result.claim = {decision, result.host + ":6379"};
    result.withdrawn = withdrawn;
    return result;
  }

  ServiceView view() const {
    ServiceView view;
    view.pod_namespace = "shop";
    view.service_name = "valkey";
    view.service = exists_ ? &service_ : nullptr;
    view.slices = &slices_;
    view.pods = &pods_;
    return view;
  }
  ServicePlan plan(const Wanted& asked) const {
    return by_slice() ? plan_slice(asked, view()) : plan_selector(asked, view());
  }
  ServicePlan plan(uint64_t epoch, const std::string& pod, uint32_t step = 0,
                   bool withdrawn = false) const {
    return plan(wanted({0, epoch, step}, pod, withdrawn));
  }
  static std::string published(const ServicePlan& plan) {
    if (!by_slice()) return plan.pod_name;
    return plan.content.endpoints.empty() ? nobody : plan.content.endpoints[0].pod;
  }

  // As the write that a plan asks for leaves the object.
  void written(const ServicePlan& plan, const Claim& claim, const std::string& group = "g") {
    const StampReading stamp = read_stamp(format_stamp({claim, plan.kind, 7, group}));
    if (!by_slice()) {
      service_.selector[pod_name_label] = plan.pod_name;
      service_.stamp = stamp;
      return;
    }
    Slice& slice = slices_[slice_name("valkey")];
    slice.name = slice_name("valkey");
    slice.uid = "uid-slice";
    slice.service = "valkey";
    slice.managed_by = managed_by_us;
    slice.owner_uid = service_.uid;
    slice.content = plan.content;
    slice.stamp = stamp;
  }
  void published_by(const Wanted& asked) { written(plan(asked), asked.claim); }

  StampReading& stamp() {
    return by_slice() ? slices_.at(slice_name("valkey")).stamp : service_.stamp;
  }
  void lead_elsewhere() {
    if (by_slice()) {
      slices_.at(slice_name("valkey")).content.endpoints[0].address = "10.0.0.3";
    } else {
      service_.selector[pod_name_label] = "c";
    }
  }

  bool exists_ = true;
  Service service_;
  Slices slices_;
  Pods pods_;
};

INSTANTIATE_TEST_SUITE_P(EachWay, KubernetesServicePlan, testing::Bool(),
                         [](const auto& way) { return way.param ? "BySlice" : "BySelector"; });

TEST_P(KubernetesServicePlan, WhatWasNeverPublishedIs) {
  const ServicePlan result = plan(1, "a");
  EXPECT_EQ(result.verdict, Verdict::change);
  EXPECT_EQ(result.kind, StampKind::promoted);
  EXPECT_EQ(published(result), "a");
}

TEST_P(KubernetesServicePlan, NothingIsSentWhereAllIsRight) {
  published_by(wanted({0, 1, 0}, "a"));
  EXPECT_EQ(plan(1, "a").verdict, Verdict::right);
}

TEST_P(KubernetesServicePlan, AHigherDecisionSwitches) {
  published_by(wanted({0, 1, 0}, "a"));
  const ServicePlan result = plan(2, "b");
  EXPECT_EQ(result.verdict, Verdict::change);
  EXPECT_EQ(published(result), "b");
}

TEST_P(KubernetesServicePlan, ALowerDecisionStandsDownAndSaysWhy) {
  published_by(wanted({0, 2, 0}, "b"));
  const ServicePlan result = plan(1, "a");
  EXPECT_EQ(result.verdict, Verdict::stand_down);
  EXPECT_STREQ(result.problem, "higher-decision");
  EXPECT_THAT(result.cause, HasSubstr("remembers epoch 2 (10.0.0.2:6379), and this is epoch 1"));
  EXPECT_EQ(result.higher, wanted({0, 2, 0}, "b").claim);
}

TEST_P(KubernetesServicePlan, ALowerDecisionOfTheSamePrimaryAgrees) {
  published_by(wanted({0, 2, 0}, "b"));
  EXPECT_EQ(plan(1, "b").verdict, Verdict::right);
}

TEST_P(KubernetesServicePlan, TheSamePrimaryUnderAHigherEpochIsStampedAnew) {
  published_by(wanted({0, 1, 0}, "a"));
  EXPECT_EQ(plan(2, "a").verdict, Verdict::change);
}

TEST_P(KubernetesServicePlan, ANewerFormatOfTheStampIsHigherThanAnything) {
  published_by(wanted({0, 1, 0}, "a"));
  stamp() = read_stamp("v2 from the future");
  const ServicePlan result = plan(99, "b");
  EXPECT_EQ(result.verdict, Verdict::stand_down);
  EXPECT_STREQ(result.problem, "newer-stamp");
}

TEST_P(KubernetesServicePlan, AStampThatIsReleasedOrNoneIsLowest) {
  for (const char* text : {"released now", "scribble"}) {
    published_by(wanted({0, 5, 0}, "a"));
    stamp() = read_stamp(text);
    const ServicePlan result = plan(1, "b");
    EXPECT_EQ(result.verdict, Verdict::change) << text;
    EXPECT_EQ(published(result), "b");
    EXPECT_FALSE(stamp_of(wanted({0, 1, 0}, "b"), nullptr));
  }
}

TEST_P(KubernetesServicePlan, WhatSomebodyElseChangedIsWrittenAgain) {
  published_by(wanted({0, 1, 0}, "a"));
  lead_elsewhere();
  const ServicePlan result = plan(1, "a");
  EXPECT_EQ(result.verdict, Verdict::change);
  EXPECT_EQ(published(result), "a");
}

TEST_P(KubernetesServicePlan, AnotherGroupsObjectIsLeftAlone) {
  written(plan(9, "a"), wanted({0, 9, 0}, "a").claim, "other");
  for (const bool withdrawn : {false, true}) {
    const ServicePlan result = plan(10, "b", withdrawn ? 1 : 0, withdrawn);
    EXPECT_EQ(result.verdict, Verdict::refused);
    EXPECT_STREQ(result.problem, "other-group");
    EXPECT_THAT(result.cause, HasSubstr("belongs to group other"));
  }
}

TEST_P(KubernetesServicePlan, ASuspectedPrimaryIsWithdrawnAndRestored) {
  published_by(wanted({0, 1, 0}, "a"));
  const ServicePlan result = plan(1, "a", 1, true);
  EXPECT_EQ(result.verdict, Verdict::change);
  EXPECT_EQ(result.kind, StampKind::fenced);
  EXPECT_EQ(published(result), nobody);
  written(result, wanted({0, 1, 1}, "a").claim);
  EXPECT_EQ(plan(1, "a", 1, true).verdict, Verdict::right);
  EXPECT_EQ(plan(1, "a").verdict, Verdict::stand_down) << "who does not know of the suspicion";
  EXPECT_EQ(published(plan(1, "a", 2)), "a");
}

TEST_P(KubernetesServicePlan, AWithdrawalOfWhatWasNeverPublishedIsRemembered) {
  EXPECT_EQ(plan(1, "a", 1, true).verdict, Verdict::change);
}

TEST_P(KubernetesServicePlan, OneClaimIsNoPromotionAndSuspicionAtOnce) {
  published_by(wanted({0, 1, 1}, "a"));
  EXPECT_EQ(plan(1, "a", 1, true).verdict, Verdict::stand_down);
}

TEST_P(KubernetesServicePlan, AStampTellsWhatItsWriterWanted) {
  const Wanted promotion = wanted({0, 1, 0}, "a");
  published_by(promotion);
  const ApiObject object = by_slice() ? ApiObject(slices_.begin()->second) : ApiObject(service_);
  EXPECT_EQ(stamp_of(promotion, &object)->intent, Intent::promotion);
  const Wanted suspicion = wanted({0, 1, 1}, "a", true);
  published_by(suspicion);
  const ApiObject withdrawn = by_slice() ? ApiObject(slices_.begin()->second) : ApiObject(service_);
  EXPECT_EQ(stamp_of(suspicion, &withdrawn)->intent, Intent::withdrawal);
}

TEST_P(KubernetesServicePlan, WithoutAServiceNothingIsWritten) {
  exists_ = false;
  const ServicePlan result = plan(1, "a");
  EXPECT_EQ(result.verdict, Verdict::refused);
  EXPECT_STREQ(result.problem, "no-service");
  EXPECT_THAT(result.cause, HasSubstr("there is no Service shop/valkey"));
}

TEST_P(KubernetesServicePlan, APausedServiceIsLeftAlone) {
  service_.pause = std::string("by jane");
  EXPECT_EQ(plan(1, "a").verdict, Verdict::paused);
  EXPECT_THAT(plan(1, "a").cause, HasSubstr("of Service shop/valkey: by jane"));
  EXPECT_EQ(plan(1, "a", 1, true).verdict, Verdict::paused);
}

TEST_P(KubernetesServicePlan, APausedServiceThatIsRightIsSo) {
  published_by(wanted({0, 2, 0}, "b"));
  service_.pause = std::string("by jane");
  EXPECT_EQ(plan(2, "b").verdict, Verdict::right);
  EXPECT_THAT(plan(2, "b").pause, HasSubstr("by jane"));
  EXPECT_EQ(plan(1, "a").verdict, Verdict::stand_down) << "nothing would be written anyway";
  EXPECT_THAT(plan(1, "a").pause, HasSubstr("by jane"));
  EXPECT_EQ(plan(3, "a").verdict, Verdict::paused);
}

TEST_P(KubernetesServicePlan, AServiceThatWasMadeAnewIsTheOwnerFromThenOn) {
  if (!by_slice()) return;
  published_by(wanted({0, 2, 0}, "b"));
  service_.uid = "uid-anew";
  EXPECT_EQ(plan(2, "b").verdict, Verdict::change);
  EXPECT_EQ(plan(1, "a").verdict, Verdict::stand_down) << "what the slice remembers counts";
}

TEST_P(KubernetesServicePlan, APodThatTheSelectorDoesNotSelectIsNoPod) {
  if (by_slice()) return;
  service_.selector = {{"app", "valkey"}, {"tier", "db"}};
  pods_.at("a").labels.emplace_back("tier", "db");
  published_by(wanted({0, 1, 0}, "a"));
  EXPECT_EQ(plan(1, "a").verdict, Verdict::right);
  const ServicePlan result = plan(2, "b");
  EXPECT_EQ(result.verdict, Verdict::no_pod_stale);
  EXPECT_STREQ(result.problem, "no-pod");
  EXPECT_THAT(result.cause,
              HasSubstr("pod b has no label tier=db, by which Service shop/valkey selects, too"));
  EXPECT_EQ(published(result), nobody);
}

TEST_P(KubernetesServicePlan, WithoutAPodWhatIsOfALowerEpochMayGo) {
  published_by(wanted({0, 2, 0}, "a"));
  Wanted asked = wanted({0, 3, 0}, "a");
  asked.host = "unknown";
  asked.claim.address = "unknown:6379";
  const ServicePlan result = plan(asked);
  EXPECT_EQ(result.verdict, Verdict::no_pod_stale);
  EXPECT_EQ(published(result), nobody);
  EXPECT_EQ(result.kind, StampKind::fenced);
  asked.claim.decision = {0, 2, 2};
  EXPECT_EQ(plan(asked).verdict, Verdict::no_pod) << "under the epoch that is stamped it stays";
}

// ---- slices alone ----

Service service_with(std::vector<ServicePort> ports) {
  Service service;
  service.name = "valkey";
  service.ports = std::move(ports);
  return service;
}

TEST(KubernetesSliceContent, ValkeysPortIsToldByWhatIsKnown) {
  Pod pod;
  pod.named_ports = {{"redis", 6379}};
  const auto told = [&](const std::vector<ServicePort>& ports, const std::string& configured = "",
                        const Pod* known = nullptr) -> std::string {
    const Service service = service_with(ports);
    const Result<const ServicePort*> port = valkey_port(service, configured, 6379, known);
    if (!port) return port.error().message();
    return *port == nullptr ? "none" : (*port)->name;
  };
  EXPECT_EQ(told({}), "none") << "a headless Service needs none";
  EXPECT_EQ(told({{"only", "TCP", 1, 1, "", ""}}), "only");
  const std::vector<ServicePort> two{{"a", "TCP", 1, 6379, "", ""}, {"b", "TCP", 6379, 2, "", ""}};
  EXPECT_EQ(told(two), "a") << "by where it leads";
  EXPECT_EQ(told({two[1], {"c", "TCP", 3, 0, "redis", ""}}), "b") << "by its own number";
  EXPECT_EQ(told({two[1], {"c", "TCP", 3, 0, "redis", ""}}, "", &pod), "c") << "by its name";
  EXPECT_THAT(told({{"a", "TCP", 1, 1, "", ""}, {"b", "TCP", 2, 2, "", ""}}),
              HasSubstr("set service_port"));
  EXPECT_EQ(told(two, "b"), "b");
  EXPECT_EQ(told(two, "1"), "a");
  EXPECT_THAT(told(two, "z"), HasSubstr("has no port z"));
}

TEST_P(KubernetesServicePlan, TheReplicasSliceHasThePortsOfThePrimary) {
  if (!by_slice()) return;
  service_.ports.push_back({"metrics", "TCP", 9121, 0, "metrics", ""});
  for (auto& [name, pod] : pods_) pod.named_ports.push_back({"metrics", 9200});
  Wanted asked = wanted({0, 1, 0}, "a");
  asked.replicas = {{host_of("b"), 6379}, {host_of("c"), 6380}, {host_of("a"), 6380}};
  const ServicePlan plan = plan_replica_slice(asked, view());
  ASSERT_EQ(plan.verdict, Verdict::change) << plan.cause;
  ASSERT_EQ(plan.content.ports.size(), 2u);
  EXPECT_EQ(plan.content.ports[1].number, 9200) << "by the name of a container's port";
  ASSERT_EQ(plan.content.endpoints.size(), 1u) << "others are not at that port";
  EXPECT_EQ(plan.content.endpoints[0].address, host_of("b"));
}

TEST(KubernetesSliceContent, APortThatCannotBeToldStaysAsItWas) {
  const Service service = service_with(
      {{"valkey", "TCP", 6379, 6379, "", "redis"}, {"more", "TCP", 1, 0, "metrics", ""}});
  Slice slice;
  slice.content.ports = {{"more", "TCP", 9121, ""}};
  const auto ports = [&](const Pod* pod, const Slice* known) {
    return slice_ports(service, &service.ports[0], 7000, pod, known);
  };
  EXPECT_EQ(ports(nullptr, nullptr), (std::vector<SlicePort>{{"valkey", "TCP", 7000, "redis"}}));
  EXPECT_EQ(ports(nullptr, &slice).at(1).number, 9121);
  Pod pod;
  pod.named_ports = {{"metrics", 9200}};
  EXPECT_EQ(ports(&pod, &slice).at(1).number, 9200);
}

TEST(KubernetesSliceContent, AnAddressIsOfTheFamilyOfTheSliceOrElseOfTheService) {
  Pod pod;
  pod.name = "a";
  pod.addresses = {"10.0.0.1", "fd00::1"};
  Service service = service_with({});
  EXPECT_EQ(*AddressFamilies(service, nullptr).address_of("fd00::1", &pod), "fd00::1");
  EXPECT_EQ(*AddressFamilies(service, nullptr).address_of("a.valkey", &pod), "10.0.0.1");
  service.families = {"IPv6"};
  EXPECT_EQ(*AddressFamilies(service, nullptr).address_of("10.0.0.1", &pod), "fd00::1");
  Slice slice;
  slice.name = "s";
  slice.content.address_type = "IPv4";
  EXPECT_EQ(*AddressFamilies(service, &slice).address_of("fd00::1", &pod), "10.0.0.1");
  EXPECT_THAT(AddressFamilies(service, &slice).address_of("fd00::1", nullptr).error().message(),
              HasSubstr("delete it to have it made anew"));
  pod.addresses.clear();
  EXPECT_EQ(AddressFamilies(service, nullptr).address_of("a.valkey", &pod).error().message(),
            "pod a has no address yet");
}

TEST(KubernetesSliceContent, OfAPodThatIsNotKnownTheSliceKeepsWhatItSays) {
  Slice slice;
  slice.content.endpoints = {{"10.0.0.1", false, "a", "uid-a", "node-a", "zone-a"}};
  const SliceEndpoint kept = endpoint_of("10.0.0.1", nullptr, &slice);
  EXPECT_EQ(kept, (SliceEndpoint{"10.0.0.1", true, "a", "uid-a", "node-a", "zone-a"}));
  EXPECT_EQ(endpoint_of("10.0.0.2", nullptr, &slice).pod, "");
}

TEST(KubernetesServicePatch, TestsUidAndStampAndIsConfirmedByWhatWasWritten) {
  Slice seen;
  seen.name = "s";
  seen.uid = "u";
  seen.has_labels = seen.has_annotations = true;
  seen.stamp = read_stamp("released");
  seen.service = "valkey";
  seen.managed_by = managed_by_us;
  seen.owner_uid = "uid-service";
  Service service;
  service.name = "valkey";
  service.uid = "uid-service";
  SliceContent content{"IPv4", {{"10.0.0.2", true, "b", "uid-b", "node-b", ""}}, {}};
  const Stamp stamp{{{0, 2, 0}, "10.0.0.2:6379"}, StampKind::promoted, 7, "g"};
  EXPECT_EQ(
      slice_patch(seen, service, content, stamp, SliceVersion::v1),
      R"([{"op":"test","path":"/metadata/uid","value":"u"},)"
      R"({"op":"test","path":"/metadata/annotations/valkey-reconciler.io~1stamp","value":"released"},)"
      R"({"op":"add","path":"/endpoints","value":[{"addresses":["10.0.0.2"],"conditions":)"
      R"({"ready":true,"serving":true,"terminating":false},"targetRef":{"kind":"Pod","name":"b","uid":"uid-b"},"nodeName":"node-b"}]},)"
      R"({"op":"add","path":"/ports","value":[]},)"
      R"({"op":"add","path":"/metadata/annotations/valkey-reconciler.io~1stamp","value":"v1 0.2.0 10.0.0.2:6379 promoted 0000000000000007 g"}])");
  EXPECT_THAT(slice_patch(seen, service, content, stamp, SliceVersion::v1beta1),
              HasSubstr(R"("conditions":{"ready":true},)"
                        R"("targetRef":{"kind":"Pod","name":"b","uid":"uid-b"},)"
                        R"("topology":{"kubernetes.io/hostname":"node-b"})"));
  Slice answer = seen;
  answer.content = content;
  answer.stamp = read_stamp(format_stamp(stamp));
  EXPECT_TRUE(shows(answer, content, stamp));
  answer.content.endpoints[0].address = "10.0.0.3";
  EXPECT_FALSE(shows(answer, content, stamp)) << "a webhook wrote another one";
  answer.content = content;
  answer.stamp = seen.stamp;
  EXPECT_FALSE(shows(answer, content, stamp)) << "a webhook took the stamp off";
}

}  // namespace
}  // namespace reconciler
