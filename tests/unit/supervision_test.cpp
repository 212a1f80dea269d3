// The pure parts of supervision: backoff and liveness.

#include <gtest/gtest.h>

#include "common/backoff.h"
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

TEST(PauseDetectorTest, OnlyALongGapIsAPause) {
  PauseDetector pause(1'500, 0);
  EXPECT_FALSE(pause.ticked(500));
  EXPECT_FALSE(pause.ticked(1'900));
  EXPECT_TRUE(pause.ticked(4'000));
  EXPECT_FALSE(pause.ticked(4'500)) << "told once";
}

}  // namespace
}  // namespace reconciler
