// Sentinels that are wrong, as real ones were seen to be, and epochs that begin anew.

#include "tests/unit/topology_builder_fixture.h"

namespace reconciler {
namespace {

using Change = Verdict::Change;
using Standing = SentinelView::Standing;
using testing::HasSubstr;

constexpr Milliseconds reset_after = 10'000;  // the default

// When a Sentinel is wrong

TEST_F(TopologyBuilderTest, ASentinelThatWasCutOffTogetherWithTheOldPrimaryIsNotBelieved) {
  begin();
  says(0, b, 6);
  says(1, b, 6);
  decide();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  expect_current(b, {0, 6, 0});
  EXPECT_EQ(doubt("sentinel-behind"),
            "Sentinel 10.0.0.23:26379 names 10.0.0.7:6379 under epoch 5, older than epoch 6: not "
            "believed");
}

TEST_F(TopologyBuilderTest, OnlyTheCutOffOneAnswersAndStillItIsNotBelieved) {
  begin();
  says(0, b, 6);
  decide();
  lose(0);
  lose(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  expect_current(b, {0, 6, 0});
}

TEST_F(TopologyBuilderTest, ASentinelInTiltWithALowerEpochIsLeftOut) {
  begin();
  all_say(b, 6);
  decide();
  says(0, a, 5);
  views_[0].tilt = true;
  EXPECT_EQ(decide().change, Change::none);
  expect_current(b, {0, 6, 0});
}

TEST_F(TopologyBuilderTest, ASentinelInTiltThatIsBehindIsNoPartOfTheMajorityOfAColdStart) {
  says(0, a, 3);
  views_[0].tilt = true;
  says(1, b, 5);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(decide_after(cold_start_grace).change, Change::found);
  expect_current(b, {0, 5, 0});
}

TEST_F(TopologyBuilderTest, ASentinelInTiltWithAHigherEpochIsBelieved) {
  begin();
  says(0, b, 6);
  views_[0].tilt = true;
  EXPECT_EQ(decide().change, Change::moved);
}

TEST_F(TopologyBuilderTest, ASentinelThatWasRestartedWithAnOldFileIsNotBelieved) {
  begin();
  says(1, b, 0);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_NE(doubt("sentinel-behind"), "");
  says(1, a, 5);
  decide();
  EXPECT_EQ(doubt("sentinel-behind"), "") << "the first hello has told it";
}

TEST_F(TopologyBuilderTest, TheLeaderThatWasResetInTheMidstOfAFailoverIsLeftOut) {
  begin();
  says(0, b, 6);
  decide();
  says(1, b, 6);
  says(2, b, 6);
  says(0, a, 6);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_NE(doubt("sentinels-disagree"), "");
  views_[0].reported_replica = true;
  EXPECT_EQ(decide().change, Change::none);
  expect_current(b, {0, 6, 0});
  EXPECT_THAT(doubt("primary-is-replica"), HasSubstr("10.0.0.21:26379 names 10.0.0.7:6379"));
}

TEST_F(TopologyBuilderTest, APrimaryThatCallsItselfAReplicaIsNotPublishedWhateverItsEpoch) {
  begin();
  says(0, b, 9);
  views_[0].reported_replica = true;
  EXPECT_EQ(decide().change, Change::none);
  expect_current(a, {0, 5, 0});
}

TEST_F(TopologyBuilderTest, AnUnknownGroupIsToldByName) {
  views_[0].standing = Standing::unknown_group;
  views_[1].standing = Standing::unknown_group;
  decide();
  EXPECT_EQ(doubt("no-such-group"), "unknown to Sentinel 10.0.0.21:26379, 10.0.0.22:26379");
  EXPECT_EQ(severity("no-such-group"), ipc::Severity::blocking);
  begin();
  views_[0].standing = Standing::unknown_group;
  decide();
  expect_current(a, {0, 5, 0});
}

TEST_F(TopologyBuilderTest, AnAnswerThatCantBeUsedIsToldWithItsReason) {
  begin();
  views_[0].standing = Standing::refused;
  views_[0].refusal = "SENTINEL MASTER: the field port is missing";
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(doubt("sentinel-answer"),
            "Sentinel 10.0.0.21:26379: SENTINEL MASTER: the field port is missing");
  EXPECT_EQ(doubt("sentinels-out-of-reach"), "");
}

TEST_F(TopologyBuilderTest, WhereNoAnswerCanBeUsedNobodyWouldHearOfAFailover) {
  begin();
  for (SentinelView& view : views_) {
    view.standing = Standing::refused;
    view.refusal = "NOPERM";
  }
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(doubt("sentinels-out-of-reach"),
            "none of 3 Sentinels tells of the group; the primary stays 10.0.0.7:6379");
  EXPECT_EQ(severity("sentinels-out-of-reach"), ipc::Severity::blocking);
  EXPECT_EQ(doubt("sentinels-missing"), "");
}

TEST_F(TopologyBuilderTest, WithoutAnySentinelThePrimaryStays) {
  begin();
  for (std::size_t i = 0; i < 3; ++i) lose(i);
  EXPECT_EQ(decide_after(100'000).change, Change::none);
  expect_current(a, {0, 5, 0});
  EXPECT_EQ(doubt("sentinels-out-of-reach"),
            "none of 3 Sentinels answers; the primary stays 10.0.0.7:6379");
}

// Epochs that begin anew

TEST_F(TopologyBuilderTest, AnUntroubledMajorityUnderLowerEpochsIsBelievedAfterTenSeconds) {
  begin();
  says(0, b, 0);
  says(1, b, 0);
  lose(2);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_THAT(doubt("sentinel-epochs-began-anew"),
              HasSubstr("2 of 3 Sentinels name 10.0.0.8:6379 under epoch 0"));
  EXPECT_EQ(doubt("sentinel-behind"), "");
  EXPECT_EQ(verdict_.look_again, reset_after);
  EXPECT_EQ(decide_after(reset_after - 1).change, Change::none);
  EXPECT_EQ(decide_after(1).change, Change::anew);
  expect_current(b, {1, 0, 0});
  EXPECT_EQ(decide().change, Change::none);
  says(0, c, 1);
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(c, {1, 1, 0});
}

TEST_F(TopologyBuilderTest, EpochsBeganAnewOnlyWhileTheMajorityStaysWithOnePrimary) {
  begin();
  all_say(b, 1);
  decide();
  decide_after(9'000);
  all_say(c, 2);
  EXPECT_EQ(decide_after(900).change, Change::none);
  EXPECT_EQ(decide_after(9'999).change, Change::none);
  EXPECT_EQ(decide_after(1).change, Change::anew);
  expect_current(c, {1, 2, 0});
}

TEST_F(TopologyBuilderTest, EpochsDidNotBeginAnewWhileOneSentinelRemembers) {
  begin();
  says(0, b, 0);
  says(1, b, 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  expect_current(a, {0, 5, 0});
}

TEST_F(TopologyBuilderTest, EpochsDidNotBeginAnewWhileOneThatIsLeftOutRemembers) {
  begin();
  says(0, b, 0);
  says(1, b, 0);
  views_[2].reported_replica = true;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  expect_current(a, {0, 5, 0});
}

TEST_F(TopologyBuilderTest, EpochsDidNotBeginAnewWhereTheMajorityCallsItsPrimaryDown) {
  // The leader was lost on the spot: the others have not heard of its failover, and are about to begin another.
  begin();
  says(0, b, 6);
  decide();
  lose(0);
  views_[1].down = views_[2].down = true;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  expect_current(b, {0, 6, 0});
}

TEST_F(TopologyBuilderTest, EpochsDidNotBeginAnewBecauseOneOfThreeSaysSo) {
  begin();
  says(0, b, 0);
  lose(1);
  lose(2);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  expect_current(a, {0, 5, 0});
}

}  // namespace
}  // namespace reconciler
