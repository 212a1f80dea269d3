// The pure parts of supervision: backoff, liveness, and what is in the way of being ready.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/backoff.h"
#include "supervisor/liveness.h"
#include "supervisor/status.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(BackoffTest, DoublesFromMinToMax) {
  Backoff backoff(100, 10'000);
  for (const int64_t step : {100, 200, 400, 800, 1'600, 3'200, 6'400, 10'000, 10'000}) {
    EXPECT_EQ(backoff.next(0), step / 2);
  }
  backoff.reset();
  EXPECT_EQ(backoff.next(0), 50);
}

TEST(BackoffTest, StaysWithinItsStepWhateverTheJitter) {
  for (uint64_t random = 0; random < 1'000; ++random) {
    Backoff backoff(100, 10'000);
    const int64_t wait = backoff.next(random * 0x9e3779b97f4a7c15);
    EXPECT_GE(wait, 50);
    EXPECT_LE(wait, 100);
  }
}

TEST(BackoffTest, NeverOverflows) {
  Backoff backoff(1, INT64_MAX / 4);
  for (int i = 0; i < 200; ++i) EXPECT_GE(backoff.next(UINT64_MAX), 0);
}

TEST(LivenessTest, SilenceBeyondTheDeadlineIsFound) {
  Liveness liveness(6'000, 1'000);
  EXPECT_FALSE(liveness.silent(7'000));
  EXPECT_TRUE(liveness.silent(7'001));
  liveness.heard(7'001);
  EXPECT_FALSE(liveness.silent(13'001));
}

TEST(PauseDetectorTest, OnlyALongGapIsAPause) {
  PauseDetector pause(1'500, 0);
  EXPECT_FALSE(pause.ticked(500));
  EXPECT_FALSE(pause.ticked(1'900));
  EXPECT_TRUE(pause.ticked(4'000));
  EXPECT_FALSE(pause.ticked(4'500)) << "told once";
}

Configuration one_group_one_target() {
  Configuration configuration;
  configuration.sentinels.emplace_back();
  configuration.sentinels[0].groups = {{"shop"}};
  configuration.targets.emplace_back();
  configuration.targets[0].name = "kubernetes";
  configuration.targets[0].groups = {"shop"};
  return configuration;
}

class StatusTest : public testing::Test {
 protected:
  StatusTest() { status_.expect(one_group_one_target()); }

  void in_sync() {
    status_.topology("shop", 1);
    status_.outcome("kubernetes", "shop", 1, {});
  }

  Status status_;
};

TEST_F(StatusTest, UntilAPrimaryIsKnownItIsNotReady) {
  EXPECT_THAT(status_.in_the_way(), ElementsAre("group shop: no primary is known yet"));
}

TEST_F(StatusTest, ReadyWhenEveryTargetHasAppliedTheNewestTopology) {
  status_.topology("shop", 1);
  EXPECT_THAT(status_.in_the_way(), ElementsAre("target kubernetes, group shop: not in sync yet"));
  status_.outcome("kubernetes", "shop", 1, {});
  EXPECT_THAT(status_.in_the_way(), IsEmpty());
  status_.topology("shop", 2);
  EXPECT_THAT(status_.in_the_way(), ElementsAre("target kubernetes, group shop: not in sync yet"));
}

TEST_F(StatusTest, ATargetsOwnReasonIsTold) {
  status_.topology("shop", 1);
  status_.outcome(
      "kubernetes", "shop", 1,
      {ipc::OutcomeKind::retry, "forbidden: cannot patch pods in namespace shop", 0, 0, {}, {}});
  EXPECT_THAT(
      status_.in_the_way(),
      ElementsAre("target kubernetes, group shop: forbidden: cannot patch pods in namespace shop"));
}

TEST_F(StatusTest, AChildThatIsDownIsToldUntilItIsUpAgain) {
  in_sync();
  status_.child_down("sentinel-watcher", "it died");
  EXPECT_THAT(status_.in_the_way(), ElementsAre("sentinel-watcher: it died"));
  status_.child_up("sentinel-watcher");
  EXPECT_THAT(status_.in_the_way(), IsEmpty());
}

TEST_F(StatusTest, OnlyBlockingProblemsKeepItFromBeingReady) {
  in_sync();
  status_.report("kubernetes",
                 {{{"shop", "no-watch", ipc::Severity::degraded, "may not watch"}}, {}});
  EXPECT_THAT(status_.in_the_way(), IsEmpty());
  EXPECT_THAT(status_.degraded(), ElementsAre("kubernetes, group shop: may not watch"));
  status_.report("kubernetes",
                 {{{"", "unreachable", ipc::Severity::blocking, "cannot reach\nthe API"}}, {}});
  EXPECT_THAT(status_.in_the_way(), ElementsAre("kubernetes: cannot reach\\x0athe API"));
}

TEST_F(StatusTest, ARefusedReloadIsToldButKeepsItReady) {
  in_sync();
  status_.reload_refused("line 3");
  EXPECT_THAT(status_.in_the_way(), IsEmpty());
  EXPECT_THAT(status_.degraded(), ElementsAre(HasSubstr("line 3")));
  status_.reload_accepted();
  EXPECT_THAT(status_.degraded(), IsEmpty());
}

TEST_F(StatusTest, WhatIsNoLongerConfiguredIsForgotten) {
  in_sync();
  status_.child_down("kubernetes", "it died");
  Configuration other = one_group_one_target();
  other.targets[0].name = "file";
  status_.expect(other);
  EXPECT_THAT(status_.in_the_way(), ElementsAre("target file, group shop: not in sync yet"));
}

}  // namespace
}  // namespace reconciler
