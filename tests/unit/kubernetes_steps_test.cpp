// What becomes of a decision beside what the pods remember of the same epoch, and what they teach of eras and steps.
// The table is that of plugins/kubernetes/README.md ("Settled and unsettled").
#include <fmt/format.h>

#include "plugins/count_ahead.h"
#include "tests/unit/kubernetes_plan_fixture.h"

namespace reconciler {
namespace {

enum class Kind { settled, provisional, suspected };

// A decision of the epoch about `pod`.
struct Said {
  Kind kind;
  uint32_t step;
  std::string pod;
};

class KubernetesSteps : public KubernetesPlanTest {
 protected:
  static constexpr uint64_t epoch = 5;

  void stamp_with(const std::string& pod, Decision decision, const std::string& primary,
                  StampKind kind = StampKind::fenced) {
    pods_.at(pod).has_annotations = true;
    pods_.at(pod).stamp = read_stamp(format_stamp({{decision, address(primary)}, kind, 7, "g"}));
  }

  // As a decision that was carried out leaves the pods.
  void hold(const Said& held, Decision of = {0, epoch, 0}) {
    of.step = held.step;
    for (auto& [name, pod] : pods_) {
      pod.label.reset();
      stamp_with(name, of, held.pod);
    }
    if (held.kind == Kind::suspected) return;
    label(held.pod);
    stamp_with(held.pod, of, held.pod, StampKind::promoted);
  }

  static Wanted wanted_by(const Said& told) {
    return wanted({0, epoch, told.step}, told.pod, told.kind == Kind::suspected);
  }

  // In words, by the number under which it happens.
  std::string becomes(Wanted asked) const {
    if (const auto known = known_ahead(asked, highest_stamp(asked, pods_, "shop")))
      asked.claim.decision = *known;
    const uint32_t step = asked.claim.decision.step;
    switch (make_plan(asked, pods_, rule_, "shop").verdict) {
      case Plan::Verdict::right:
        return fmt::format("right as {}", step);
      case Plan::Verdict::change:
        return fmt::format("changes as {}", step);
      case Plan::Verdict::stand_down: {
        const auto takeover = takeover_from_unsettled(asked, highest_stamp(asked, pods_, "shop"));
        if (!takeover) return "stands down";
        asked.claim.decision = takeover->decision;
        return "waits, then " + becomes(asked);
      }
      default:
        return "another verdict";
    }
  }
  std::string becomes(const Said& told) const { return becomes(wanted_by(told)); }

  std::optional<Decision> known(Decision decision, const std::string& primary,
                                bool withdrawn = false) const {
    const Wanted asked = wanted(decision, primary, withdrawn);
    return known_ahead(asked, highest_stamp(asked, pods_, "shop"));
  }
  std::optional<Takeover> era_takeover(const Wanted& asked) const {
    return takeover_of_era(asked, highest_stamp(asked, pods_, "shop"));
  }
  std::optional<Decision> by_era(Decision decision, const std::string& primary) const {
    const auto takeover = era_takeover(wanted(decision, primary));
    return takeover ? std::optional(takeover->decision) : std::nullopt;
  }
};

constexpr Kind settled = Kind::settled;
constexpr Kind provisional = Kind::provisional;
constexpr Kind suspected = Kind::suspected;

TEST_F(KubernetesSteps, WhatBecomesOfADecisionBesideAnotherOfItsEpoch) {
  const struct {
    Said told;
    Said held;
    const char* becomes;
  } rows[] = {
      // settled
      {{settled, 2, "b"}, {settled, 0, "b"}, "changes as 2"},
      {{settled, 2, "b"}, {suspected, 1, "b"}, "changes as 2"},
      {{settled, 2, "b"}, {suspected, 1, "c"}, "changes as 2"},
      {{settled, 2, "b"}, {provisional, 1, "c"}, "changes as 2"},
      {{settled, 0, "b"}, {settled, 0, "b"}, "right as 0"},
      {{settled, 0, "b"}, {settled, 0, "a"}, "changes as 0"},
      {{settled, 0, "b"}, {settled, 0, "c"}, "stands down"},
      {{settled, 0, "b"}, {settled, 2, "b"}, "right as 2"},
      {{settled, 0, "b"}, {settled, 2, "a"}, "stands down"},
      {{settled, 0, "b"}, {settled, 2, "c"}, "stands down"},
      {{settled, 0, "b"}, {provisional, 1, "b"}, "right as 0"},
      {{settled, 0, "b"}, {provisional, 1, "a"}, "waits, then changes as 2"},
      {{settled, 0, "b"}, {provisional, 1, "c"}, "waits, then changes as 2"},
      {{settled, 2, "b"}, {provisional, 3, "c"}, "waits, then changes as 4"},
      {{settled, 0, "b"}, {provisional, 7, "c"}, "waits, then changes as 8"},
      {{settled, 0, "b"}, {suspected, 1, "b"}, "waits, then changes as 2"},
      {{settled, 0, "b"}, {suspected, 1, "c"}, "waits, then changes as 2"},
      {{settled, 2, "b"}, {suspected, 5, "b"}, "waits, then changes as 6"},
      // suspected
      {{suspected, 1, "b"}, {settled, 0, "b"}, "changes as 1"},
      {{suspected, 1, "b"}, {settled, 0, "c"}, "changes as 1"},
      {{suspected, 3, "b"}, {provisional, 1, "c"}, "changes as 3"},
      {{suspected, 1, "b"}, {suspected, 1, "b"}, "right as 1"},
      {{suspected, 1, "b"}, {provisional, 1, "b"}, "stands down"},
      {{suspected, 1, "b"}, {provisional, 1, "a"}, "changes as 1"},
      {{suspected, 1, "b"}, {provisional, 1, "c"}, "stands down"},
      {{suspected, 1, "b"}, {suspected, 3, "b"}, "right as 3"},
      {{suspected, 1, "b"}, {suspected, 3, "c"}, "stands down"},
      {{suspected, 1, "b"}, {provisional, 3, "b"}, "stands down"},
      {{suspected, 1, "b"}, {provisional, 3, "c"}, "stands down"},
      {{suspected, 1, "b"}, {settled, 2, "b"}, "stands down"},
      {{suspected, 1, "b"}, {settled, 2, "c"}, "stands down"},
      // provisional
      {{provisional, 1, "b"}, {settled, 0, "c"}, "changes as 1"},
      {{provisional, 3, "b"}, {suspected, 1, "c"}, "changes as 3"},
      {{provisional, 1, "b"}, {provisional, 1, "b"}, "right as 1"},
      {{provisional, 1, "b"}, {suspected, 1, "b"}, "changes as 1"},
      {{provisional, 1, "b"}, {provisional, 1, "a"}, "changes as 1"},
      {{provisional, 1, "b"}, {provisional, 1, "c"}, "stands down"},
      {{provisional, 1, "b"}, {provisional, 3, "b"}, "right as 3"},
      {{provisional, 1, "b"}, {provisional, 3, "c"}, "stands down"},
      {{provisional, 1, "b"}, {suspected, 3, "b"}, "stands down"},
      {{provisional, 1, "b"}, {suspected, 3, "c"}, "stands down"},
      {{provisional, 1, "b"}, {settled, 2, "b"}, "right as 1"},
      {{provisional, 1, "b"}, {settled, 2, "c"}, "stands down"},
  };
  for (const auto& row : rows) {
    const auto words = [](const Said& said) {
      constexpr const char* names[] = {"settled", "provisional", "suspected"};
      return fmt::format("{} {} {}", names[static_cast<int>(said.kind)], said.step, said.pod);
    };
    hold(row.held);
    EXPECT_EQ(becomes(row.told), row.becomes) << words(row.told) << " beside " << words(row.held);
  }
}

TEST_F(KubernetesSteps, OnlyAnUnsettledDecisionOfTheVeryEpochIsWaitedFor) {
  hold({provisional, 1, "c"}, {0, epoch + 1, 0});
  EXPECT_EQ(becomes({settled, 0, "b"}), "stands down");
  hold({provisional, 1, "c"}, {0, epoch - 1, 0});
  EXPECT_EQ(becomes({settled, 0, "b"}), "changes as 0");
  hold({provisional, 1, "c"}, {1, epoch, 0});
  EXPECT_EQ(becomes({settled, 0, "b"}), "stands down") << "under another era a coincidence";
  hold({suspected, 1, "b"}, {1, epoch, 0});
  EXPECT_EQ(becomes({settled, 0, "b"}), "waits, then changes as 2");
  const Wanted asked = wanted({0, epoch, 0}, "b");
  EXPECT_EQ(takeover_from_unsettled(asked, highest_stamp(asked, pods_, "shop"))->decision,
            (Decision{1, epoch, 2}));
}

TEST_F(KubernetesSteps, ALabelThatWasLostUnderAnUnsettledPromotionComesBackAfterAWhile) {
  hold({provisional, 1, "b"});
  pods_.at("b").label.reset();
  EXPECT_EQ(becomes({settled, 0, "b"}), "waits, then changes as 2");
}

TEST_F(KubernetesSteps, AHalfDonePromotionIsNoWithdrawal) {
  hold({settled, 0, "b"});
  pods_.at("b").label.reset();
  stamp_with("b", {0, epoch, 1}, "c");  // fenced for the promotion of c, which has not come
  EXPECT_EQ(becomes({settled, 0, "b"}), "waits, then changes as 2");
  EXPECT_EQ(becomes({provisional, 1, "c"}), "changes as 1");
  EXPECT_EQ(becomes({suspected, 1, "b"}), "stands down");
}

TEST_F(KubernetesSteps, ASuspicionAgreesWithAHigherOneWhereNoPodHasTheLabel) {
  stamp_with("a", {0, epoch, 3},
             "b");  // the suspected one itself is no pod any more, or not written yet
  EXPECT_EQ(becomes({suspected, 1, "b"}), "right as 1");
  label("c");
  EXPECT_EQ(becomes({suspected, 1, "b"}), "stands down") << "the higher one repairs that";
  hold({suspected, 3, "b"});
  label("b");
  EXPECT_EQ(becomes({suspected, 1, "b"}), "changes as 3") << "set by hand";
}

TEST_F(KubernetesSteps, AStepThatNobodyCanHaveCountedIsNeitherLearntNorTakenOver) {
  hold({settled, highest_step, "b"});
  EXPECT_EQ(becomes({settled, 0, "b"}), "right as 0") << "agreed, no more";
  hold({suspected, UINT32_MAX, "b"});
  EXPECT_EQ(becomes({settled, 0, "b"}), "stands down");
  hold({suspected, highest_step - 1, "b"});
  EXPECT_EQ(becomes({settled, 0, "b"}), fmt::format("waits, then changes as {}", highest_step));
}

// ---- what the pods teach ----

TEST_F(KubernetesSteps, TheEraIsLearntFromTheSameDecisionAlone) {
  stamp_with("a", {2, 1, 0}, "b");
  EXPECT_EQ(known({0, 1, 0}, "b"), (Decision{2, 1, 0})) << "started after two resets";
  EXPECT_EQ(known({2, 1, 0}, "b"), std::nullopt) << "known already";
  EXPECT_EQ(known({3, 1, 0}, "b"), std::nullopt) << "never backwards";
  EXPECT_EQ(known({0, 1, 0}, "c"), std::nullopt) << "another primary";
  EXPECT_EQ(known({0, 57, 0}, "b"), std::nullopt) << "perhaps from before the reset";
  EXPECT_EQ(known({0, 1, 1}, "b", true), std::nullopt) << "a suspicion";
}

TEST_F(KubernetesSteps, TheStepIsLearntWithTheEraByItsOwnKindAlone) {
  stamp_with("a", {0, 5, 2}, "a", StampKind::promoted);
  EXPECT_EQ(known({0, 5, 0}, "a"), (Decision{0, 5, 2}));
  EXPECT_EQ(known({0, 5, 4}, "a"), std::nullopt);
  EXPECT_EQ(known({0, 5, 1}, "a"), std::nullopt) << "settled, and this is not";
  stamp_with("a", {1, 5, 2}, "a", StampKind::promoted);
  EXPECT_EQ(known({0, 5, 4}, "a"), (Decision{1, 5, 2}));
  stamp_with("a", {1, 5, 3}, "a", StampKind::promoted);
  EXPECT_EQ(known({0, 5, 0}, "a"), std::nullopt) << "unsettled, and this is not";
  EXPECT_EQ(known({0, 5, 1}, "a"), (Decision{1, 5, 3}));
}

TEST_F(KubernetesSteps, AWithdrawalTeachesSuspicionsAlone) {
  stamp_with("a", {0, 5, 3}, "a");
  EXPECT_EQ(known({0, 5, 0}, "a"), std::nullopt);
  EXPECT_EQ(known({0, 5, 1}, "a"), std::nullopt) << "a provisional promotion";
  EXPECT_EQ(known({0, 5, 1}, "a", true), (Decision{0, 5, 3}));
  stamp_with("b", {0, 5, 3}, "a");
  EXPECT_EQ(known({0, 5, 1}, "a"), std::nullopt);
}

TEST_F(KubernetesSteps, OnlyTheHighestStampTeaches) {
  stamp_with("a", {1, 5, 2}, "a", StampKind::promoted);
  stamp_with("b", {1, 6, 0}, "b", StampKind::promoted);
  EXPECT_EQ(known({0, 5, 0}, "a"), std::nullopt) << "a leftover";
}

TEST_F(KubernetesSteps, AnAbsurdEraTeachesNothing) {
  stamp_with("a", {1001, 5, 0}, "a", StampKind::promoted);
  EXPECT_EQ(known({0, 5, 0}, "a"), std::nullopt);
  EXPECT_EQ(known({1, 5, 0}, "a"), (Decision{1001, 5, 0}));
  EXPECT_EQ(by_era({0, 6, 0}, "b"), std::nullopt);
}

TEST_F(KubernetesSteps, ADecisionMayBeLowerByItsEraAlone) {
  stamp_with("a", {1, 4, 2}, "a", StampKind::promoted);
  EXPECT_EQ(by_era({0, 5, 0}, "b"), (Decision{1, 5, 0}));
  EXPECT_EQ(era_takeover(wanted({0, 5, 0}, "b"))->known, pods_.at("a").stamp.stamp->claim);
  EXPECT_EQ(by_era({0, 4, 8}, "b"), std::nullopt) << "the same epoch";
  EXPECT_EQ(by_era({1, 5, 0}, "b"), std::nullopt) << "the same era";
  EXPECT_EQ(by_era({0, 5, 1}, "b"), std::nullopt) << "not settled";
  EXPECT_EQ(era_takeover(wanted({0, 5, 0}, "b", true)), std::nullopt);
}

// ---- counting ----

TEST(CountAhead, AStepIsCountedOnWithinItsEpochAndAnEraForGood) {
  CountAhead ahead;
  EXPECT_EQ(ahead.of({0, 5, 3}), (Decision{0, 5, 3}));
  ahead.learn({0, 5, 0}, {2, 5, 4});
  EXPECT_EQ(ahead.of({0, 5, 0}), (Decision{2, 5, 4}));
  EXPECT_EQ(ahead.of({0, 5, 3}), (Decision{2, 5, 7}));
  EXPECT_EQ(ahead.of({0, 6, 1}), (Decision{2, 6, 1}));
  EXPECT_EQ(ahead.of({1, 5, 1}), (Decision{3, 5, 1}));
}

TEST(CountAhead, AProgramMayBeFurtherThanItsTarget) {
  CountAhead ahead;
  ahead.learn({0, 5, 4}, {1, 5, 2});
  EXPECT_EQ(ahead.of({0, 5, 5}), (Decision{1, 5, 3}));
  EXPECT_EQ(ahead.of({0, 5, 1}), (Decision{1, 5, 1})) << "never below nothing";
}

TEST(CountAhead, TheNextStepIsOfTheKindAskedFor) {
  EXPECT_EQ(above({1, 7, 0}, true), (Decision{1, 7, 2}));
  EXPECT_EQ(above({1, 7, 0}, false), (Decision{1, 7, 1}));
  EXPECT_EQ(above({1, 7, 1}, true), (Decision{1, 7, 2}));
  EXPECT_EQ(above({1, 7, 1}, false), (Decision{1, 7, 3}));
  EXPECT_EQ(above({1, 7, highest_step}, true), std::nullopt);
}

}  // namespace
}  // namespace reconciler
