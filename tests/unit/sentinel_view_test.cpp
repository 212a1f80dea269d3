// The two answers of one question, put together.

#include "supervisor/sentinel_watcher/sentinel_view.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace reconciler {
namespace {

using Standing = SentinelView::Standing;

const Endpoint a{"10.0.0.7", 6379};
const Endpoint b{"10.0.0.8", 6379};

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
    EXPECT_EQ(take_answer(view, row.address, row.primary, 1), row.belong_together) << row.name;
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
  EXPECT_FALSE(take_answer(view, a, std::nullopt, 1));
  EXPECT_FALSE(take_answer(view, std::nullopt, PrimaryReply{a}, 1));
  EXPECT_TRUE(take_answer(view, std::nullopt, std::nullopt, 1));
  EXPECT_EQ(view.standing, Standing::unknown_group);
}

}  // namespace
}  // namespace reconciler
