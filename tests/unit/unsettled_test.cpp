// Decisions that no majority stands behind yet: provisional promotions and suspected primaries.

#include "tests/unit/topology_builder_fixture.h"

namespace reconciler {
namespace {

using Change = Verdict::Change;
using Role = InstanceRole::Role;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Promotion : public TopologyBuilderTest {
 protected:
  Promotion() : TopologyBuilderTest({.act_on = ActOn::promotion, .ask_instances = true}) {
    role(a, Role::primary);
  }

  // Sentinel 0 leads a failover of `a`, and has chosen `b`, which has not turned primary yet.
  void choose() {
    begin();
    builder_.take_candidate(b, names_[0], now_);
    views_[0].failover = FailoverState::beginning;
    role(b, Role::replica);
    ASSERT_EQ(decide().change, Change::none);
  }
  void turn() {
    choose();
    role(b, Role::primary);
    ASSERT_EQ(decide().change, Change::provisional);
    expect_current(b, {0, 5, 1});
  }
  void leader_ends() { views_[0].failover = FailoverState::none; }
};

TEST_F(Promotion, EachNewPrimaryIsAskedOnceSoThatABadPasswordShowsInTime) {
  roles_.clear();
  begin();
  EXPECT_THAT(verdict_.roles_wanted, ElementsAre(a));
  roles_ = {{.instance = a, .role = Role::out_of_reach, .heard = now_, .cause = "WRONGPASS"}};
  EXPECT_THAT(decide().roles_wanted, ElementsAre(a));
  EXPECT_EQ(doubt("instance-unasked"), "cannot ask 10.0.0.7:6379 for its ROLE: WRONGPASS");
  role(a, Role::primary);
  EXPECT_THAT(decide().roles_wanted, IsEmpty());
  EXPECT_EQ(doubt("instance-unasked"), "");
  roles_.clear();
  EXPECT_THAT(decide_after(60'000).roles_wanted, IsEmpty());
}

TEST_F(Promotion, TheCandidateIsConnectedToBeforeItsLeaderAnswers) {
  begin();
  builder_.take_candidate(b, names_[0], now_);
  views_[0].failover = FailoverState::beginning;
  EXPECT_THAT(decide().roles_wanted, ElementsAre(b));
}

TEST_F(Promotion, TheCandidateIsPublishedWhenItCallsItselfPrimary) {
  turn();
  EXPECT_EQ(current().state, PrimaryState::known);
  EXPECT_EQ(verdict_.because,
            "Sentinel 10.0.0.21:26379 leads a failover and chose it, and its ROLE is primary");
  EXPECT_EQ(doubt("sentinels-disagree"), "") << "nobody can name it yet";
  EXPECT_THAT(doubt("promotion-unconfirmed"), HasSubstr("10.0.0.8:6379 turned primary"));
}

TEST_F(Promotion, TheSentinelsConfirmItUnderTheirEpoch) {
  turn();
  views_[0] = {.sentinel = names_[0],
               .standing = SentinelView::Standing::answered,
               .failover = FailoverState::promoted,
               .primary = b,
               .epoch = 6};
  EXPECT_EQ(decide().change, Change::confirmed);
  expect_current(b, {0, 6, 0});
  all_say(b, 6);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_THAT(verdict_.roles_wanted, IsEmpty());
  EXPECT_TRUE(verdict_.doubts.empty());
}

TEST_F(Promotion, ItIsNotBelievedOfOneThatNoLeaderChose) {
  begin();
  role(b, Role::primary);
  EXPECT_EQ(decide().change, Change::none);
}

TEST_F(Promotion, ItIsNotBelievedBeforeTheLeaderSaysThatItLeads) {
  begin();
  now_ += 10;
  builder_.take_candidate(b, names_[0], now_);
  role(b, Role::primary);
  for (SentinelView& view : views_) view.heard = now_ - 5;
  views_[0].failover = FailoverState::beginning;
  EXPECT_EQ(builder_.decide({.views = views_, .known = 3, .roles = roles_, .now = now_}).change,
            Change::none);
  EXPECT_EQ(decide().change, Change::provisional);
}

TEST_F(Promotion, AFailoverThatWasGivenUpLeavesEverythingAsItIs) {
  choose();
  leader_ends();
  EXPECT_THAT(decide().roles_wanted, IsEmpty());
  role(b, Role::primary);
  EXPECT_EQ(decide().change, Change::none);
  expect_current(a, {0, 5, 0});
}

TEST_F(Promotion, ALeaderThatLivesInThePastIsNotFollowed) {
  begin();
  all_say(c, 6);
  decide();
  says(0, a, 5);
  views_[0].failover = FailoverState::beginning;
  builder_.take_candidate(b, names_[0], now_);
  role(b, Role::primary);
  EXPECT_EQ(decide().change, Change::none);
  expect_current(c, {0, 6, 0});
}

TEST_F(Promotion, WhatTheCandidateSaidBeforeItWasChosenDoesNotCount) {
  begin();
  role(b, Role::primary);
  ++now_;
  builder_.take_candidate(b, names_[0], now_);
  views_[0].failover = FailoverState::beginning;
  EXPECT_EQ(decide().change, Change::none);
}

TEST_F(Promotion, ACandidateOfAnOlderFailoverNeverGoesOverANewerOne) {
  turn();
  lose(0);  // its leader
  says(1, c, 7);
  says(2, c, 7);
  role(c, Role::primary);
  ASSERT_EQ(decide().change, Change::moved);
  EXPECT_EQ(decide_after(100).change, Change::none) << "it calls itself primary until it is told";
  expect_current(c, {0, 7, 0});
  EXPECT_THAT(verdict_.roles_wanted, IsEmpty());
}

TEST_F(Promotion, AnAnswerThatWasOnItsWayBeforeTheCandidateWasNamedGivesNothingUp) {
  begin();
  builder_.take_candidate(b, names_[0], now_);
  EXPECT_EQ(decide().change, Change::none);
  views_[0].failover = FailoverState::beginning;
  role(b, Role::primary);
  EXPECT_EQ(decide_after(1).change, Change::provisional);
}

TEST_F(Promotion, ACandidateOfAFailoverThatNeverWasIsForgotten) {
  begin();
  builder_.take_candidate(b, names_[0], now_);
  EXPECT_THAT(decide().roles_wanted, ElementsAre(b));
  EXPECT_THAT(decide_after(1'000).roles_wanted, IsEmpty());
}

TEST_F(Promotion, IsNotTakenBackByOnesThatLiveInThePast) {
  turn();
  lose(0);
  says(2, a, 4);
  role(b, Role::replica);
  EXPECT_EQ(decide_after(8'000).change, Change::none);
  expect_current(b, {0, 5, 1});
}

TEST_F(Promotion, EpochsThatBeginAnewMeanwhileAreBelievedNoSooner) {
  turn();
  all_say(c, 0);
  role(c, Role::primary);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(decide_after(9'999).change, Change::none);
  EXPECT_EQ(decide_after(1).change, Change::anew);
  expect_current(c, {1, 0, 0});
}

TEST_F(Promotion, AMajorityThatStillNamesTheOldPrimaryDuringTheFailoverIsNoNews) {
  turn();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  expect_current(b, {0, 5, 1});
}

TEST_F(Promotion, IsTakenBackAtOnceWhenTheCandidateIsAReplicaAgain) {
  turn();
  lose(0);  // the leader, before anybody else has heard of it
  EXPECT_EQ(decide_after(8'000).change, Change::none);
  role(b, Role::replica);
  EXPECT_EQ(decide().change, Change::taken_back);
  expect_current(a, {0, 5, 2});
  EXPECT_THAT(verdict_.because, HasSubstr("2 of 3 Sentinels name it under epoch 5"));
  EXPECT_EQ(decide_after(60'000).change, Change::none);
}

TEST_F(Promotion, IsTakenBackThoughTheLeaderGoesOnWhenTheCandidateIsAReplicaAgain) {
  turn();
  EXPECT_EQ(decide_after(400).change, Change::none);
  role(b, Role::replica);  // another Sentinel made it one
  EXPECT_EQ(decide().change, Change::taken_back);
  expect_current(a, {0, 5, 2});
  EXPECT_THAT(verdict_.because, HasSubstr("and it is a replica again"));
  says(0, c, 7);  // the leader tries anew
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(c, {0, 7, 0});
}

TEST_F(Promotion, IsTakenBackSoonWhenTheCandidateIsGone) {
  turn();
  leader_ends();
  role(b, Role::out_of_reach);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(decide_after(take_back_silent).change, Change::taken_back);
  expect_current(a, {0, 5, 2});
}

TEST_F(Promotion, IsTakenBackAfterAWhileThoughTheCandidateCallsItselfPrimary) {
  turn();
  leader_ends();
  decide();
  EXPECT_EQ(decide_after(take_back_contrary - 1).change, Change::none);
  EXPECT_EQ(decide_after(1).change, Change::taken_back);
}

TEST_F(Promotion, IsNotTakenBackByAMajorityThatCallsTheOldPrimaryDown) {
  turn();
  lose(0);
  views_[1].down = views_[2].down = true;
  role(b, Role::primary);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  says(1, c, 7);  // another leader, another choice
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(c, {0, 7, 0});
}

TEST_F(Promotion, IsNotTakenBackByAMinority) {
  turn();
  lose(0);
  lose(1);
  role(b, Role::replica);
  EXPECT_EQ(decide_after(60'000).change, Change::none);
}

TEST_F(Promotion, IsRememberedAsProvisionalByASuccessor) {
  builder_.remember(remembered({0, 5, 1}, b));
  all_say(a, 5);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_THAT(verdict_.roles_wanted, Contains(b));
  role(b, Role::replica);
  EXPECT_EQ(decide().change, Change::taken_back);
  expect_current(a, {0, 5, 2});
}

TEST_F(TopologyBuilderTest, WhatAPredecessorPromotedIsSettledWithoutInstancesThatMayNotBeAsked) {
  builder_.remember(remembered({0, 5, 1}, b));
  all_say(a, 5);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_THAT(verdict_.roles_wanted, IsEmpty());
  EXPECT_EQ(decide_after(take_back_silent).change, Change::taken_back);
  expect_current(a, {0, 5, 2});
}

TEST_F(TopologyBuilderTest, WithoutPromotionACandidateIsNotActedUpon) {
  begin();
  builder_.take_candidate(b, names_[0], now_);
  views_[0].failover = FailoverState::beginning;
  role(b, Role::primary);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_THAT(verdict_.roles_wanted, IsEmpty());
}

// demote_on = "odown"

class EarlyDemotion : public TopologyBuilderTest {
 protected:
  EarlyDemotion() : TopologyBuilderTest({.demote_on = DemoteOn::odown}) {}

  void down(std::size_t sentinel, bool by_quorum = false) {
    views_[sentinel].down = true;
    views_[sentinel].objectively_down = by_quorum;
  }
  void suspect() {
    begin();
    for (std::size_t i = 0; i < 3; ++i) down(i);
    ASSERT_EQ(decide().change, Change::none) << "each for itself is no quorum";
    down(1, true);
    ASSERT_EQ(decide().change, Change::suspected);
    ASSERT_EQ(current().state, PrimaryState::suspected);
    expect_current(a, {0, 5, 1});
  }
};

TEST_F(EarlyDemotion, ThePrimaryIsWithdrawnWhenAQuorumCallsItDown) {
  suspect();
  EXPECT_EQ(verdict_.because, "Sentinel 10.0.0.22:26379, by a quorum, calls it down");
  EXPECT_THAT(doubt("primary-suspected"), HasSubstr("10.0.0.7:6379 down"));
  EXPECT_EQ(severity("primary-suspected"), ipc::Severity::degraded);
}

TEST_F(EarlyDemotion, ItComesBackWhenAMajorityOfThoseThatNameItCallItUp) {
  suspect();
  down(1);
  EXPECT_EQ(decide().change, Change::none) << "no quorum, but nobody calls it up either";
  all_say(a, 5);
  EXPECT_EQ(decide().change, Change::restored);
  EXPECT_EQ(current().state, PrimaryState::known);
  expect_current(a, {0, 5, 2});
}

TEST_F(EarlyDemotion, AFailoverEndsIt) {
  suspect();
  says(0, b, 6);
  EXPECT_EQ(decide().change, Change::moved);
  EXPECT_EQ(current().state, PrimaryState::known);
  expect_current(b, {0, 6, 0});
}

TEST_F(EarlyDemotion, StepsGrowWithEachTurn) {
  suspect();
  all_say(a, 5);
  decide();
  down(0, true);
  EXPECT_EQ(decide().change, Change::suspected);
  expect_current(a, {0, 5, 3});
}

TEST_F(EarlyDemotion, OneThatLivesInThePastWithdrawsNothing) {
  begin();
  all_say(b, 6);
  decide();
  says(0, a, 5);
  down(0, true);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(current().state, PrimaryState::known);
}

TEST_F(EarlyDemotion, OneInTiltWithdrawsNothing) {
  begin();
  down(0, true);
  views_[0].tilt = true;
  EXPECT_EQ(decide().change, Change::none);
}

TEST_F(EarlyDemotion, StaysWithdrawnWhileNobodyAnswers) {
  suspect();
  for (std::size_t i = 0; i < 3; ++i) lose(i);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  EXPECT_EQ(current().state, PrimaryState::suspected);
}

TEST_F(EarlyDemotion, AColdStartBeneathADownPrimaryBeginsWithIt) {
  all_say(a, 5);
  down(0, true);
  EXPECT_EQ(decide().change, Change::found) << "which targets may know under a further step";
  EXPECT_EQ(verdict_.look_again, 100);
  EXPECT_EQ(decide_after(100).change, Change::suspected);
  expect_current(a, {0, 5, 1});
}

TEST_F(TopologyBuilderTest, WithoutEarlyDemotionOneThatAPredecessorWithdrewComesBack) {
  Topology suspected = remembered({0, 5, 1}, a);
  suspected.state = PrimaryState::suspected;
  builder_.remember(suspected);
  all_say(a, 5);
  for (SentinelView& view : views_) view.down = view.objectively_down = true;
  EXPECT_EQ(decide().change, Change::restored);
  EXPECT_EQ(current().state, PrimaryState::known);
  expect_current(a, {0, 5, 2});
  EXPECT_EQ(decide().change, Change::none);
}

TEST_F(TopologyBuilderTest, WithoutEarlyDemotionAPrimaryThatIsDownStays) {
  begin();
  for (SentinelView& view : views_) view.down = view.objectively_down = true;
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(current().state, PrimaryState::known);
}

TEST_F(TopologyBuilderTest,
       WithoutEarlyDemotionWhatAPredecessorWithdrewIsBackWhenASentinelNamesIt) {
  Topology withdrawn = remembered({0, 5, 1}, a);
  withdrawn.state = PrimaryState::suspected;
  builder_.remember(withdrawn);
  EXPECT_EQ(decide().change, Change::none) << "there may have been a failover meanwhile";
  EXPECT_NE(doubt("primary-suspected"), "");
  says(0, a, 5);
  views_[0].down = views_[0].objectively_down = true;
  EXPECT_EQ(decide().change, Change::restored);
  EXPECT_EQ(current().state, PrimaryState::known);
  expect_current(a, {0, 5, 2});
  EXPECT_EQ(doubt("primary-suspected"), "");
}

}  // namespace
}  // namespace reconciler
