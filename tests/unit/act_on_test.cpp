// How much proof is wanted before a new primary is published: `act_on`, and two primaries under one epoch where the instances
// may be asked.

#include "tests/unit/topology_builder_fixture.h"

namespace reconciler {
namespace {

using Change = Verdict::Change;
using Role = InstanceRole::Role;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// agreement

class Agreement : public TopologyBuilderTest {
 protected:
  Agreement() : TopologyBuilderTest({.act_on = ActOn::agreement}) {}
};

TEST_F(Agreement, OneSentinelUnderAHigherEpochIsNotEnough) {
  begin();
  says(0, b, 6);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(doubt("waiting-for-agreement"),
            "1 of 3 Sentinels name 10.0.0.8:6379 under epoch 6, and 2 have to");
  EXPECT_EQ(severity("waiting-for-agreement"), ipc::Severity::blocking);
  says(1, b, 6);
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(b, {0, 6, 0});
  EXPECT_EQ(verdict_.because, "2 of 3 Sentinels name it under epoch 6");
}

TEST_F(Agreement, TwoThatDoNotAgreeAreNotEnough) {
  begin();
  says(0, b, 6);
  says(1, c, 6);
  EXPECT_EQ(decide().change, Change::none);
  says(2, c, 6);
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(c, {0, 6, 0});
}

TEST_F(Agreement, IsAMajorityOfAllThatAreKnownAndTwoAtLeast) {
  struct Row {
    std::size_t known, needed;
  };
  for (const Row row : {Row{1, 1}, Row{2, 2}, Row{3, 2}, Row{4, 3}, Row{5, 3}, Row{7, 4}}) {
    TopologyBuilder builder("myprimary", {.act_on = ActOn::agreement}, aliases_);
    std::vector<SentinelView> views(
        row.known,
        {.sentinel = "s", .standing = SentinelView::Standing::answered, .primary = a, .epoch = 5});
    ASSERT_EQ(builder.decide({.views = views, .known = row.known}).change, Change::found);
    for (std::size_t i = 0; i < row.needed; ++i) {
      EXPECT_EQ(builder.current().primary, a) << row.known;
      views[i].primary = b;
      views[i].epoch = 6;
      builder.decide({.views = views, .known = row.known});
    }
    EXPECT_EQ(builder.current().primary, b) << row.known;
  }
}

TEST_F(Agreement, AColdStartWaitsForItTooHoweverLong) {
  says(0, a, 5);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(decide_after(60'000).change, Change::none);
  says(2, a, 5);
  EXPECT_EQ(decide().change, Change::found);
}

class AgreementAndRole : public TopologyBuilderTest {
 protected:
  AgreementAndRole() : TopologyBuilderTest({.act_on = ActOn::agreement, .ask_instances = true}) {
    role(a, Role::primary);
  }
};

TEST_F(AgreementAndRole, TheInstanceIsAskedWhileTheOthersAreAwaited) {
  begin();
  EXPECT_THAT(decide().roles_wanted, IsEmpty());
  says(0, b, 6);
  EXPECT_THAT(decide().roles_wanted, ElementsAre(b));
  role(b, Role::primary);
  EXPECT_EQ(decide().change, Change::none);
  says(1, b, 6);
  EXPECT_EQ(decide().change, Change::moved);
  EXPECT_THAT(decide().roles_wanted, IsEmpty());
}

TEST_F(AgreementAndRole, AnInstanceThatCallsItselfAReplicaIsNotPublished) {
  begin();
  role(b, Role::replica);
  all_say(b, 6);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(decide_after(60'000).change, Change::none);
  EXPECT_THAT(doubt("role-contradicts"), HasSubstr("10.0.0.8:6379 under epoch 6"));
  role(b, Role::primary);
  EXPECT_EQ(decide().change, Change::moved);
}

TEST_F(AgreementAndRole, AnInstanceThatCannotBeAskedIsPublishedAfterAMoment) {
  begin();
  role(b, Role::out_of_reach);
  all_say(b, 6);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_EQ(verdict_.look_again, role_patience);
  EXPECT_EQ(decide_after(role_patience - 1).change, Change::none);
  EXPECT_EQ(decide_after(1).change, Change::moved);
}

TEST_F(AgreementAndRole, AnOldAnswerIsNone) {
  begin();
  role(b, Role::primary);
  now_ += role_lifetime + 1;
  all_say(b, 6);
  EXPECT_EQ(decide().change, Change::none);
}

TEST_F(AgreementAndRole, UnderTheSameEpochARoleAloneIsNotEnoughAgainstAMajority) {
  begin();
  says(2, b, 5);
  role(a, Role::replica);
  role(b, Role::primary);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  says(1, b, 5);
  EXPECT_EQ(decide().change, Change::moved);
}

TEST_F(AgreementAndRole, UnderTheSameEpochItIsWhereNobodyHasAMajority) {
  begin();
  says(2, b, 5);
  lose(1);
  role(a, Role::replica);
  role(b, Role::primary);
  EXPECT_EQ(decide().change, Change::moved);
}

// Two primaries under one epoch

class Asking : public TopologyBuilderTest {
 protected:
  Asking() : TopologyBuilderTest({.ask_instances = true}) { role(a, Role::primary); }
};

TEST_F(Asking, AnnouncementsAreActedUponWithoutAsking) {
  begin();
  says(0, b, 6);
  EXPECT_EQ(decide().change, Change::moved);
  EXPECT_THAT(verdict_.roles_wanted, IsEmpty());
}

TEST_F(Asking, OfTwoUnderTheSameEpochTheOnlyOneThatCallsItselfPrimaryWins) {
  begin();
  says(2, b, 5);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_THAT(verdict_.roles_wanted, UnorderedElementsAre(a, b));
  role(b, Role::primary);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_THAT(doubt("two-primaries"), HasSubstr("both call themselves primary"));
  role(a, Role::replica);
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(b, {0, 5, 2});
}

TEST_F(Asking, AMajorityUnderTheSameEpochDoesNotMoveItToAReplica) {
  begin();
  role(b, Role::replica);
  says(1, b, 5);
  says(2, b, 5);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  role(b, Role::primary);
  EXPECT_EQ(decide().change, Change::moved);
}

TEST_F(Asking, BetweenTwoUnderANewEpochTheOnlyPrimaryIsChosen) {
  begin();
  says(0, b, 6);
  says(1, c, 6);
  EXPECT_EQ(decide().change, Change::none);
  EXPECT_THAT(verdict_.roles_wanted, UnorderedElementsAre(b, c));
  role(b, Role::replica);
  EXPECT_EQ(decide().change, Change::none) << "the other one was not heard yet";
  role(c, Role::primary);
  EXPECT_EQ(decide().change, Change::moved);
  expect_current(c, {0, 6, 0});
}

TEST_F(Asking, EpochsBeganAnewOnlyWhereTheInstanceAgrees) {
  begin();
  all_say(b, 1);
  role(b, Role::replica);
  decide();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(decide_after(5'000).change, Change::none);
  EXPECT_THAT(doubt("sentinel-epochs-began-anew"), HasSubstr("its ROLE agrees, which it does not"));
  role(b, Role::primary);
  EXPECT_EQ(decide().change, Change::anew);
}

TEST_F(TopologyBuilderTest,
       WhatWasHeardBeforeAPauseOfThisProcessIsAskedForAgainBeforeItIsBelieved) {
  begin();
  all_say(b, 1);
  decide();
  now_ += 60'000;  // stopped: nothing was heard
  const auto verdict =
      builder_.decide({.views = views_, .known = known_, .roles = roles_, .now = now_});
  EXPECT_EQ(verdict.change, Change::none);
  EXPECT_TRUE(verdict.ask_all);
  EXPECT_EQ(decide().change, Change::anew) << "now they have said so again";
}

TEST_F(TopologyBuilderTest, AllAreAskedAgainOnlyNowAndThenWhileOneOfThemIsFrozen) {
  begin();
  all_say(b, 1);
  decide();
  now_ += 10'000;
  views_[0].heard = views_[1].heard = now_;
  const auto decide_once_more = [&] {
    return builder_.decide({.views = views_, .known = known_, .roles = roles_, .now = now_});
  };
  EXPECT_TRUE(decide_once_more().ask_all);
  for (int i = 0; i < 5; ++i) {  // each answer of the others is a reason to decide
    ++now_;
    const Verdict verdict = decide_once_more();
    EXPECT_FALSE(verdict.ask_all);
    EXPECT_LE(verdict.look_again, 200);
  }
  now_ += 200;
  EXPECT_TRUE(decide_once_more().ask_all);
}

// Host names

TEST_F(TopologyBuilderTest, ANameAndItsAddressAreOneInstance) {
  begin();
  const Endpoint name{"valkey-0.example", a.port};
  aliases_.looking_up(name.host);
  all_say(name, 5);
  EXPECT_EQ(decide().change, Change::none) << "it is being looked up";
  aliases_.found(name.host, {a.host});
  EXPECT_EQ(decide_after(5'000).change, Change::none);
  expect_current(a, {0, 5, 0});
  EXPECT_TRUE(verdict_.agreed);
  EXPECT_TRUE(verdict_.doubts.empty());
  all_say(name, 6);
  EXPECT_EQ(decide().change, Change::confirmed);
  expect_current(name, {0, 6, 0});
}

TEST_F(TopologyBuilderTest, ANameOfAnotherInstanceIsAnotherInstance) {
  begin();
  aliases_.found("valkey-1.example", {b.host});
  all_say({"valkey-1.example", b.port}, 5);
  EXPECT_EQ(decide().change, Change::moved);
}

}  // namespace
}  // namespace reconciler
