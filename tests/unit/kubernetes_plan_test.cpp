#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kubernetes/plan.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using Verdict = Plan::Verdict;

const LabelRule rule{"valkey-master", "true"};

// Three pods `a`, `b`, `c` with the addresses 10.0.0.1 to 3, and what a case puts on them.
class KubernetesPlan : public testing::Test {
 protected:
  KubernetesPlan() {
    for (const char* name : {"a", "b", "c"}) {
      Pod pod;
      pod.name = name;
      pod.uid = std::string("uid-") + name;
      pod.addresses = {"10.0.0." + std::to_string(pods_.size() + 1)};
      pod.has_labels = true;
      pod.ready = true;
      pods_.emplace(name, pod);
    }
  }

  static std::string address(const std::string& pod) {
    return "10.0.0." + std::to_string(pod[0] - 'a' + 1) + ":6379";
  }

  void label(const std::string& pod, const std::string& value = "true") {
    pods_.at(pod).label = value;
  }
  void stamp(const std::string& pod, StampKind kind, uint64_t epoch, const std::string& primary,
             uint32_t step = 0, const std::string& group = "g") {
    pods_.at(pod).has_annotations = true;
    pods_.at(pod).stamp =
        read_stamp(format_stamp({{{0, epoch, step}, address(primary)}, kind, 7, group}));
  }
  // As a failover to `pod` under `epoch` leaves it.
  void promoted(const std::string& pod, uint64_t epoch) {
    label(pod);
    stamp(pod, StampKind::promoted, epoch, pod);
  }
  void fenced(const std::string& pod, uint64_t epoch, const std::string& primary) {
    stamp(pod, StampKind::fenced, epoch, primary);
  }

  Plan plan(uint64_t epoch, const std::string& primary, uint32_t step = 0, bool withdrawn = false) {
    Wanted wanted;
    wanted.group = "g";
    wanted.host = "10.0.0." + std::to_string(primary[0] - 'a' + 1);
    wanted.port = 6379;
    wanted.claim = {{0, epoch, step}, address(primary)};
    wanted.withdrawn = withdrawn;
    return make_plan(wanted, pods_, rule, "shop");
  }

  static Wanted wanted(Decision decision, const std::string& primary) {
    Wanted result;
    result.group = "g";
    result.host = "10.0.0." + std::to_string(primary[0] - 'a' + 1);
    result.port = 6379;
    result.claim = {decision, address(primary)};
    return result;
  }
  // What the pods know of a decision beyond its own era and step.
  std::optional<Decision> known(Decision decision, const std::string& primary,
                                bool withdrawn = false) {
    Wanted asked = wanted(decision, primary);
    asked.withdrawn = withdrawn;
    return known_ahead(asked, pods_, "shop");
  }
  void stamp_era(const std::string& pod, Decision decision, const std::string& primary,
                 StampKind kind = StampKind::fenced) {
    pods_.at(pod).stamp = read_stamp(format_stamp({{decision, address(primary)}, kind, 7, "g"}));
  }

  static std::vector<std::string> fences(const Plan& plan) {
    std::vector<std::string> names;
    for (const Pod* pod : plan.fences) names.push_back(pod->name);
    return names;
  }
  static std::string promote(const Plan& plan) {
    return plan.promote == nullptr ? "" : plan.promote->name;
  }

  Pods pods_;
};

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

// ---- eras and steps that others counted ----

TEST_F(KubernetesPlan, TheEraIsLearntFromTheSameDecisionAlone) {
  stamp_era("a", {2, 1, 0}, "b");
  EXPECT_EQ(known({0, 1, 0}, "b"), (Decision{2, 1, 0})) << "started after two resets";
  EXPECT_EQ(known({2, 1, 0}, "b"), std::nullopt) << "known already";
  EXPECT_EQ(known({3, 1, 0}, "b"), std::nullopt) << "never backwards";
  EXPECT_EQ(known({0, 1, 0}, "c"), std::nullopt) << "another primary";
  EXPECT_EQ(known({0, 57, 0}, "b"), std::nullopt) << "perhaps from before the reset";
  EXPECT_EQ(known({0, 1, 0}, "b", true), std::nullopt) << "a suspicion";
}

TEST_F(KubernetesPlan, TheStepIsLearntWithTheEra) {
  stamp_era("a", {0, 5, 1}, "a", StampKind::promoted);
  EXPECT_EQ(known({0, 5, 0}, "a"), (Decision{0, 5, 1}));
  EXPECT_EQ(known({0, 5, 2}, "a"), std::nullopt);
  stamp_era("a", {1, 5, 3}, "a", StampKind::promoted);
  EXPECT_EQ(known({0, 5, 4}, "a"), (Decision{1, 5, 3}));
}

TEST_F(KubernetesPlan, AWithdrawalTeachesNothing) {
  stamp_era("a", {0, 5, 1}, "a");
  EXPECT_EQ(known({0, 5, 0}, "a"), std::nullopt);
  stamp_era("b", {0, 5, 1}, "a");
  EXPECT_EQ(known({0, 5, 0}, "a"), std::nullopt);
}

TEST_F(KubernetesPlan, OnlyTheHighestStampTeaches) {
  stamp_era("a", {1, 5, 1}, "a", StampKind::promoted);
  stamp_era("b", {1, 6, 0}, "b", StampKind::promoted);
  EXPECT_EQ(known({0, 5, 0}, "a"), std::nullopt) << "a leftover";
}

TEST_F(KubernetesPlan, AnAbsurdEraTeachesNothing) {
  stamp_era("a", {1001, 5, 0}, "a", StampKind::promoted);
  EXPECT_EQ(known({0, 5, 0}, "a"), std::nullopt);
  EXPECT_EQ(known({1, 5, 0}, "a"), (Decision{1001, 5, 0}));
  EXPECT_EQ(ahead_by_era_alone(wanted({0, 6, 0}, "b"), pods_), std::nullopt);
}

TEST_F(KubernetesPlan, ADecisionMayBeLowerByItsEraAlone) {
  stamp_era("a", {1, 4, 2}, "a", StampKind::promoted);
  EXPECT_EQ(ahead_by_era_alone(wanted({0, 5, 0}, "b"), pods_), pods_.at("a").stamp.stamp.claim);
  EXPECT_EQ(ahead_by_era_alone(wanted({0, 4, 9}, "b"), pods_), std::nullopt) << "the same epoch";
  EXPECT_EQ(ahead_by_era_alone(wanted({1, 5, 0}, "b"), pods_), std::nullopt) << "the same era";
  Wanted suspected = wanted({0, 5, 0}, "b");
  suspected.withdrawn = true;
  EXPECT_EQ(ahead_by_era_alone(suspected, pods_), std::nullopt);
}

}  // namespace
}  // namespace reconciler
