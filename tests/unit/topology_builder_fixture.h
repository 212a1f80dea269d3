// Three Sentinels of one group, and what they say, for the tests of the topology builder.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "supervisor/sentinel_watcher/topology_builder.h"

namespace reconciler {

inline const Endpoint a{"10.0.0.7", 6379};
inline const Endpoint b{"10.0.0.8", 6379};
inline const Endpoint c{"10.0.0.9", 6379};

class TopologyBuilderTest : public testing::Test {
 protected:
  explicit TopologyBuilderTest(const Proof& proof = {}) : builder_("myprimary", proof, aliases_) {
    for (const std::string& name : names_) views_.push_back({.sentinel = name});
  }

  void says(std::size_t sentinel, const Endpoint& primary, uint64_t epoch) {
    views_[sentinel] = {.sentinel = names_[sentinel],
                        .standing = SentinelView::Standing::answered,
                        .primary = primary,
                        .epoch = epoch};
  }
  void all_say(const Endpoint& primary, uint64_t epoch) {
    for (std::size_t i = 0; i < views_.size(); ++i) says(i, primary, epoch);
  }
  void lose(std::size_t sentinel) { views_[sentinel] = {.sentinel = names_[sentinel]}; }

  void role(const Endpoint& instance, InstanceRole::Role role) {
    std::erase_if(roles_, [&](const InstanceRole& known) { return known.instance == instance; });
    roles_.push_back({.instance = instance, .role = role, .heard = now_});
  }

  Verdict decide() {
    for (SentinelView& view : views_) view.heard = now_;
    return decide_without_news();
  }
  // Nobody has said anything since.
  Verdict decide_without_news() {
    verdict_ = builder_.decide({.views = views_, .known = known_, .roles = roles_, .now = now_});
    return verdict_;
  }
  // Sentinels and instances are asked again and again meanwhile, and say the same.
  Verdict decide_after(Milliseconds time) {
    now_ += time;
    for (InstanceRole& role : roles_) role.heard = now_;
    return decide();
  }
  // A group whose primary is `a` under epoch 5, said by all three.
  void begin() {
    all_say(a, 5);
    ASSERT_EQ(decide().change, Verdict::Change::found);
  }

  static Topology remembered(const Decision& decision, const Endpoint& primary,
                             std::vector<Replica> replicas = {}) {
    Topology topology;
    topology.group = "myprimary";
    topology.decision = decision;
    topology.primary = primary;
    topology.replicas = std::move(replicas);
    return topology;
  }

  const Topology& current() const { return builder_.current(); }
  std::string doubt(const std::string& id) const {
    for (const Doubt& doubt : verdict_.doubts) {
      if (doubt.id == id) return doubt.message;
    }
    return "";
  }
  ipc::Severity severity(const std::string& id) const {
    for (const Doubt& doubt : verdict_.doubts) {
      if (doubt.id == id) return doubt.severity;
    }
    ADD_FAILURE() << "no doubt " << id;
    return {};
  }
  void expect_current(const Endpoint& primary, const Decision& decision) const {
    EXPECT_EQ(to_string(current().primary), to_string(primary));
    EXPECT_EQ(current().decision.era, decision.era);
    EXPECT_EQ(current().decision.epoch, decision.epoch);
    EXPECT_EQ(current().decision.step, decision.step);
  }

  std::vector<std::string> names_{"10.0.0.21:26379", "10.0.0.22:26379", "10.0.0.23:26379"};
  std::vector<SentinelView> views_;
  std::size_t known_ = 3;
  Milliseconds now_ = 1'000'000;
  std::vector<InstanceRole> roles_;
  Aliases aliases_;
  TopologyBuilder builder_;
  Verdict verdict_;
};

}  // namespace reconciler
