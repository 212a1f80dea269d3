// What is published of what the Sentinels say: starts, failovers, memory.

#include "tests/unit/topology_builder_fixture.h"

namespace reconciler {
namespace {

using Change = Verdict::Change;
using testing::HasSubstr;

// Cold start

TEST_F(TopologyBuilderTest, NothingIsPublishedBeforeASentinelAnswers) {
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_FALSE(builder_.has_topology());
  EXPECT_THAT(doubt("sentinels-out-of-reach"), HasSubstr("none of 3 Sentinels answers"));
  EXPECT_NE(doubt("primary-unknown"), "");
}

TEST_F(TopologyBuilderTest, TheFirstTopologyWaitsForAMajority) {
  says(0, a, 5);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(verdict_.look_again, cold_start_grace);
  says(1, a, 5);
  EXPECT_EQ(decide().change, Change::found);
  expect_current(a, {0, 5, 0});
  EXPECT_EQ(doubt("primary-unknown"), "");
}

TEST_F(TopologyBuilderTest, ALoneStaleSentinelThatAnswersFirstDoesNotWin) {
  says(0, a, 3);
  EXPECT_EQ(decide().change, Change::none);
  says(1, b, 5);
  EXPECT_EQ(decide().change, Change::found);
  expect_current(b, {0, 5, 0});
}

TEST_F(TopologyBuilderTest, WithoutAMajorityTheFirstTopologyComesAfterAShortGrace) {
  says(0, a, 5);
  decide();
  EXPECT_EQ(decide_after(cold_start_grace - 1).change, Change::none);
  EXPECT_EQ(verdict_.look_again, 1);
  EXPECT_EQ(decide_after(1).change, Change::found);
  EXPECT_THAT(doubt("sentinels-missing"), HasSubstr("only 1 of 3"));
}

TEST_F(TopologyBuilderTest, AfterAPauseWithinTheGraceTheFirstToAnswerHasToSayItAgain) {
  says(0, a, 3);
  decide();
  now_ += 60'000;
  EXPECT_EQ(decide_without_news().change, Change::none) << "the others have answered meanwhile";
  EXPECT_TRUE(verdict_.ask_all);
  says(1, b, 5);
  EXPECT_EQ(decide().change, Change::found);
  expect_current(b, {0, 5, 0});
}

TEST_F(TopologyBuilderTest, TheGraceBeginsAnewWhenNobodyWasThereMeanwhile) {
  says(0, a, 5);
  decide();
  lose(0);
  decide();
  now_ += 60'000;
  says(1, b, 3);
  EXPECT_EQ(decide().change, Change::none) << "it may be the one that lives in the past";
  EXPECT_EQ(verdict_.look_again, cold_start_grace);
}

TEST_F(TopologyBuilderTest, ASingleSentinelIsAMajorityOfOne) {
  views_.resize(1);
  known_ = 1;
  says(0, a, 0);
  EXPECT_EQ(decide().change, Change::found);
  expect_current(a, {0, 0, 0});
  EXPECT_TRUE(verdict_.doubts.empty());
}

TEST_F(TopologyBuilderTest, HostNamesWithoutAnAddressCountAsSentinels) {
  known_ = 5;
  says(0, a, 5);
  says(1, a, 5);
  EXPECT_EQ(decide().change, Change::none);
  says(2, a, 5);
  EXPECT_EQ(decide().change, Change::found);
}

TEST_F(TopologyBuilderTest, TwoPrimariesUnderOneEpochAtAColdStartNeedAMajority) {
  says(0, a, 5);
  says(1, b, 5);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(decide_after(10'000).change, Change::none);
  EXPECT_THAT(doubt("sentinels-disagree"),
              HasSubstr("10.0.0.22:26379 names 10.0.0.8:6379 under epoch 5"));
  says(2, b, 5);
  EXPECT_EQ(decide().change, Change::found);
  expect_current(b, {0, 5, 0});
}

// Failovers

TEST_F(TopologyBuilderTest, AHigherEpochOfOneSentinelWinsAtOnce) {
  begin();
  says(2, b, 6);
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(b, {0, 6, 0});
  EXPECT_EQ(verdict_.source, 2u);
  EXPECT_FALSE(verdict_.agreed);
  all_say(b, 6);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_TRUE(verdict_.agreed);
  EXPECT_TRUE(verdict_.doubts.empty());
}

TEST_F(TopologyBuilderTest, AHigherEpochIsBelievedWithoutAMajority) {
  begin();
  lose(0);
  lose(1);
  says(2, b, 6);
  EXPECT_EQ(decide().change, Change::moved);
  EXPECT_NE(doubt("sentinels-missing"), "");
}

TEST_F(TopologyBuilderTest, AHigherEpochForTheSamePrimaryIsANewDecision) {
  begin();
  says(0, a, 7);
  EXPECT_EQ(decide().change, Change::confirmed);
  expect_current(a, {0, 7, 0});
}

TEST_F(TopologyBuilderTest, TwoPrimariesUnderANewEpochNeedAMajority) {
  begin();
  says(0, b, 6);
  says(1, c, 6);
  EXPECT_EQ(decide().change, Change::none);
  expect_current(a, {0, 5, 0});
  says(2, c, 6);
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(c, {0, 6, 0});
}

TEST_F(TopologyBuilderTest, TheLeaderDiesBeforeASecondOneHasHeardAndAnotherReplicaFollows) {
  begin();
  for (SentinelView& view : views_) view.down = true;
  says(0, b, 6);
  decide();
  lose(0);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_THAT(doubt("sentinel-behind"), HasSubstr("older than epoch 6"));
  says(1, c, 7);
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(c, {0, 7, 0});
}

// Two primaries under the current epoch (SENTINEL FAILOVER on two at once)

TEST_F(TopologyBuilderTest, UnderTheSameEpochOneOtherOpinionChangesNothing) {
  begin();
  says(1, b, 5);
  EXPECT_EQ(decide().change, Change::none);
  expect_current(a, {0, 5, 0});
  EXPECT_THAT(doubt("sentinels-disagree"), HasSubstr("10.0.0.7:6379 under epoch 5 stays"));
}

TEST_F(TopologyBuilderTest, UnderTheSameEpochAMajorityMovesThePrimaryByAStep) {
  begin();
  says(0, b, 6);
  decide();
  says(1, c, 6);
  EXPECT_EQ(decide().change, Change::none);
  says(2, c, 6);
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(c, {0, 6, 2});
  says(0, c, 6);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_TRUE(verdict_.doubts.empty());
}

TEST_F(TopologyBuilderTest, UnderTheSameEpochTheMajorityIsOneOfAllSentinelsNotOfThoseThatAnswer) {
  begin();
  lose(0);
  lose(1);
  says(2, b, 5);
  EXPECT_EQ(decide().change, Change::none);
  expect_current(a, {0, 5, 0});
}

// Memory

TEST_F(TopologyBuilderTest, WhatAPredecessorKnewIsNotUndoneByALowerEpoch) {
  builder_.remember(remembered({0, 7, 0}, b));
  all_say(a, 5);
  EXPECT_EQ(decide().change, Change::none);
  expect_current(b, {0, 7, 0});
}

TEST_F(TopologyBuilderTest, WhatAPredecessorKnewIsNotPublishedAgain) {
  builder_.remember(remembered({2, 7, 2}, b, {{c, true}}));
  all_say(b, 7);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_TRUE(verdict_.agreed);
  all_say(c, 8);
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(c, {2, 8, 0});
  EXPECT_TRUE(current().replicas.empty()) << "the only one known is primary now";
}

TEST_F(TopologyBuilderTest, AMemoryThatIsOlderThanThePresentKnowledgeIsIgnored) {
  begin();
  builder_.remember(remembered({0, 4, 9}, b));
  expect_current(a, {0, 5, 0});
}

}  // namespace
}  // namespace reconciler
