// What is published of what the Sentinels say, told as the situations of real Sentinels.

#include "supervisor/sentinel_watcher/topology_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace reconciler {
namespace {

using Change = Verdict::Change;
using Standing = SentinelView::Standing;
using testing::ElementsAre;
using testing::HasSubstr;

const Endpoint a{"10.0.0.7", 6379};
const Endpoint b{"10.0.0.8", 6379};
const Endpoint c{"10.0.0.9", 6379};

class TopologyBuilderTest : public testing::Test {
 protected:
  TopologyBuilderTest() {
    for (const std::string& name : names_) views_.push_back({.sentinel = name});
  }

  void says(std::size_t sentinel, const Endpoint& primary, uint64_t epoch) {
    views_[sentinel] = {.sentinel = names_[sentinel],
                        .standing = Standing::answered,
                        .primary = primary,
                        .epoch = epoch};
  }
  void all_say(const Endpoint& primary, uint64_t epoch) {
    for (std::size_t i = 0; i < views_.size(); ++i) says(i, primary, epoch);
  }
  void lose(std::size_t sentinel) { views_[sentinel] = {.sentinel = names_[sentinel]}; }

  Verdict decide() {
    verdict_ = builder_.decide(views_, known_, now_);
    return verdict_;
  }
  Verdict decide_after(Milliseconds time) {
    now_ += time;
    return decide();
  }
  // A group whose primary is `a` under epoch 5, said by all three.
  void begin() {
    all_say(a, 5);
    ASSERT_EQ(decide().change, Change::found);
  }

  static Topology remembered(const Decision& decision, const Endpoint& primary,
                             std::vector<Replica> replicas = {}) {
    Topology topology;
    topology.group = "myprimary";
    topology.decision = decision;
    topology.primary = primary;
    topology.replicas = std::move(replicas);
    return topology;
  }

  const Topology& current() const { return builder_.current(); }
  std::string doubt(const std::string& id) const {
    for (const Doubt& doubt : verdict_.doubts) {
      if (doubt.id == id) return doubt.message;
    }
    return "";
  }
  ipc::Severity severity(const std::string& id) const {
    for (const Doubt& doubt : verdict_.doubts) {
      if (doubt.id == id) return doubt.severity;
    }
    ADD_FAILURE() << "no doubt " << id;
    return {};
  }
  void expect_current(const Endpoint& primary, const Decision& decision) const {
    EXPECT_EQ(to_string(current().primary), to_string(primary));
    EXPECT_EQ(current().decision.era, decision.era);
    EXPECT_EQ(current().decision.epoch, decision.epoch);
    EXPECT_EQ(current().decision.step, decision.step);
  }

  std::vector<std::string> names_{"10.0.0.21:26379", "10.0.0.22:26379", "10.0.0.23:26379"};
  std::vector<SentinelView> views_;
  std::size_t known_ = 3;
  Milliseconds now_ = 1'000'000;
  TopologyBuilder builder_{"myprimary"};
  Verdict verdict_;
};

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
  expect_current(c, {0, 6, 1});
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

// Memory

TEST_F(TopologyBuilderTest, WhatAPredecessorKnewIsNotUndoneByALowerEpoch) {
  builder_.remember(remembered({0, 7, 0}, b));
  all_say(a, 5);
  EXPECT_EQ(decide().change, Change::none);
  expect_current(b, {0, 7, 0});
}

TEST_F(TopologyBuilderTest, WhatAPredecessorKnewIsNotPublishedAgain) {
  builder_.remember(remembered({2, 7, 1}, b, {{c, true}}));
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

// Replicas

class ReplicasTest : public TopologyBuilderTest {
 protected:
  void SetUp() override { begin(); }

  std::vector<std::string> replicas() const {
    std::vector<std::string> texts;
    for (const Replica& replica : current().replicas) {
      texts.push_back(to_string(replica.endpoint) + (replica.healthy ? "" : "!"));
    }
    return texts;
  }
  void sentinel_lists(const std::vector<ReplicaReply>& replies) {
    builder_.take_replicas(replies, now_);
  }
};

TEST_F(ReplicasTest, AreSortedAndPublishedAfterAShortDelay) {
  sentinel_lists({{c, false, true}, {b, false, true}});
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(verdict_.look_again, replicas_delay);
  EXPECT_EQ(decide_after(replicas_delay).change, Change::replicas);
  EXPECT_THAT(replicas(), ElementsAre("10.0.0.8:6379", "10.0.0.9:6379"));
  expect_current(a, {0, 5, 0});
  EXPECT_EQ(decide_after(10'000).change, Change::none);
}

TEST_F(ReplicasTest, ASwitchDoesNotWaitForThemAndLeavesOutTheNewPrimary) {
  sentinel_lists({{c, false, true}, {b, false, true}});
  decide();
  says(0, b, 6);
  EXPECT_EQ(decide().change, Change::moved);
  EXPECT_THAT(replicas(), ElementsAre("10.0.0.9:6379"));
}

TEST_F(ReplicasTest, AChangeThatIsTakenBackAtOnceIsNotPublished) {
  sentinel_lists({{b, false, true}});
  decide_after(0);
  decide_after(replicas_delay);
  sentinel_lists({{b, true, true}});
  EXPECT_EQ(decide_after(100).change, Change::none);
  sentinel_lists({{b, false, true}});
  EXPECT_EQ(decide_after(10'000).change, Change::none);
}

TEST_F(ReplicasTest, HealthFollowsWhatSentinelSays) {
  struct Row {
    const char* name;
    ReplicaReply reply;
    Milliseconds after;
    const char* expected;
  };
  const std::vector<Row> table = {
      {"new, and not asked for INFO yet", {b, false, {}}, 0, "10.0.0.8:6379!"},
      {"linked", {b, false, true}, 0, "10.0.0.8:6379"},
      {"switched a moment ago, no INFO yet", {b, false, {}}, 0, "10.0.0.8:6379"},
      {"its link is down for a moment", {b, false, false}, 0, "10.0.0.8:6379"},
      {"its link is still down", {b, false, false}, unlinked_grace, "10.0.0.8:6379!"},
      {"linked again", {b, false, true}, 0, "10.0.0.8:6379"},
      {"down", {b, true, {}}, 0, "10.0.0.8:6379!"},
      {"up, its link is down", {b, false, false}, 0, "10.0.0.8:6379!"},
  };
  for (const Row& row : table) {
    now_ += row.after;
    sentinel_lists({row.reply});
    decide();
    decide_after(replicas_delay);
    EXPECT_THAT(replicas(), ElementsAre(row.expected)) << row.name;
  }
}

TEST_F(ReplicasTest, LinksThatAreDownWhileThePrimaryIsSayNothing) {
  sentinel_lists({{b, false, true}});
  decide();
  decide_after(replicas_delay);
  for (SentinelView& view : views_) view.down = true;
  decide();
  for (int i = 0; i < 5; ++i) {
    now_ += unlinked_grace;
    sentinel_lists({{b, false, false}});
    EXPECT_EQ(decide_after(replicas_delay).change, Change::none);
  }
  EXPECT_THAT(replicas(), ElementsAre("10.0.0.8:6379"));
}

TEST_F(ReplicasTest, AreTakenFromAViewThatNamesTheCurrentPrimary) {
  EXPECT_EQ(verdict_.source, 0u);
  says(0, c, 4);
  decide();
  EXPECT_EQ(verdict_.source, 1u);
  lose(1);
  says(2, b, 6);
  decide();
  EXPECT_EQ(verdict_.source, 2u);
  lose(2);
  decide();
  EXPECT_EQ(verdict_.source, std::nullopt);
}

// The two answers of one question

struct Halves {
  const char* name;
  Endpoint address;
  PrimaryReply primary;
  bool belong_together;
  bool down, reported_replica;
};

TEST(TakeAnswer, KnowsHalvesThatDoNotBelongTogether) {
  const std::vector<Halves> table = {
      {"at rest", a, {a, 5, false, false, FailoverState::none}, true, false, false},
      {"down", a, {a, 5, true, false, FailoverState::none}, true, true, false},
      {"demoted", a, {a, 5, false, true, FailoverState::none}, true, false, true},
      {"failover begun", a, {a, 5, true, false, FailoverState::beginning}, true, true, false},
      {"promoted: MASTER shows the old instance",
       b,
       {a, 6, true, true, FailoverState::promoted},
       true,
       false,
       false},
      {"promoted between the halves",
       a,
       {a, 6, true, false, FailoverState::promoted},
       false,
       false,
       false},
      {"switched between the halves",
       a,
       {b, 6, false, false, FailoverState::none},
       false,
       false,
       false},
      {"address of a failover that had only begun",
       b,
       {a, 5, true, false, FailoverState::beginning},
       false,
       false,
       false},
      {"a state of a later version, old address",
       a,
       {a, 5, false, false, FailoverState::other},
       true,
       false,
       false},
      {"a state of a later version, new address",
       b,
       {a, 6, true, true, FailoverState::other},
       true,
       false,
       false},
  };
  for (const Halves& row : table) {
    SentinelView view;
    view.standing = Standing::unheard;
    EXPECT_EQ(take_answer(view, row.address, row.primary), row.belong_together) << row.name;
    EXPECT_EQ(view.standing, row.belong_together ? Standing::answered : Standing::unheard)
        << row.name;
    if (!row.belong_together) continue;
    EXPECT_EQ(view.primary, row.address) << row.name;
    EXPECT_EQ(view.epoch, row.primary.config_epoch) << row.name;
    EXPECT_EQ(view.down, row.down) << row.name;
    EXPECT_EQ(view.reported_replica, row.reported_replica) << row.name;
  }
}

TEST(TakeAnswer, AGroupThatCameOrWentBetweenTheHalvesIsAskedForAgain) {
  SentinelView view;
  EXPECT_FALSE(take_answer(view, a, std::nullopt));
  EXPECT_FALSE(take_answer(view, std::nullopt, PrimaryReply{a}));
  EXPECT_TRUE(take_answer(view, std::nullopt, std::nullopt));
  EXPECT_EQ(view.standing, Standing::unknown_group);
}

}  // namespace
}  // namespace reconciler
