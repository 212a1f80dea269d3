#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/kubernetes_plan_fixture.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using Verdict = Plan::Verdict;
using KubernetesPlan = KubernetesPlanTest;

TEST_F(KubernetesPlan, WithNoLabelAnywhereEveryOtherPodIsFenced) {
  const Plan result = plan(1, "b");
  EXPECT_EQ(result.verdict, Verdict::change);
  EXPECT_THAT(fences(result), UnorderedElementsAre("a", "c"));
  EXPECT_EQ(promote(result), "b");
}

TEST_F(KubernetesPlan, AFailoverTakesTheLabelFromThePodThatHasIt) {
  promoted("a", 1);
  fenced("b", 1, "a");
  const Plan result = plan(2, "b");
  EXPECT_EQ(result.verdict, Verdict::change);
  EXPECT_THAT(fences(result), ElementsAre("a"));
  EXPECT_EQ(promote(result), "b");
}

TEST_F(KubernetesPlan, NothingIsSentWhereAllIsRight) {
  promoted("b", 2);
  fenced("a", 2, "b");
  EXPECT_EQ(plan(2, "b").verdict, Verdict::right);
}

TEST_F(KubernetesPlan, AnotherInstanceIsAmidADecisionFromItsFirstFenceToItsPromotion) {
  const Wanted second = wanted({0, 2, 0}, "b");
  promoted("a", 1);
  EXPECT_FALSE(is_under_way(second, pods_, {}));
  pods_.at("a").label.reset();
  fenced("a", 2, "b");
  EXPECT_TRUE(is_under_way(second, pods_, {}));
  EXPECT_TRUE(is_under_way(second, pods_, {1, 2, 3}));
  EXPECT_FALSE(is_under_way(second, pods_, {1, 7}));  // the fixture's number
  EXPECT_FALSE(is_under_way(wanted({0, 2, 0}, "c"), pods_, {}));
  promoted("b", 2);
  EXPECT_FALSE(is_under_way(second, pods_, {}));
  pods_.at("b").label.reset();  // wiped by hand: nobody is at it
  EXPECT_FALSE(is_under_way(second, pods_, {}));
}

TEST_F(KubernetesPlan, ALowerDecisionStandsDown) {
  promoted("b", 2);
  const Plan result = plan(1, "a");
  EXPECT_EQ(result.verdict, Verdict::stand_down);
  EXPECT_EQ(result.cause,
            "pod b remembers epoch 2 (10.0.0.2:6379), and this is epoch 1 (10.0.0.1:6379)");
}

TEST_F(KubernetesPlan, AFenceAloneIsEnoughToStandDownBy) {
  promoted("a", 1);
  fenced("c", 2, "b");  // a failover under epoch 2 is half done
  EXPECT_EQ(plan(1, "a").verdict, Verdict::stand_down);
}

TEST_F(KubernetesPlan, ALowerDecisionForThePodThatHasTheLabelIsRight) {
  fenced("a", 3, "b");
  promoted("b", 3);
  EXPECT_EQ(plan(2, "b").verdict, Verdict::right);
  label("c");
  EXPECT_EQ(plan(2, "b").verdict, Verdict::stand_down);  // the higher one repairs that
}

TEST_F(KubernetesPlan, TheStepOrdersWithinAnEpoch) {
  promoted("a", 5);
  EXPECT_EQ(plan(5, "b", 1).verdict, Verdict::change);
  stamp("a", StampKind::promoted, 5, "a", 2);
  EXPECT_EQ(plan(5, "b", 1).verdict, Verdict::stand_down);
}

TEST_F(KubernetesPlan, OfTwoPrimariesUnderOneEpochTheHigherAddressStays) {
  promoted("a", 5);
  EXPECT_EQ(plan(5, "b").verdict, Verdict::change);
  promoted("b", 5);
  pods_.at("a").label.reset();
  EXPECT_EQ(plan(5, "a").verdict, Verdict::stand_down);
}

TEST_F(KubernetesPlan, ANewerFormatOfTheStampIsHigherThanAnything) {
  promoted("a", 1);
  pods_.at("c").stamp = read_stamp("v2 from the future");
  const Plan result = plan(99, "b");
  EXPECT_EQ(result.verdict, Verdict::stand_down);
  EXPECT_TRUE(result.newer_format);
  EXPECT_THAT(result.cause, HasSubstr("newer than this program"));
}

TEST_F(KubernetesPlan, AStampThatIsNoneIsLowest) {
  promoted("a", 1);
  pods_.at("c").stamp = read_stamp("scribble");
  EXPECT_EQ(plan(2, "b").verdict, Verdict::change);
}

TEST_F(KubernetesPlan, APausedGroupIsLeftAloneAndTheReasonIsTold) {
  promoted("a", 1);
  fenced("b", 1, "a");
  pods_.at("c").pause = std::string("by jane");
  const Plan result = plan(2, "b");
  EXPECT_EQ(result.verdict, Verdict::paused);
  EXPECT_THAT(fences(result), ElementsAre("a"));  // for an attempt that has begun
  EXPECT_EQ(promote(result), "b");
  EXPECT_EQ(result.cause, "paused by the annotation valkey-reconciler.io/paused of pod c: by jane");
}

TEST_F(KubernetesPlan, APausedGroupThatIsRightIsRight) {
  promoted("b", 2);
  fenced("a", 2, "b");
  pods_.at("a").pause = std::string("true");
  const Plan result = plan(2, "b");
  EXPECT_EQ(result.verdict, Verdict::right);
  EXPECT_THAT(result.pause, HasSubstr("pod a: true"));
}

TEST_F(KubernetesPlan, APauseOfAnotherGroupIsNoneOfOurs) {
  promoted("a", 1);
  stamp("c", StampKind::fenced, 1, "c", 0, "other");
  pods_.at("c").pause = std::string("true");
  EXPECT_EQ(plan(2, "b").verdict, Verdict::change);
}

// ---- labels that others set or took ----

TEST_F(KubernetesPlan, ASecondLabelIsTakenOffAndNothingElseIsTouched) {
  promoted("b", 2);
  fenced("a", 2, "b");
  label("c");
  const Plan result = plan(2, "b");
  EXPECT_EQ(result.verdict, Verdict::change);
  EXPECT_THAT(fences(result), ElementsAre("c"));
  EXPECT_EQ(promote(result), "");
}

TEST_F(KubernetesPlan, ALabelThatWasWipedComesBackAfterTheWordOfAll) {
  promoted("b", 2);
  fenced("a", 2, "b");
  pods_.at("b").label.reset();
  const Plan result = plan(2, "b");
  EXPECT_EQ(result.verdict, Verdict::change);
  EXPECT_THAT(fences(result), UnorderedElementsAre("a", "c"));
  EXPECT_EQ(promote(result), "b");
}

TEST_F(KubernetesPlan, ALabelThatWasMovedByHandProvesNothingOfTheOthers) {
  promoted("b", 2);
  fenced("a", 2, "b");
  pods_.at("b").label.reset();
  label("c");
  const Plan result = plan(2, "b");
  EXPECT_THAT(fences(result), UnorderedElementsAre("a", "c"));
  EXPECT_EQ(promote(result), "b");
}

TEST_F(KubernetesPlan, ALabelOnAFencedPodIsNoToken) {
  fenced("a", 2, "b");
  label("a");
  const Plan result = plan(3, "c");
  EXPECT_THAT(fences(result), UnorderedElementsAre("a", "b"));
}

TEST_F(KubernetesPlan, ALabelWithoutStampsIsAdoptedWithTheWordOfAll) {
  label("b");
  const Plan result = plan(4, "b");
  EXPECT_EQ(result.verdict, Verdict::change);
  EXPECT_THAT(fences(result), UnorderedElementsAre("a", "c"));
  EXPECT_EQ(promote(result), "b");
}

TEST_F(KubernetesPlan, ALabelUnderALowerStampIsStampedAnew) {
  promoted("b", 2);
  const Plan result = plan(3, "b");
  EXPECT_EQ(result.verdict, Verdict::change);
  EXPECT_THAT(fences(result), UnorderedElementsAre("a", "c"));
  EXPECT_EQ(promote(result), "b");
}

TEST_F(KubernetesPlan, AnotherValueOfTheLabelIsNotThisLabel) {
  promoted("b", 2);
  label("c", "false");
  EXPECT_EQ(plan(2, "b").verdict, Verdict::right);
  label("b", "false");
  EXPECT_EQ(promote(plan(2, "b")), "b");
}

TEST_F(KubernetesPlan, APodThatWasCreatedAnewIsNoReasonToWrite) {
  promoted("b", 2);
  pods_.at("c").uid = "uid-c-2";
  EXPECT_EQ(plan(2, "b").verdict, Verdict::right);
}

TEST_F(KubernetesPlan, ThePrimarysPodCreatedAnewGetsTheLabelAgain) {
  fenced("a", 2, "b");
  pods_.at("b").uid = "uid-b-2";
  const Plan result = plan(2, "b");
  EXPECT_THAT(fences(result), UnorderedElementsAre("a", "c"));
  EXPECT_EQ(promote(result), "b");
}

TEST_F(KubernetesPlan, AGroupOfOnePodNeedsNoFence) {
  pods_.erase("a");
  pods_.erase("c");
  const Plan result = plan(1, "b");
  EXPECT_TRUE(result.fences.empty());
  EXPECT_EQ(promote(result), "b");
}

// ---- groups ----

TEST_F(KubernetesPlan, PodsOfAnotherGroupAreLeftAlone) {
  promoted("a", 1);
  stamp("c", StampKind::promoted, 9, "c", 0, "other");
  const Plan result = plan(2, "b");
  EXPECT_THAT(fences(result), ElementsAre("a"));
  EXPECT_EQ(promote(result), "b");
}

TEST_F(KubernetesPlan, NothingIsPromotedBesideALabelOfAnotherGroup) {
  promoted("a", 1);
  stamp("c", StampKind::promoted, 9, "c", 0, "other");
  label("c");
  for (const Plan& result : {plan(2, "b"), plan(1, "a")}) {
    EXPECT_EQ(result.verdict, Verdict::other_group);
    EXPECT_TRUE(result.fences.empty());
    EXPECT_EQ(promote(result), "");
    EXPECT_THAT(result.cause, HasSubstr("pod c carries the label valkey-master=true but belongs "
                                        "to group other"));
    EXPECT_THAT(result.cause, HasSubstr("overwrite the annotation valkey-reconciler.io/stamp"));
  }
  EXPECT_EQ(plan(1, "a", 1, true).verdict, Verdict::change) << "taking off is always right";
  promoted("b", 3);
  pods_.at("a").label.reset();
  EXPECT_EQ(plan(2, "b").verdict, Verdict::other_group) << "agreed by a lower decision";
}

TEST_F(KubernetesPlan, AnInstanceInAnotherGroupsPodIsNoPod) {
  stamp("b", StampKind::fenced, 1, "a", 0, "other");
  const Plan result = plan(2, "b");
  EXPECT_EQ(result.verdict, Verdict::no_pod);
  EXPECT_THAT(result.cause, HasSubstr("belongs to group other"));
}

// ---- no pod ----

TEST_F(KubernetesPlan, WithoutAPodUnderTheStampedEpochTheLabelStays) {
  promoted("a", 2);
  const Plan result = plan(2, "z", 1);
  EXPECT_EQ(result.verdict, Verdict::no_pod);
  EXPECT_TRUE(result.fences.empty());
}

TEST_F(KubernetesPlan, WithoutAPodUnderAHigherEpochTheOldLabelMayGo) {
  promoted("a", 2);
  const Plan result = plan(3, "z");
  EXPECT_EQ(result.verdict, Verdict::no_pod_stale);
  EXPECT_THAT(fences(result), ElementsAre("a"));
}

TEST_F(KubernetesPlan, WithoutAPodALabelThatWasNeverOursStays) {
  label("a");
  EXPECT_EQ(plan(3, "z").verdict, Verdict::no_pod);
}

TEST_F(KubernetesPlan, WithoutAPodAndWithoutALabelThereIsNothingToTakeOff) {
  fenced("a", 2, "b");
  EXPECT_EQ(plan(3, "z").verdict, Verdict::no_pod);
}

TEST_F(KubernetesPlan, AnEmptyGroupHasNoPod) {
  pods_.clear();
  EXPECT_EQ(plan(1, "a").verdict, Verdict::no_pod);
}

// ---- suspected ----

TEST_F(KubernetesPlan, ASuspectedPrimaryLosesItsLabel) {
  promoted("a", 2);
  const Plan result = plan(2, "a", 1, true);
  EXPECT_EQ(result.verdict, Verdict::change);
  EXPECT_THAT(fences(result), ElementsAre("a"));
  EXPECT_EQ(promote(result), "");
}

TEST_F(KubernetesPlan, AWithdrawalThatIsDoneIsRight) {
  stamp("a", StampKind::fenced, 2, "a", 1);
  EXPECT_EQ(plan(2, "a", 1, true).verdict, Verdict::right);
}

TEST_F(KubernetesPlan, AWithdrawalThatFoundNoLabelIsRememberedEverywhere) {
  fenced("b", 2, "a");
  const Plan result = plan(2, "a", 1, true);
  EXPECT_THAT(fences(result), UnorderedElementsAre("a", "b", "c"));
}

TEST_F(KubernetesPlan, AWithdrawalOfALowerDecisionStandsDown) {
  promoted("b", 3);
  EXPECT_EQ(plan(2, "a", 1, true).verdict, Verdict::stand_down);
}

TEST_F(KubernetesPlan, ARestoredPrimaryGetsTheLabelBack) {
  stamp("a", StampKind::fenced, 2, "a", 1);
  const Plan result = plan(2, "a", 2);
  EXPECT_THAT(fences(result), UnorderedElementsAre("b", "c"));
  EXPECT_EQ(promote(result), "a");
}

}  // namespace
}  // namespace reconciler
