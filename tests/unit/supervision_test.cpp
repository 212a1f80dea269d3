// The pure parts of supervision: backoff and liveness.

#include <gtest/gtest.h>

#include "common/backoff.h"
#include "common/config/configuration.h"
#include "supervisor/liveness.h"

namespace reconciler {
namespace {

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

TEST(LivenessTest, IsSilentFromTheMomentAtWhichItIsDue) {
  Liveness liveness(6'000, 1'000);
  EXPECT_FALSE(liveness.silent(liveness.due_ms() - 1));
  EXPECT_TRUE(liveness.silent(liveness.due_ms()));
}

TEST(LooksTest, OnlyALongGapMeansThatTheSupervisorStoodStill) {
  Looks looks(6'000, 2'000, 0);
  EXPECT_FALSE(looks.stood_still(2'500));
  EXPECT_FALSE(looks.stood_still(2'500 + 3'500));
  EXPECT_TRUE(looks.stood_still(6'000 + 3'501));
  EXPECT_FALSE(looks.stood_still(10'000)) << "told once";
}

TEST(LooksTest, BeatsSpareTheTimer) {
  const SupervisionSettings defaults;
  const Looks looks(defaults.heartbeat_deadline, defaults.heartbeat_interval, 0);
  EXPECT_GT(looks.period_ms(), defaults.heartbeat_interval);
  EXPECT_TRUE(looks.wanted(defaults.heartbeat_interval));
  EXPECT_FALSE(looks.wanted(1)) << "of children that beat together one is enough";
}

TEST(LooksTest, AGapThatIsNotFoundMakesNoChildThatBeatSilent) {
  for (const int64_t interval : {100, 250, 2'000, 60'000}) {
    for (const int64_t deadline : {2 * interval, 3 * interval, 10 * interval}) {
      Looks looks(deadline, interval, 0);
      int64_t gap = 1;
      while (gap < 2 * deadline && !Looks(looks).stood_still(gap)) ++gap;
      Liveness child(deadline, -interval);
      EXPECT_FALSE(child.silent(gap - 1)) << interval << " and " << deadline;
    }
  }
}

}  // namespace
}  // namespace reconciler
