// What pods tell of their label by Events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.h"
#include "plugins/kubernetes/pod_event.h"

namespace reconciler {
namespace {

using testing::EndsWith;

const LabelRule rule{"valkey-master", "true"};
const std::string cause = "+promoted-slave from 10.0.0.7:26379";

Pod pod(bool carries) {
  Pod seen;
  seen.name = "valkey-0";
  seen.uid = "u-1";
  if (carries) seen.label = "true";
  return seen;
}

Stamp stamp(StampKind kind) { return {{{0, 2, 0}, "10.0.0.1:6379"}, kind, 1, "g"}; }

TEST(KubernetesEvent, TellsOfALabelThatCameOrWent) {
  const Stamp promotion = stamp(StampKind::promoted);
  const Stamp fence = stamp(StampKind::fenced);
  const auto promoted = event_of({pod(false), promotion, cause, {}}, rule);
  ASSERT_TRUE(promoted);
  EXPECT_STREQ(promoted->reason, "PrimaryPromoted");
  EXPECT_EQ(promoted->message,
            "label valkey-master=true set for epoch 2 (10.0.0.1:6379), by " + cause);
  const auto demoted = event_of({pod(true), fence, "", {}}, rule);
  ASSERT_TRUE(demoted);
  EXPECT_STREQ(demoted->reason, "PrimaryDemoted");
  EXPECT_THAT(demoted->message, EndsWith("taken off for epoch 2 (10.0.0.1:6379)"));
  EXPECT_FALSE(event_of({pod(true), promotion, cause, {}}, rule)) << "it had it already";
  EXPECT_FALSE(event_of({pod(false), fence, cause, {}}, rule));
}

TEST(KubernetesEvent, NamesWhoMovedTheLabel) {
  const Stamp fence = stamp(StampKind::fenced);
  const auto event = event_of({pod(true), fence, cause, Moved{true, "kubectl-label"}}, rule);
  ASSERT_TRUE(event);
  EXPECT_STREQ(event->reason, "LabelRepaired");
  EXPECT_EQ(event->message,
            "label valkey-master=true was set by kubectl-label; taken off again for epoch 2 "
            "(10.0.0.1:6379)");
}

TEST(KubernetesEvent, TellsOfAServiceThatLeadsElsewhere) {
  const std::vector<LedPod> old{{"valkey-0", "u-0"}};
  const std::vector<LedPod> next{{"valkey-1", "u-1"}};
  const Stamp promotion = stamp(StampKind::promoted);
  const auto events = events_of_switch("valkey", old, next, promotion, cause);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_STREQ(events[0].reason, "PrimaryPromoted");
  EXPECT_EQ(events[0].uid, "u-1");
  EXPECT_EQ(events[0].message,
            "Service valkey leads to it for epoch 2 (10.0.0.1:6379), by " + cause);
  EXPECT_STREQ(events[1].reason, "PrimaryDemoted");
  EXPECT_EQ(events[1].uid, "u-0");
  EXPECT_TRUE(events_of_switch("valkey", old, old, promotion, cause).empty());
  EXPECT_EQ(events_of_switch("valkey", old, {}, promotion, cause).size(), 1U) << "withdrawn";
  EXPECT_EQ(events_of_switch("valkey", old, {{"valkey-0", "u-9"}}, promotion, cause).size(), 2U)
      << "another pod of that name";
}

TEST(KubernetesEvent, HasTheFieldsThatOldAndNewReadersWant) {
  const PodEvent event{"valkey-0", "u-1", "PrimaryPromoted", "Promote",
                       std::string(1020, 'x') + "é"};
  const json::Document json =
      json::parse(event_body(event, {"shop", "node-a", 1700000000000042, 0x2a}));
  ASSERT_TRUE(json);
  EXPECT_EQ(json::text(json::member(json.get(), "metadata"), "name"), "valkey-0.000000000000002a");
  EXPECT_EQ(json::text(json::member(json.get(), "involvedObject"), "uid"), "u-1");
  EXPECT_EQ(json::text(json.get(), "firstTimestamp"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(json::text(json.get(), "eventTime"), "2023-11-14T22:13:20.000042Z");
  EXPECT_EQ(json::text(json.get(), "reportingComponent"), "valkey-reconciler");
  EXPECT_EQ(json::text(json.get(), "message").size(), 1000u);
  EXPECT_EQ(json::text(json.get(), "type"), "Normal");
}

TEST(KubernetesEvent, CutsNoCharacterInTwo) {
  const PodEvent event{"a", "u-1", "PrimaryPromoted", "Promote", std::string(999, 'x') + "éé"};
  const json::Document json = json::parse(event_body(event, {"shop", "node-a", 0, 1}));
  EXPECT_EQ(json::text(json.get(), "message"), std::string(999, 'x'));
}

}  // namespace
}  // namespace reconciler
