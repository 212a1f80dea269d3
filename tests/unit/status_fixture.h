// A supervisor's view of one group and one target, in pure parts.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/config/configuration.h"
#include "supervisor/status/history.h"
#include "supervisor/status/shown_state.h"
#include "supervisor/status/status.h"

namespace reconciler {

inline Configuration configuration_of(const std::vector<std::string>& groups,
                                      const std::vector<std::string>& targets) {
  Configuration configuration;
  configuration.sentinels.emplace_back();
  for (const std::string& group : groups)
    configuration.sentinels[0].groups.emplace_back().name = group;
  for (const std::string& target : targets) {
    configuration.targets.emplace_back();
    configuration.targets.back().name = target;
    configuration.targets.back().plugin = target;
    configuration.targets.back().groups = groups;
  }
  return configuration;
}

// 2026-11-26T00:00:00Z and so many milliseconds, on both clocks.
constexpr int64_t start_us = 1'795'651'200'000'000;
constexpr Moment at_ms(int64_t ms) {
  return {start_us + ms * 1'000, static_cast<uint64_t>(ms) * 1'000'000};
}

inline Topology topology_of(const std::string& group, const std::string& host, Decision decision,
                            int64_t heard_ms = 0) {
  Topology topology;
  topology.group = group;
  topology.decision = decision;
  topology.primary = {host, 6379};
  topology.cause = "+switch-master from 10.0.0.9:26379";
  topology.event_unix_us = at_ms(heard_ms).unix_us;
  topology.event_mono_ns = at_ms(heard_ms).mono_ns;
  return topology;
}

inline Topology suspected(Topology topology) {
  topology.state = PrimaryState::suspected;
  return topology;
}

// What a target answered at that time.
inline ipc::Outcome outcome_at(int64_t ms, ipc::OutcomeKind kind = ipc::OutcomeKind::applied,
                               std::string reason = {}) {
  ipc::Outcome outcome;
  outcome.kind = kind;
  outcome.reason = std::move(reason);
  outcome.done_mono_ns = at_ms(ms).mono_ns;
  return outcome;
}

inline ipc::Report report_of(std::vector<ipc::Problem> problems) {
  ipc::Report report;
  report.problems = std::move(problems);
  return report;
}

}  // namespace reconciler
