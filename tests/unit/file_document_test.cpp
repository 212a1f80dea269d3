// What the file target writes, and how it judges what it finds.

#include "plugins/file/document.h"

#include <gtest/gtest.h>

namespace reconciler::file {
namespace {

struct Sample {
  vr_instance primary{sizeof(vr_instance), "fd00::7", 6379, 1};
  vr_instance replica{sizeof(vr_instance), "valkey-1", 6380, 0};
  const vr_instance* replicas[1]{&replica};
  vr_topology topology{};

  Sample() {
    topology.size = sizeof topology;
    topology.group = "my \"primary\"";
    topology.era = 1;
    topology.epoch = 12;
    topology.step = 2;
    topology.primary = &primary;
    topology.replica_count = 1;
    topology.replicas = replicas;
    topology.cause = "";
  }
};

TEST(FileDocument, SaysWhatIsKnown) {
  const Sample sample;
  EXPECT_EQ(render(sample.topology, 1'795'449'600'123'456),
            R"({"group":"my \"primary\"","primary":{"host":"fd00::7","port":6379},)"
            R"("replicas":[{"host":"valkey-1","port":6380,"healthy":false}],)"
            R"("era":1,"epoch":12,"step":2,"time":"2026-11-23T16:00:00.123456Z"})"
            "\n");
}

TEST(FileDocument, AnEpochIsWhole) {
  Sample sample;
  sample.topology.epoch = (1ull << 53) - 1;
  EXPECT_NE(render(sample.topology, 0).find(R"("epoch":9007199254740991,)"), std::string::npos);
  EXPECT_TRUE(says(render(sample.topology, 1), sample.topology));
}

TEST(FileDocument, ASuspectedPrimaryIsWithdrawn) {
  Sample sample;
  sample.topology.state = VR_PRIMARY_SUSPECTED;
  EXPECT_NE(render(sample.topology, 0).find(R"("primary":null)"), std::string::npos);
}

TEST(FileDocument, TheTimeAloneIsNoDifference) {
  const Sample sample;
  EXPECT_TRUE(says(render(sample.topology, 1), sample.topology));
  Sample other;
  other.replica.healthy = 1;
  EXPECT_FALSE(says(render(sample.topology, 1), other.topology));
  EXPECT_FALSE(says("", sample.topology));
  EXPECT_FALSE(says("{}", sample.topology));
}

// The next decision of a sample, as a program that started later counts.
struct Told : Sample {
  Told(Decision decision, const char* host, vr_primary_state state = VR_PRIMARY_KNOWN) {
    topology.era = decision.era;
    topology.epoch = decision.epoch;
    topology.step = decision.step;
    topology.state = state;
    primary.host = host;
  }
  Held held() const { return *read_held(render(topology, 0)); }
};

std::optional<Decision> place(const Told& told, const Told& held) {
  return placed(held.held(), told.topology);
}

TEST(FileDocument, ALowerDecisionStandsBackBehindAHigherOne) {
  const Told held({1, 12, 2}, "a");
  EXPECT_EQ(place({{1, 12, 2}, "b"}, held), (Decision{1, 12, 2}));
  EXPECT_EQ(place({{1, 12, 4}, "b"}, held), (Decision{1, 12, 4}));
  EXPECT_EQ(place({{1, 13, 0}, "b"}, held), (Decision{1, 13, 0}));
  EXPECT_EQ(place({{1, 11, 4}, "a"}, held), std::nullopt);
  EXPECT_EQ(place({{0, 13, 0}, "b"}, held), std::nullopt);
}

TEST(FileDocument, TheSameDecisionIsKnownAgainUnderAnotherEraOrStep) {
  const Told held({1, 12, 2}, "a");
  EXPECT_EQ(place({{0, 12, 4}, "a"}, held), (Decision{1, 12, 2}));
  EXPECT_EQ(place({{1, 12, 0}, "a"}, held), (Decision{1, 12, 2}));
  EXPECT_EQ(place({{0, 13, 0}, "a"}, held), std::nullopt);
  EXPECT_EQ(place({{0, 12, 0}, "b"}, held), std::nullopt);
  Told other_port({0, 12, 0}, "a");
  other_port.primary.port = 6380;
  EXPECT_EQ(placed(held.held(), other_port.topology), std::nullopt);
}

TEST(FileDocument, ASettledDecisionGoesAboveAnUnsettledOneOfItsEpoch) {
  const Told provisional({0, 5, 1}, "b");
  EXPECT_EQ(place({{0, 5, 0}, "a"}, provisional), (Decision{0, 5, 2}));
  EXPECT_EQ(place({{0, 5, 0}, "b"}, provisional), (Decision{0, 5, 2}));
  const Told suspected({0, 5, 3}, "a", VR_PRIMARY_SUSPECTED);
  EXPECT_EQ(place({{0, 5, 0}, "a"}, suspected), (Decision{0, 5, 4}));
  EXPECT_EQ(place({{0, 4, 0}, "a"}, suspected), std::nullopt) << "an earlier epoch";
  EXPECT_EQ(place({{0, 5, 0}, "a"}, {{1, 5, 1}, "b"}), std::nullopt) << "another era";
  EXPECT_EQ(place({{0, 5, 0}, "a"}, {{0, 5, UINT32_MAX}, "b"}), std::nullopt) << "absurd";
}

TEST(FileDocument, ASettledDecisionForAnotherPrimaryIsGivenWayToByAllKinds) {
  const Told held({0, 5, 4}, "b");
  EXPECT_EQ(place({{0, 5, 0}, "a"}, held), std::nullopt);
  EXPECT_EQ(place({{0, 5, 1}, "a"}, held), std::nullopt);
  EXPECT_EQ(place({{0, 5, 1}, "a", VR_PRIMARY_SUSPECTED}, held), std::nullopt);
}

TEST(FileDocument, AnUnsettledDecisionOfALaterProgramGoesAboveAnEarlierOnes) {
  const Told suspicion({0, 5, 1}, "a", VR_PRIMARY_SUSPECTED);
  EXPECT_EQ(place(suspicion, {{0, 5, 4}, "a"}), (Decision{0, 5, 5}));
  EXPECT_EQ(place(suspicion, {{0, 5, 3}, "b"}), (Decision{0, 5, 5}));
  EXPECT_EQ(place(suspicion, {{0, 5, 3}, "a", VR_PRIMARY_SUSPECTED}), (Decision{0, 5, 3}));
  EXPECT_EQ(place(suspicion, {{1, 5, 3}, "a", VR_PRIMARY_SUSPECTED}), std::nullopt)
      << "of whom it was the file doesn't say";
  EXPECT_EQ(place({{0, 5, 1}, "b"}, {{0, 5, 3}, "b"}), (Decision{0, 5, 3}));
  EXPECT_EQ(place({{0, 5, 1}, "b"}, {{0, 5, 3}, "c"}), (Decision{0, 5, 5}));
}

TEST(FileDocument, WhatIsNotOursIsNoDecision) {
  for (const char* text :
       {"", "[]", "{}", R"({"era":0,"epoch":-1,"step":0})", R"({"era":0,"epoch":1.5,"step":0})",
        R"({"era":5e9,"epoch":1,"step":0})", R"({"era":0,"epoch":"1","step":0})", "\xff"}) {
    EXPECT_FALSE(read_held(text).ok()) << text;
  }
}

TEST(FileDocument, NoGroupsNameLeavesTheFolder) {
  EXPECT_EQ(file_stem("myprimary"), "myprimary");
  EXPECT_EQ(file_stem("../etc/passwd"), "%2E.%2Fetc%2Fpasswd");
  EXPECT_EQ(file_stem("a b\xff%"), "a%20b%FF%25");
}

}  // namespace
}  // namespace reconciler::file
