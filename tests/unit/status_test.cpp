// What the supervisor knows of the state of things: readiness, problems and since when.

#include "supervisor/status/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "status_fixture.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class StatusTest : public testing::Test {
 protected:
  StatusTest() { status_.expect(configuration_of({"shop"}, {"kubernetes"}), at_ms(0)); }

  void learn(uint64_t revision) {
    status_.topology("shop", revision, topology_of("shop", "10.0.0.1", {0, 1, 0}));
  }
  void told(uint64_t revision, const ipc::Outcome& outcome) {
    status_.outcome("kubernetes", "shop", revision, outcome, at_ms(1'000));
  }
  void in_sync() {
    learn(1);
    told(1, outcome_at(5));
  }

  Status status_;
};

TEST_F(StatusTest, UntilAPrimaryIsKnownItIsNotReady) {
  EXPECT_THAT(status_.in_the_way(), ElementsAre("group shop: no primary is known yet"));
}

TEST_F(StatusTest, ReadyWhenEveryTargetHasAppliedTheNewestTopology) {
  learn(1);
  EXPECT_THAT(status_.in_the_way(), ElementsAre("target kubernetes, group shop: not in sync yet"));
  told(1, outcome_at(5));
  EXPECT_THAT(status_.in_the_way(), IsEmpty());
  learn(2);
  EXPECT_THAT(status_.in_the_way(), ElementsAre("target kubernetes, group shop: not in sync yet"));
}

TEST_F(StatusTest, ATargetsOwnReasonIsTold) {
  learn(1);
  told(1, outcome_at(5, ipc::OutcomeKind::retry, "forbidden: cannot patch pods"));
  EXPECT_THAT(status_.in_the_way(),
              ElementsAre("target kubernetes, group shop: forbidden: cannot patch pods"));
}

TEST_F(StatusTest, AllHaveAnsweredWhoAgreeOrNeverWillAboutTheNewestTopology) {
  EXPECT_FALSE(status_.all_answered());
  learn(1);
  EXPECT_FALSE(status_.all_answered());
  told(1, outcome_at(5, ipc::OutcomeKind::retry));
  EXPECT_FALSE(status_.all_answered());
  told(1, outcome_at(5, ipc::OutcomeKind::rejected, "dry run: would write x"));
  EXPECT_TRUE(status_.all_answered());
  told(1, outcome_at(5));
  EXPECT_TRUE(status_.all_answered());
  learn(2);
  EXPECT_FALSE(status_.all_answered());
}

TEST_F(StatusTest, AttemptsAreThoseAtTheNewestTopology) {
  learn(1);
  told(1, outcome_at(5, ipc::OutcomeKind::retry));
  told(1, outcome_at(6, ipc::OutcomeKind::retry));
  EXPECT_EQ(status_.targets().at("kubernetes").groups.at("shop").attempts, 2u);
  learn(2);
  told(2, outcome_at(7));
  const Status::Told& now = status_.targets().at("kubernetes").groups.at("shop");
  EXPECT_EQ(now.attempts, 1u);
  EXPECT_EQ(now.done_us, at_ms(7).unix_us) << "when the target had confirmed, not when it was read";
}

TEST_F(StatusTest, AChildThatIsDownIsToldUntilItIsUpAgain) {
  in_sync();
  status_.child_down("sentinel-watcher", "it died", at_ms(10));
  status_.child_down("sentinel-watcher", "it is starting", at_ms(20));
  EXPECT_THAT(status_.in_the_way(), ElementsAre("sentinel-watcher: it is starting"));
  ASSERT_EQ(status_.problems().size(), 1u);
  EXPECT_EQ(status_.problems()[0].what.id, "down");
  EXPECT_EQ(status_.problems()[0].since_us, at_ms(10).unix_us);
  status_.child_up("sentinel-watcher");
  EXPECT_THAT(status_.in_the_way(), IsEmpty());
}

TEST_F(StatusTest, WhatWasSaidOfATargetIsNotSaidOfTheOneInItsPlace) {
  in_sync();
  status_.target_replaced("kubernetes");
  EXPECT_THAT(status_.in_the_way(), ElementsAre("target kubernetes, group shop: not in sync yet"));
  status_.target_replaced("unknown");
  in_sync();
  EXPECT_THAT(status_.in_the_way(), IsEmpty());
}

TEST_F(StatusTest, WithoutAWatcherNoSentinelIsUp) {
  in_sync();
  status_.report("sentinel-watcher", 1,
                 {{},
                  {},
                  {{"sentinel_up", {{"set", "main"}, {"sentinel", "10.0.0.5:26379"}}, 1},
                   {"sentinels_known", {{"group", "shop"}}, 3},
                   {"sentinels_up", {{"group", "shop"}}, 2},
                   {"sentinels_agree", {{"group", "shop"}}, 2}}},
                 at_ms(10));
  status_.child_down("sentinel-watcher", "it died", at_ms(20));
  const SentinelGauges& said = status_.sentinels();
  EXPECT_FALSE(said.up.at({"main", "10.0.0.5:26379"}));
  EXPECT_EQ(said.groups.at("shop").known, 3);
  EXPECT_EQ(said.groups.at("shop").up, 0);
  EXPECT_EQ(said.groups.at("shop").agree, 0);
}

TEST_F(StatusTest, OnlyBlockingProblemsKeepItFromBeingReady) {
  in_sync();
  status_.report("kubernetes", 1,
                 report_of({{"shop", "no-watch", ipc::Severity::degraded, "may not watch"}}),
                 at_ms(0));
  EXPECT_THAT(status_.in_the_way(), IsEmpty());
  EXPECT_THAT(status_.degraded(), ElementsAre("kubernetes, group shop: may not watch"));
  status_.report("kubernetes", 1,
                 report_of({{"", "unreachable", ipc::Severity::blocking, "cannot reach\nthe API"}}),
                 at_ms(0));
  EXPECT_THAT(status_.in_the_way(), ElementsAre("kubernetes: cannot reach\\x0athe API"));
}

TEST_F(StatusTest, AProblemKeepsTheTimeSinceWhenItIsThere) {
  const auto rights = report_of({{"", "rights", ipc::Severity::blocking, "forbidden"}});
  const auto since = [this] { return status_.problems().at(0).since_us; };
  status_.report("kubernetes", 1, rights, at_ms(10));
  auto other_words = rights;
  other_words.problems[0].message = "still forbidden";
  status_.report("kubernetes", 1, other_words, at_ms(20));
  EXPECT_EQ(since(), at_ms(10).unix_us);
  status_.child_up("kubernetes");
  EXPECT_THAT(status_.problems(), IsEmpty()) << "the new incarnation says anew what is in its way";
  status_.report("kubernetes", 2, rights, at_ms(30));
  EXPECT_EQ(since(), at_ms(10).unix_us) << "it was there all the time";
  status_.report("kubernetes", 2, report_of({}), at_ms(40));
  status_.report("kubernetes", 2, rights, at_ms(50));
  EXPECT_EQ(since(), at_ms(50).unix_us) << "it had gone";
}

TEST_F(StatusTest, BlockingProblemsComeFirst) {
  status_.report("kubernetes", 1,
                 report_of({{"", "a", ipc::Severity::degraded, "slow"},
                            {"", "b", ipc::Severity::blocking, "forbidden"}}),
                 at_ms(0));
  ASSERT_EQ(status_.problems().size(), 2u);
  EXPECT_EQ(status_.problems()[0].what.id, "b");
}

TEST_F(StatusTest, ALongMessageIsCut) {
  const std::string endless(1 << 20, 'x');
  status_.report("kubernetes", 1, report_of({{"", "a", ipc::Severity::blocking, endless}}),
                 at_ms(0));
  learn(1);
  told(1, outcome_at(5, ipc::OutcomeKind::retry, endless));
  for (const std::string& line : status_.in_the_way()) EXPECT_LT(line.size(), 1'200u);
}

TEST_F(StatusTest, ThePrimaryIsKnownSinceItWasHeardOfWhateverBecomesOfTheReplicas) {
  status_.topology("shop", 1, topology_of("shop", "10.0.0.1", {0, 1, 0}, 100));
  Topology more = topology_of("shop", "10.0.0.1", {0, 1, 0}, 200);
  more.replicas.push_back({{"10.0.0.2", 6379}, true});
  more.cause = "SENTINEL REPLICAS";
  status_.topology("shop", 2, more);
  EXPECT_EQ(status_.groups().at("shop").since_us, at_ms(100).unix_us);
  EXPECT_EQ(status_.groups().at("shop").topology.cause, "+switch-master from 10.0.0.9:26379");
  EXPECT_EQ(status_.groups().at("shop").topology.replicas.size(), 1u);
  status_.topology("shop", 3, topology_of("shop", "10.0.0.2", {0, 2, 0}, 300));
  EXPECT_EQ(status_.groups().at("shop").since_us, at_ms(300).unix_us);
  status_.topology("shop", 4, suspected(topology_of("shop", "10.0.0.2", {0, 2, 1}, 400)));
  EXPECT_EQ(status_.groups().at("shop").since_us, at_ms(400).unix_us);
}

TEST_F(StatusTest, ARefusedReloadIsToldButKeepsItReady) {
  in_sync();
  status_.reload_refused("line 3", at_ms(7));
  EXPECT_THAT(status_.in_the_way(), IsEmpty());
  EXPECT_THAT(status_.degraded(), ElementsAre(HasSubstr("line 3")));
  ASSERT_EQ(status_.problems().size(), 1u);
  EXPECT_EQ(status_.problems()[0].process, "supervisor");
  EXPECT_EQ(status_.problems()[0].since_us, at_ms(7).unix_us);
  status_.reload_accepted();
  EXPECT_THAT(status_.degraded(), IsEmpty());
  EXPECT_THAT(status_.problems(), IsEmpty());
}

TEST_F(StatusTest, WhatIsNoLongerConfiguredIsForgotten) {
  in_sync();
  status_.child_down("kubernetes", "it died", at_ms(0));
  status_.expect(configuration_of({"shop"}, {"file"}), at_ms(0));
  EXPECT_THAT(status_.in_the_way(), ElementsAre("target file, group shop: not in sync yet"));
}

TEST_F(StatusTest, WhatStaysConfiguredIsKept) {
  in_sync();
  status_.expect(configuration_of({"shop", "other"}, {"kubernetes"}), at_ms(0));
  EXPECT_THAT(status_.in_the_way(), ElementsAre("group other: no primary is known yet"));
}

TEST(CountersTest, WhatEarlierIncarnationsHadCountedIsAdded) {
  Counters counters;
  const auto total = [&] { return counters.of("file").at({"writes_total", "", ""}).total(); };
  counters.report("file", 1, {{"writes_total", "", "", 5}});
  counters.report("file", 1, {{"writes_total", "", "", 7}});
  EXPECT_EQ(total(), 7u);
  counters.report("file", 2, {});
  EXPECT_EQ(total(), 7u) << "the next one has counted nothing yet";
  counters.report("file", 2, {{"writes_total", "", "", 1}});
  EXPECT_EQ(total(), 8u);
  counters.report("file", 3, {{"writes_total", "", "", 1}});
  EXPECT_EQ(total(), 9u) << "the same number again is another incarnation's";
}

TEST(CountersTest, ASeriesThatIsNoLongerReportedIsGone) {
  Counters counters;
  counters.report("watcher", 1, {{"failures_total", "sentinel", "a", 5}, {"all_total", "", "", 1}});
  counters.report("watcher", 1, {{"all_total", "", "", 1}});
  EXPECT_THAT(counters.of("watcher"), SizeIs(1));
  counters.report("watcher", 2, {});
  EXPECT_THAT(counters.of("watcher"), SizeIs(1)) << "the next incarnation has not counted it yet";
}

TEST(CountersTest, APluginThatMakesUpSeriesFillsNoMemory) {
  Counters counters;
  std::vector<ipc::Counter> many;
  for (std::size_t i = 0; i < 3 * Counters::most_series; ++i)
    many.push_back({"requests_total", "id", std::to_string(i), 1});
  counters.report("file", 1, many);
  EXPECT_EQ(counters.of("file").size(), Counters::most_series);
}

TEST(SentinelGaugesTest, AreReadByGroupAndBySentinel) {
  const auto read =
      SentinelGauges::read({{"sentinel_up", {{"set", "main"}, {"sentinel", "10.0.0.5:26379"}}, 1},
                            {"sentinel_up", {{"set", "main"}, {"sentinel", "10.0.0.6:26379"}}, 0},
                            {"sentinels_known", {{"group", "shop"}}, 3},
                            {"sentinels_up", {{"group", "shop"}}, 2},
                            {"sentinels_agree", {{"group", "shop"}}, 1},
                            {"sentinels_agreed_timestamp_seconds", {{"group", "shop"}}, 12.5},
                            {"something_else", {}, 1}});
  ASSERT_EQ(read.groups.size(), 1u);
  EXPECT_EQ(read.groups.at("shop").known, 3);
  EXPECT_EQ(read.groups.at("shop").up, 2);
  EXPECT_EQ(read.groups.at("shop").agree, 1);
  EXPECT_EQ(read.groups.at("shop").agreed_unix_s, 12.5);
  EXPECT_TRUE(read.up.at({"main", "10.0.0.5:26379"}));
  EXPECT_FALSE(read.up.at({"main", "10.0.0.6:26379"}));
}

}  // namespace
}  // namespace reconciler
