// Failovers as they are remembered: which change is one, what each target did, and when it is told.

#include "supervisor/status/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "status_fixture.h"
#include "supervisor/status/failover_line.h"

namespace reconciler {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class HistoryTest : public testing::Test {
 protected:
  HistoryTest() { history_.expect(configuration_of({"shop"}, {"file", "haproxy"})); }

  // Passed on a millisecond after it was heard.
  void came(const Topology& topology, std::vector<std::string> targets = {"file", "haproxy"}) {
    history_.topology(before_ ? &*before_ : nullptr, topology, ++revision_,
                      topology.event_mono_ns + 1'000'000, targets);
    before_ = topology;
  }
  void primary(const std::string& host, Decision decision, int64_t heard_ms) {
    came(topology_of("shop", host, decision, heard_ms));
  }
  void answered(const std::string& target, const ipc::Outcome& outcome) {
    history_.outcome(target, "shop", revision_, outcome);
  }
  std::vector<History::Failover> due(int64_t ms) {
    history_.expire(at_ms(ms).mono_ns);
    return history_.to_be_told();
  }
  const History::Failover& newest() { return history_.newest_first().front(); }

  History history_;
  std::optional<Topology> before_;
  uint64_t revision_ = 0;
};

TEST_F(HistoryTest, WhatIsLearntAtStartIsNoFailover) {
  primary("10.0.0.1", {0, 1, 0}, 100);
  EXPECT_THAT(history_.newest_first(), IsEmpty());
}

TEST_F(HistoryTest, AChangeOfReplicasAloneIsNoFailover) {
  primary("10.0.0.1", {0, 1, 0}, 100);
  Topology more = topology_of("shop", "10.0.0.1", {0, 1, 0}, 200);
  more.replicas.push_back({{"10.0.0.2", 6379}, true});
  came(more);
  EXPECT_THAT(history_.newest_first(), IsEmpty());
}

TEST_F(HistoryTest, EachStepOfAFailoverHasItsTime) {
  primary("10.0.0.1", {0, 1, 0}, 100);
  primary("10.0.0.2", {0, 2, 0}, 1'000);
  answered("file", outcome_at(1'004));
  EXPECT_THAT(due(1'005), IsEmpty()) << "haproxy is not done";
  answered("haproxy", outcome_at(1'010, ipc::OutcomeKind::retry, "no socket"));
  answered("haproxy", outcome_at(1'250));
  const auto told = due(1'251);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].from, (Endpoint{"10.0.0.1", 6379}));
  EXPECT_EQ(told[0].to, (Endpoint{"10.0.0.2", 6379}));
  EXPECT_EQ(told[0].published_ns, 1'000'000u);
  EXPECT_EQ(told[0].targets[0].done_ns, 4'000'000u);
  EXPECT_EQ(told[0].targets[0].attempts, 1u);
  EXPECT_EQ(told[0].targets[1].done_ns, 250'000'000u);
  EXPECT_EQ(told[0].targets[1].attempts, 2u);
  EXPECT_THAT(due(99'000), IsEmpty()) << "told once";
}

TEST_F(HistoryTest, ARepairAfterwardsChangesNothing) {
  primary("10.0.0.1", {0, 1, 0}, 100);
  primary("10.0.0.2", {0, 2, 0}, 1'000);
  answered("file", outcome_at(1'004));
  answered("file", outcome_at(60'000));
  EXPECT_EQ(newest().targets[0].done_ns, 4'000'000u);
  EXPECT_EQ(newest().targets[0].attempts, 1u);
  EXPECT_EQ(history_.latency().at("file").count(), 1u);
}

TEST_F(HistoryTest, AnAnswerToWhatWasBeforeIsNone) {
  primary("10.0.0.1", {0, 1, 0}, 100);
  primary("10.0.0.2", {0, 2, 0}, 1'000);
  history_.outcome("file", "shop", revision_ - 1, outcome_at(1'001));
  EXPECT_EQ(newest().targets[0].outcome, std::nullopt);
}

TEST_F(HistoryTest, ATopologyOfReplicasThatTakesItsPlaceCountsForIt) {
  primary("10.0.0.1", {0, 1, 0}, 100);
  primary("10.0.0.2", {0, 2, 0}, 1'000);
  answered("file", outcome_at(1'400, ipc::OutcomeKind::cancelled));
  primary("10.0.0.2", {0, 2, 0}, 1'400);
  answered("file", outcome_at(1'420));
  EXPECT_THAT(history_.newest_first(), SizeIs(1));
  EXPECT_EQ(newest().targets[0].done_ns, 420'000'000u);
  EXPECT_EQ(newest().targets[0].attempts, 2u);
}

TEST_F(HistoryTest, AfterHalfAMinuteItIsToldAsItIs) {
  primary("10.0.0.1", {0, 1, 0}, 0);
  primary("10.0.0.2", {0, 2, 0}, 1'000);
  answered("file", outcome_at(1'004));
  EXPECT_THAT(due(30'999), IsEmpty());
  ASSERT_THAT(due(31'001), SizeIs(1));
  answered("haproxy", outcome_at(45'000));
  EXPECT_EQ(newest().targets[1].done_ns, 44'000'000'000u) << "it is done nevertheless";
  EXPECT_EQ(history_.latency().at("haproxy").count(), 1u);
}

TEST_F(HistoryTest, ATargetThatRejectsIsWaitedForNoLonger) {
  primary("10.0.0.1", {0, 1, 0}, 0);
  primary("10.0.0.2", {0, 2, 0}, 1'000);
  answered("file", outcome_at(1'004));
  answered("haproxy", outcome_at(1'010, ipc::OutcomeKind::rejected, "paused"));
  EXPECT_THAT(due(1'011), SizeIs(1));
}

TEST_F(HistoryTest, WhatIsOvertakenIsToldAtOnce) {
  primary("10.0.0.1", {0, 1, 0}, 0);
  primary("10.0.0.2", {0, 2, 0}, 1'000);
  answered("file", outcome_at(1'004));
  primary("10.0.0.3", {0, 3, 0}, 2'000);
  const auto told = due(2'001);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].to.host, "10.0.0.2");
  EXPECT_EQ(told[0].targets[1].outcome, ipc::OutcomeKind::cancelled);
  EXPECT_EQ(failover_line(told[0]).level, log::Level::warning);
}

TEST_F(HistoryTest, ASuspicionAndItsEndAreOneEach) {
  primary("10.0.0.1", {0, 1, 0}, 0);
  came(suspected(topology_of("shop", "10.0.0.1", {0, 1, 1}, 1'000)));
  EXPECT_THAT(failover_line(newest()).text, HasSubstr("primary 10.0.0.1:6379 suspected ("));
  primary("10.0.0.1", {0, 1, 2}, 2'000);
  EXPECT_THAT(failover_line(newest()).text, HasSubstr("suspected no more"));
  EXPECT_THAT(history_.newest_first(), SizeIs(2));
}

TEST_F(HistoryTest, APromotionThatIsConfirmedIsOneAndGetsTheConfirmedEpoch) {
  primary("10.0.0.1", {0, 1, 0}, 0);
  primary("10.0.0.2", {0, 1, 1}, 1'000);
  EXPECT_FALSE(newest().decision.settled());
  primary("10.0.0.2", {0, 2, 0}, 1'900);
  EXPECT_THAT(history_.newest_first(), SizeIs(1));
  EXPECT_EQ(newest().decision, (Decision{0, 2, 0}));
}

TEST_F(HistoryTest, OnlyTheLastAreKeptOnceTheyAreTold) {
  primary("10.0.0.0", {0, 1, 0}, 0);
  for (uint64_t i = 1; i <= 100; ++i) {
    primary("10.0.0." + std::to_string(i), {0, 1 + i, 0}, static_cast<int64_t>(i) * 1'000);
    due(static_cast<int64_t>(i) * 1'000);
  }
  EXPECT_THAT(history_.newest_first(), SizeIs(History::shown));
  EXPECT_EQ(newest().to.host, "10.0.0.100");
}

TEST(ManyGroupsHistoryTest, EachOfAThousandAtOnceIsTold) {
  std::vector<std::string> groups;
  for (int i = 0; i < 1'000; ++i) groups.push_back("group-" + std::to_string(i));
  History history;
  history.expect(configuration_of(groups, {"file"}));
  uint64_t revision = 0;
  for (const std::string& group : groups) {
    const Topology before = topology_of(group, "10.0.0.1", {0, 1, 0}, 0);
    history.topology(&before, topology_of(group, "10.0.0.2", {0, 2, 0}, 10), ++revision,
                     at_ms(11).mono_ns, {"file"});
  }
  EXPECT_THAT(history.to_be_told(), IsEmpty());
  revision = 0;
  for (const std::string& group : groups)
    history.outcome("file", group, ++revision, outcome_at(20));
  EXPECT_THAT(history.to_be_told(), SizeIs(1'000));
  history.expire(at_ms(21).mono_ns);
  EXPECT_EQ(history.latency().at("file").count(), 1'000u);
  EXPECT_THAT(history.newest_first(), SizeIs(History::shown));
}

TEST_F(HistoryTest, WhatIsNoLongerConfiguredIsWaitedForNoMore) {
  primary("10.0.0.1", {0, 1, 0}, 0);
  primary("10.0.0.2", {0, 2, 0}, 1'000);
  history_.expect(configuration_of({"other"}, {"file"}));
  EXPECT_THAT(due(1'001), SizeIs(1));
  EXPECT_FALSE(history_.latency().contains("haproxy"));
}

TEST_F(HistoryTest, ATargetThatIsNoLongerConfiguredIsWaitedForNoMore) {
  primary("10.0.0.1", {0, 1, 0}, 100);
  primary("10.0.0.2", {0, 2, 0}, 1'000);
  answered("file", outcome_at(1'004));
  answered("haproxy", outcome_at(1'010, ipc::OutcomeKind::retry, "no socket"));
  history_.expect(configuration_of({"shop"}, {"file"}));
  const auto told = due(1'020);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_TRUE(told[0].applied_everywhere());
  ASSERT_THAT(told[0].targets, SizeIs(1));
  EXPECT_EQ(told[0].targets[0].name, "file");
}

TEST_F(HistoryTest, WhatIsOpenAtTheEndIsToldAsItIs) {
  primary("10.0.0.1", {0, 1, 0}, 100);
  primary("10.0.0.2", {0, 2, 0}, 1'000);
  answered("file", outcome_at(1'004));
  history_.end();
  const auto told = due(1'005);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_FALSE(told[0].applied_everywhere());
}

TEST_F(HistoryTest, TheLineHasTheTimeOfEachStep) {
  primary("10.0.0.1", {0, 1, 0}, 0);
  primary("10.0.0.2", {0, 2, 0}, 1'000);
  answered("file", outcome_at(1'004));
  answered("haproxy", outcome_at(1'010, ipc::OutcomeKind::retry, "no socket"));
  FailoverLine line = failover_line(newest());
  EXPECT_EQ(line.level, log::Level::warning);
  EXPECT_EQ(line.text,
            "failover from 10.0.0.1:6379 to 10.0.0.2:6379 (+switch-master from 10.0.0.9:26379): "
            "heard 2026-11-26T00:00:01.000000Z, passed on after 1.0 ms, "
            "file applied after 4.0 ms (1 attempt), haproxy NOT applied (1 attempt: no socket)");
  answered("haproxy", outcome_at(1'020));
  line = failover_line(newest());
  EXPECT_EQ(line.level, log::Level::info);
  EXPECT_THAT(line.text, HasSubstr("haproxy applied after 20.0 ms (2 attempts)"));
}

TEST(LatencyHistogramTest, BoundsBelongToTheirBuckets) {
  LatencyHistogram latency;
  for (const double seconds : {0.001, 0.005, 0.0051, 29.9, 31.0}) latency.observe(seconds);
  EXPECT_EQ(latency.count_up_to(0), 2u);
  EXPECT_EQ(latency.count_up_to(1), 3u);
  EXPECT_EQ(latency.count_up_to(LatencyHistogram::bounds.size() - 1), 4u);
  EXPECT_EQ(latency.count(), 5u);
  EXPECT_NEAR(latency.sum_seconds(), 60.9111, 1e-6);
}

}  // namespace
}  // namespace reconciler
