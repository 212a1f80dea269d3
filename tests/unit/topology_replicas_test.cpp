// Which replicas are published, and when.

#include "tests/unit/topology_builder_fixture.h"

namespace reconciler {
namespace {

using Change = Verdict::Change;
using testing::ElementsAre;

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

}  // namespace
}  // namespace reconciler
