// Section 5 of the design by random walks: several instances with views of different age act on the same pods, are
// paused and die at any point, and their writes arrive whenever they like. What decides and what is sent is the real
// code; the API server is json_patch_server.h. Variations of the protocol that are known to be wrong must be found out,
// or the walks prove nothing.
#include "tests/unit/kubernetes_walk.h"

#include <gtest/gtest.h>

namespace reconciler {
namespace {

struct Tally {
  int two_labels = 0;
  int backwards = 0;
  int unsettled = 0;
  int primaries_relabelled = 0;
  size_t relabelled = 0;
  size_t promotions = 0;
  size_t withdrawals = 0;
  size_t takeovers = 0;
};

Tally walk_many(uint32_t walks, World world, bool until_found = false) {
  Tally tally;
  for (uint32_t seed = 1; seed <= walks; ++seed) {
    Walk walk(seed, world);
    walk.run(400);
    if (until_found && walk.two_labels) {
      tally.two_labels = 1;
      return tally;
    }
    walk.settle();
    tally.unsettled += !walk.is_right();
    tally.two_labels += walk.two_labels;
    tally.backwards += walk.backwards;
    tally.promotions += walk.promotions;
    tally.withdrawals += walk.withdrawals;
    tally.takeovers += walk.takeovers;
    tally.relabelled += walk.relabelled;
    tally.primaries_relabelled += walk.primary_relabelled;
  }
  return tally;
}

#if defined(__SANITIZE_ADDRESS__)  // and then unoptimized: 27 times as slow
constexpr uint32_t many = 20;
constexpr uint32_t enough_promotions = many;
constexpr uint32_t enough_relabelled = many / 2;
#else
constexpr uint32_t many = 200;
constexpr uint32_t enough_promotions = many * 2;
constexpr uint32_t enough_relabelled = many * 2;
#endif

Tally expect_holds(World world) {
  const Tally tally = walk_many(many, world);
  EXPECT_EQ(tally.two_labels, 0);
  EXPECT_EQ(tally.backwards, 0);
  EXPECT_EQ(tally.unsettled, 0);
  if (!world.hand_labels) {
    EXPECT_EQ(tally.primaries_relabelled, 0);
  }
  EXPECT_GT(tally.promotions, world.operators ? enough_promotions / 2
                                              : enough_promotions);  // a pause holds them back
  return tally;
}

TEST(KubernetesProtocol, HoldsForManyWritersWithOldViews) { expect_holds({}); }
TEST(KubernetesProtocol, HoldsWhenLabelsAreWipedByHand) { expect_holds({.wipes = true}); }
TEST(KubernetesProtocol, HoldsWhenPodsAreCreatedAnewUnderTheirNames) {
  expect_holds({.recreations = true});
}
TEST(KubernetesProtocol, HoldsWithBoth) { expect_holds({.recreations = true, .wipes = true}); }
TEST(KubernetesProtocol, ComesRightWhateverIsLabelledByHand) {
  expect_holds({.recreations = true, .wipes = true, .hand_labels = true});
}

TEST(KubernetesProtocol, NeverMakesTwoLabelsWhateverOperatorsPauseAndRelease) {
  for (const bool unsettled : {false, true}) {
    expect_holds({.wipes = true, .operators = true, .unsettled = unsettled});
    expect_holds({.recreations = true, .operators = true, .unsettled = unsettled});
  }
}

TEST(KubernetesProtocol, HoldsWithUnsettledDecisionsAndRestarts) {
  for (const bool wipes : {false, true}) {
    for (const bool recreations : {false, true}) {
      const Tally tally =
          expect_holds({.recreations = recreations, .wipes = wipes, .unsettled = true});
      EXPECT_GT(tally.withdrawals, many / 10);
      EXPECT_GT(tally.takeovers, many / 4);
    }
  }
}
TEST(KubernetesProtocol, HangsWhereNobodyGoesAboveAnUnsettledDecision) {
  const Tally tally = walk_many(many, {.unsettled = true, .variation = Variation::never_take_over});
  EXPECT_EQ(tally.two_labels, 0);
  EXPECT_GT(tally.unsettled, 0);
}

TEST(KubernetesProtocol, HoldsWhileReplicasAreMarkedAndInstancesDisagreeAboutThem) {
  for (const Marking marking : {Marking::own_label, Marking::shared_label}) {
    for (const bool unsettled : {false, true}) {
      const Tally tally = expect_holds(
          {.recreations = true, .wipes = true, .unsettled = unsettled, .marking = marking});
      EXPECT_GT(tally.relabelled, enough_relabelled);
    }
  }
  expect_holds({.hand_labels = true, .marking = Marking::shared_label});
}
TEST(KubernetesProtocol, MarksAPrimaryAsReplicaWhenStampsAreNotTested) {
  for (const Marking marking : {Marking::own_label, Marking::shared_label}) {
    const Tally tally =
        walk_many(many, {.marking = marking, .variation = Variation::relabel_untested});
    EXPECT_GT(tally.primaries_relabelled, 0);
  }
}

void expect_broken(Variation variation, Marking marking = Marking::none) {
  const Tally tally = walk_many(
      20000, {.recreations = true, .wipes = true, .marking = marking, .variation = variation},
      true);
  EXPECT_GT(tally.two_labels, 0);
}

TEST(KubernetesProtocol, BreaksWithoutTheUniqueNumber) {
  expect_broken(Variation::no_unique_number);
}
TEST(KubernetesProtocol, BreaksWhenOnlyLabelledPodsAreFenced) {
  expect_broken(Variation::fence_labelled_only);
}
TEST(KubernetesProtocol, BreaksWhenThePromotionGoesFirst) {
  expect_broken(Variation::promote_first);
}
TEST(KubernetesProtocol, BreaksWhenWritesToAVanishingPodAreBelieved) {
  expect_broken(Variation::believe_the_vanishing);
}
TEST(KubernetesProtocol, BreaksWhenFencesThatChangeNothingAreSkipped) {
  expect_broken(Variation::skip_idle_fences);
}

TEST(KubernetesProtocol, BreaksWhenAReleaseTakesStampsOff) {
  const Tally tally =
      walk_many(20000, {.operators = true, .variation = Variation::release_by_taking_off}, true);
  EXPECT_GT(tally.two_labels, 0);
}

TEST(KubernetesProtocol, BreaksWhenMarkingReplicasBringsStampsBack) {
  const Tally tally = walk_many(
      20000, {.marking = Marking::own_label, .variation = Variation::relabel_restoring_stamps},
      true);
  EXPECT_GT(tally.two_labels, 0);
}
TEST(KubernetesProtocol, BreaksWhenMarkingAReplicaCountsAsItsFence) {
  expect_broken(Variation::relabel_for_fences, Marking::own_label);
  expect_broken(Variation::relabel_for_fences, Marking::shared_label);
}

}  // namespace
}  // namespace reconciler
