// When a topology is given to the plugin, told as the sequences that occur.

#include "supervisor/labeler/assignment.h"

#include <gtest/gtest.h>

namespace reconciler::labeler {
namespace {

using Kind = Step::Kind;
using ipc::OutcomeKind;

class AssignmentTest : public testing::Test {
 protected:
  Assignment assignment_{100, 10'000};
};

TEST_F(AssignmentTest, TheFirstTopologyIsAppliedAtOnce) {
  EXPECT_EQ(assignment_.arrived(1, true).kind, Kind::apply);
  EXPECT_TRUE(assignment_.open());
  EXPECT_EQ(assignment_.open_revision(), 1u);
  EXPECT_EQ(assignment_.completed(OutcomeKind::applied, 0).kind, Kind::nothing);
  EXPECT_FALSE(assignment_.open());
}

TEST_F(AssignmentTest, ANewerOneCancelsTheOpenOneAndFollowsIt) {
  assignment_.arrived(1, true);
  EXPECT_EQ(assignment_.arrived(2, true).kind, Kind::cancel);
  EXPECT_EQ(assignment_.completed(OutcomeKind::cancelled, 0).kind, Kind::apply);
  EXPECT_EQ(assignment_.open_revision(), 2u);
}

TEST_F(AssignmentTest, OneThatAsksForTheSameWaitsForTheOpenOnesEnd) {
  assignment_.arrived(1, true);
  EXPECT_EQ(assignment_.arrived(2, false).kind, Kind::nothing);
  EXPECT_EQ(assignment_.open_revision(), 1u);
  EXPECT_EQ(assignment_.completed(OutcomeKind::applied, 0).kind, Kind::apply);
  EXPECT_EQ(assignment_.open_revision(), 2u);
  EXPECT_EQ(assignment_.arrived(3, false).kind, Kind::nothing);
  EXPECT_EQ(assignment_.arrived(4, true).kind, Kind::cancel);
  EXPECT_EQ(assignment_.completed(OutcomeKind::retry, 0).kind, Kind::apply) << "without a wait";
  EXPECT_EQ(assignment_.open_revision(), 4u);
}

TEST_F(AssignmentTest, OfManyThatComeMeanwhileOnlyTheNewestIsApplied) {
  assignment_.arrived(1, true);
  EXPECT_EQ(assignment_.arrived(2, true).kind, Kind::cancel);
  EXPECT_EQ(assignment_.arrived(3, true).kind, Kind::nothing) << "it is asked once to end";
  EXPECT_EQ(assignment_.arrived(4, true).kind, Kind::nothing);
  EXPECT_EQ(assignment_.completed(OutcomeKind::applied, 0).kind, Kind::apply);
  EXPECT_EQ(assignment_.open_revision(), 4u);
  EXPECT_EQ(assignment_.completed(OutcomeKind::applied, 0).kind, Kind::nothing);
}

TEST_F(AssignmentTest, AFailureIsTriedAgainAfterALongerAndLongerWait) {
  assignment_.arrived(1, true);
  int64_t last = 0;
  for (int i = 0; i < 12; ++i) {
    const Step step = assignment_.completed(OutcomeKind::retry, 0);
    ASSERT_EQ(step.kind, Kind::wait);
    EXPECT_GE(step.wait_ms, last);
    EXPECT_LE(step.wait_ms, 10'000);
    last = step.wait_ms;
    EXPECT_EQ(assignment_.due().kind, Kind::apply);
  }
  EXPECT_EQ(last, 5'000) << "half of the largest, with the smallest jitter";
}

TEST_F(AssignmentTest, SuccessAndNewsEndTheBackoff) {
  assignment_.arrived(1, true);
  for (int i = 0; i < 5; ++i) {
    assignment_.completed(OutcomeKind::retry, 0);
    assignment_.due();
  }
  assignment_.completed(OutcomeKind::applied, 0);
  EXPECT_EQ(assignment_.failures(), 0);

  assignment_.changed();
  for (int i = 0; i < 5; ++i) {
    assignment_.completed(OutcomeKind::retry, 0);
    assignment_.due();
  }
  assignment_.completed(OutcomeKind::retry, 0);
  EXPECT_EQ(assignment_.arrived(2, true).kind, Kind::apply)
      << "news doesn't wait for an old backoff";
  EXPECT_EQ(assignment_.due().kind, Kind::nothing) << "the old wait is over";
}

TEST_F(AssignmentTest, ARejectedTopologyWaitsForNewsOrAChange) {
  assignment_.arrived(1, true);
  EXPECT_EQ(assignment_.completed(OutcomeKind::rejected, 0).kind, Kind::nothing);
  EXPECT_EQ(assignment_.due().kind, Kind::nothing);
  EXPECT_EQ(assignment_.changed().kind, Kind::apply);
}

TEST_F(AssignmentTest, AChangeWhileARequestIsOpenIsLookedAtAfterwards) {
  assignment_.arrived(1, true);
  EXPECT_EQ(assignment_.changed().kind, Kind::nothing);
  EXPECT_EQ(assignment_.completed(OutcomeKind::applied, 0).kind, Kind::apply);
  EXPECT_EQ(assignment_.completed(OutcomeKind::applied, 0).kind, Kind::nothing)
      << "one look is enough";
}

TEST_F(AssignmentTest, AChangeDuringTheBackoffShortensItButMakesNoBusyLoop) {
  assignment_.arrived(1, true);
  for (int i = 0; i < 10; ++i) {
    assignment_.completed(OutcomeKind::retry, 0);
    assignment_.due();
  }
  assignment_.completed(OutcomeKind::retry, 0);
  const Step step = assignment_.changed();
  EXPECT_EQ(step.kind, Kind::wait);
  EXPECT_EQ(step.wait_ms, 100);
  EXPECT_EQ(assignment_.changed().kind, Kind::nothing) << "the wait is not begun anew each time";
  EXPECT_EQ(assignment_.due().kind, Kind::apply);
}

TEST_F(AssignmentTest, AChangeBeforeAnythingIsKnownIsNothing) {
  EXPECT_EQ(assignment_.changed().kind, Kind::nothing);
}

TEST_F(AssignmentTest, AnOverdueRequestIsCancelledAndTriedAgain) {
  assignment_.arrived(1, true);
  EXPECT_EQ(assignment_.overdue().kind, Kind::cancel);
  EXPECT_EQ(assignment_.overdue().kind, Kind::nothing);
  EXPECT_EQ(assignment_.completed(OutcomeKind::cancelled, 0).kind, Kind::wait);
  EXPECT_EQ(assignment_.due().kind, Kind::apply);
}

TEST_F(AssignmentTest, AfterStopNothingNewIsBegun) {
  assignment_.arrived(1, true);
  EXPECT_EQ(assignment_.stop().kind, Kind::cancel);
  EXPECT_EQ(assignment_.arrived(2, true).kind, Kind::nothing);
  EXPECT_EQ(assignment_.completed(OutcomeKind::applied, 0).kind, Kind::nothing);
  EXPECT_EQ(assignment_.changed().kind, Kind::nothing);
  EXPECT_FALSE(assignment_.open());
}

TEST_F(AssignmentTest, StopEndsTheWaitForARetry) {
  assignment_.arrived(1, true);
  assignment_.completed(OutcomeKind::retry, 0);
  EXPECT_EQ(assignment_.stop().kind, Kind::nothing);
  EXPECT_EQ(assignment_.due().kind, Kind::nothing);
}

TEST(AssignmentDeathTest, CompletingWhatIsNotOpenIsABug) {
  EXPECT_DEATH(Assignment(1, 1).completed(OutcomeKind::applied, 0), "not open");
}

}  // namespace
}  // namespace reconciler::labeler
