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

TEST(FileDocument, ALowerDecisionStandsBackBehindAHigherOne) {
  Sample sample;
  const auto held = read_decision(render(sample.topology, 0));
  ASSERT_TRUE(held.ok());
  EXPECT_FALSE(is_above(*held, sample.topology));
  sample.topology.step = 1;
  EXPECT_TRUE(is_above(*held, sample.topology));
  sample.topology.epoch = 13;
  EXPECT_FALSE(is_above(*held, sample.topology));
  sample.topology.era = 0;
  EXPECT_TRUE(is_above(*held, sample.topology));
}

TEST(FileDocument, TheSameDecisionIsKnownAgainUnderAnotherEra) {
  Sample sample;
  const auto held = read_decision(render(sample.topology, 0));
  ASSERT_TRUE(held.ok());
  sample.topology.era = 0;
  EXPECT_TRUE(is_same(*held, sample.topology));
  sample.topology.epoch = 13;
  EXPECT_FALSE(is_same(*held, sample.topology));
  sample.topology.epoch = 12;
  sample.primary.port = 6380;
  EXPECT_FALSE(is_same(*held, sample.topology));
}

TEST(FileDocument, WhatIsNotOursIsNoDecision) {
  for (const char* text :
       {"", "[]", "{}", R"({"era":0,"epoch":-1,"step":0})", R"({"era":0,"epoch":1.5,"step":0})",
        R"({"era":5e9,"epoch":1,"step":0})", R"({"era":0,"epoch":"1","step":0})", "\xff"}) {
    EXPECT_FALSE(read_decision(text).ok()) << text;
  }
}

TEST(FileDocument, NoGroupsNameLeavesTheFolder) {
  EXPECT_EQ(file_name("myprimary"), "myprimary.json");
  EXPECT_EQ(file_name("../etc/passwd"), "%2E.%2Fetc%2Fpasswd.json");
  EXPECT_EQ(file_name("a b\xff%"), "a%20b%FF%25.json");
}

}  // namespace
}  // namespace reconciler::file
