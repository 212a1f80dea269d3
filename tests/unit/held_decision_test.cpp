// What becomes of a decision at a target that remembers another one: the rules of plugins/README.md as a table.
#include "plugins/held_decision.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace reconciler {
namespace {

constexpr const char* a = "10.0.0.1:6379";
constexpr const char* b = "10.0.0.2:6379";

HeldDecision known(uint32_t era, uint64_t epoch, uint32_t step, const char* primary) {
  return {{era, epoch, step}, true, primary};
}
HeldDecision suspected(uint32_t era, uint64_t epoch, uint32_t step, const char* primary) {
  return {{era, epoch, step}, false, primary};
}

struct Row {
  const char* what;
  HeldDecision held;
  HeldDecision ours;
  Standing standing;
  Decision decision;  // of Standing::ours, or what it is when both have stood for long
};

const Row rows[] = {
    {"a higher epoch", known(0, 1, 4, a), known(0, 2, 0, b), Standing::ours, {0, 2, 0}},
    {"a higher step", known(0, 1, 0, a), suspected(0, 1, 1, a), Standing::ours, {0, 1, 1}},
    {"a higher era", known(0, 9, 0, a), known(1, 1, 0, b), Standing::ours, {1, 1, 0}},
    {"a lower epoch", known(0, 2, 0, a), known(0, 1, 0, b), Standing::theirs, {}},
    {"a lower epoch of the same primary",
     known(0, 2, 0, a),
     known(0, 1, 0, a),
     Standing::theirs,
     {}},
    {"the very decision", known(0, 2, 0, a), known(0, 2, 0, a), Standing::ours, {0, 2, 0}},
    {"the same, counted from a later start",
     known(0, 2, 4, a),
     known(0, 2, 0, a),
     Standing::ours,
     {0, 2, 4}},
    {"the same, from before an era was counted",
     known(3, 2, 0, a),
     known(0, 2, 0, a),
     Standing::ours,
     {3, 2, 0}},
    {"the same suspicion", suspected(0, 2, 3, a), suspected(0, 2, 1, a), Standing::ours, {0, 2, 3}},
    {"a suspicion of another era",
     suspected(3, 2, 3, a),
     suspected(0, 2, 1, a),
     Standing::theirs,
     {}},
    {"a settled one for another primary",
     known(0, 2, 2, a),
     known(0, 2, 0, b),
     Standing::theirs,
     {}},
    {"two under one number, ours is higher",
     known(0, 2, 0, a),
     known(0, 2, 0, b),
     Standing::ours,
     {0, 2, 0}},
    {"two under one number, ours is lower",
     known(0, 2, 0, b),
     known(0, 2, 0, a),
     Standing::theirs,
     {}},
    {"a promotion against its suspicion",
     suspected(0, 2, 1, a),
     known(0, 2, 1, a),
     Standing::ours,
     {0, 2, 1}},
    {"a suspicion against its promotion",
     known(0, 2, 1, a),
     suspected(0, 2, 1, a),
     Standing::theirs,
     {}},
    {"settled below a suspicion",
     suspected(0, 2, 1, a),
     known(0, 2, 0, a),
     Standing::later,
     {0, 2, 2}},
    {"settled below a promotion elsewhere",
     known(0, 2, 3, b),
     known(0, 2, 0, a),
     Standing::later,
     {0, 2, 4}},
    {"unsettled below unsettled", known(0, 2, 3, b), known(0, 2, 1, a), Standing::theirs, {}},
    {"lower by its era alone", known(1, 2, 0, a), known(0, 3, 0, b), Standing::later, {1, 3, 0}},
    {"lower by era and epoch", known(1, 3, 0, a), known(0, 2, 0, b), Standing::theirs, {}},
    {"below a step that nobody counted",
     known(0, 2, (1u << 30) + 1, b),
     known(0, 2, 0, a),
     Standing::theirs,
     {}},
};

TEST(HeldDecision, each_pair_has_its_outcome) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Placed placing = placed(row.held, row.ours, /*patient=*/false);
    EXPECT_EQ(placing.standing, row.standing);
    if (row.standing != Standing::theirs) {
      EXPECT_EQ(placing.decision, row.decision);
    }
  }
}

TEST(HeldDecision, what_has_waited_long_enough_is_written_and_nothing_else) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Placed placing = placed(row.held, row.ours, /*patient=*/true);
    EXPECT_EQ(placing.standing, row.standing == Standing::later ? Standing::ours : row.standing);
    if (row.standing != Standing::theirs) {
      EXPECT_EQ(placing.decision, row.decision);
    }
  }
}

TEST(HeldDecision, its_text_is_read_back) {
  for (const HeldDecision& held :
       {known(1, 18'446'744'073'709'551'615u, 2, "[fd00::7]:6379"), suspected(0, 0, 1, a)}) {
    EXPECT_EQ(held_of_text(to_text(held)), held) << to_text(held);
  }
  EXPECT_EQ(to_text(known(1, 2, 4, a)), "v1/1.2.4/known/10.0.0.1:6379");
}

TEST(HeldDecision, what_is_no_text_of_ours_is_none) {
  for (const std::string text : {"", "scribbled", "v2/0.1.0/known/a:1", "v1/0.1.0/known/",
                                 "v1/0.1.0/maybe/a:1", "v1/0.1/known/a:1", "v1/-1.1.0/known/a:1",
                                 "v1/0.1.4294967296/known/a:1", "v1/0.1.0/known"}) {
    EXPECT_EQ(held_of_text(text), std::nullopt) << text;
  }
}

TEST(StandOff, lasts_from_when_these_two_first_met) {
  constexpr uint64_t ms = 1'000'000;
  StandOff stand_off;
  EXPECT_FALSE(stand_off.has_lasted(suspected(0, 2, 1, a), known(0, 2, 0, a), 100 * ms));
  EXPECT_FALSE(stand_off.has_lasted(suspected(0, 2, 1, a), known(0, 2, 0, a), 15'099 * ms));
  EXPECT_TRUE(stand_off.has_lasted(suspected(0, 2, 1, a), known(0, 2, 0, a), 15'100 * ms));
  EXPECT_FALSE(stand_off.has_lasted(suspected(0, 2, 3, a), known(0, 2, 0, a), 15'200 * ms));
}

}  // namespace
}  // namespace reconciler
