#include "supervisor/status/history.h"

#include <algorithm>
#include <set>
#include <utility>

namespace reconciler {

namespace {

constexpr std::size_t longest_text = 512;

uint64_t between(uint64_t from_ns, uint64_t to_ns) { return to_ns > from_ns ? to_ns - from_ns : 0; }

// There will be no other word of them unless something changes.
bool all_have_said(const History::Failover& failover) {
  return std::all_of(failover.targets.begin(), failover.targets.end(),
                     [](const History::Target& target) {
                       return target.outcome == ipc::OutcomeKind::applied ||
                              target.outcome == ipc::OutcomeKind::rejected;
                     });
}

}  // namespace

bool History::Failover::applied_everywhere() const {
  return std::all_of(targets.begin(), targets.end(),
                     [](const Target& target) { return target.done_ns.has_value(); });
}

void History::expect(const Configuration& configuration) {
  std::map<std::string, LatencyHistogram> latency;
  std::set<std::pair<std::string, std::string>> kept;  // target, group
  for (const TargetSettings& target : configuration.targets) {
    latency[target.name] = latency_[target.name];
    for (const std::string& group : target.groups) kept.emplace(target.name, group);
  }
  latency_ = std::move(latency);

  std::erase_if(open_, [&](const auto& entry) {
    std::vector<Target>& targets = entry.second->targets;
    std::erase_if(targets, [&](const Target& target) {
      return !target.done_ns && !kept.contains({target.name, entry.first});
    });
    if (all_have_said(*entry.second)) tell(*entry.second);
    return entry.second->applied_everywhere();
  });
}

void History::end() {
  for (const auto& [group, failover] : open_) tell(*failover);
}

void History::topology(const Topology* before, const Topology& now, uint64_t revision,
                       uint64_t passed_on_mono_ns, const std::vector<std::string>& targets) {
  if (before == nullptr) return;
  const auto open = open_.find(now.group);
  if (before->leads_as(now)) {
    // A promotion that was provisional is confirmed, under its own epoch.
    const auto last = std::find_if(failovers_.begin(), failovers_.end(),
                                   [&](const Failover& f) { return f.group == now.group; });
    if (last != failovers_.end() && !last->decision.settled()) last->decision = now.decision;
    return;
  }
  if (open != open_.end()) {
    for (Target& target : open->second->targets) {
      if (target.outcome) continue;
      target.outcome = ipc::OutcomeKind::cancelled;
      target.reason = "the group changed again before";
    }
    tell(*open->second);
    open_.erase(open);
  }
  Failover failover{.group = now.group,
                    .revision = revision,
                    .decision = now.decision,
                    .state = now.state,
                    .from = before->primary,
                    .to = now.primary,
                    .cause = now.cause.substr(0, longest_text),
                    .event_unix_us = now.event_unix_us,
                    .event_mono_ns = now.event_mono_ns,
                    .published_ns = between(now.event_mono_ns, passed_on_mono_ns),
                    .targets = {}};
  for (const std::string& target : targets) failover.targets.emplace_back().name = target;
  failovers_.push_front(std::move(failover));
  if (targets.empty()) return tell(failovers_.front());
  open_[now.group] = &failovers_.front();
}

void History::outcome(const std::string& target, const std::string& group, uint64_t revision,
                      const ipc::Outcome& outcome) {
  const auto open = open_.find(group);
  if (open == open_.end() || revision < open->second->revision) return;
  Failover& failover = *open->second;
  const auto asked = std::find_if(failover.targets.begin(), failover.targets.end(),
                                  [&](const Target& t) { return t.name == target; });
  // What a target does after it has confirmed is a repair.
  if (asked == failover.targets.end() || asked->done_ns) return;
  asked->outcome = outcome.kind;
  asked->reason = outcome.reason.substr(0, longest_text);
  ++asked->attempts;
  if (outcome.kind == ipc::OutcomeKind::applied) {
    asked->done_ns = between(failover.event_mono_ns, outcome.done_mono_ns);
    if (const auto latency = latency_.find(target); latency != latency_.end())
      latency->second.observe(static_cast<double>(*asked->done_ns) / 1e9);
  }
  if (all_have_said(failover)) tell(failover);
  if (failover.applied_everywhere()) open_.erase(open);
}

void History::tell(Failover& failover) {
  if (std::exchange(failover.told, true)) return;
  due_.push_back(failover);
}

bool History::is_open(const Failover& failover) const {
  const auto open = open_.find(failover.group);
  return open != open_.end() && open->second == &failover;
}

void History::expire(uint64_t now_mono_ns) {
  for (const auto& [group, failover] : open_) {
    const uint64_t passed_on_ns = failover->event_mono_ns + failover->published_ns;
    if (between(passed_on_ns, now_mono_ns) >= patience_ns) tell(*failover);
  }
  if (failovers_.size() <= shown) return;
  for (auto old = std::next(failovers_.begin(), shown); old != failovers_.end();)
    old = old->told && !is_open(*old) ? failovers_.erase(old) : std::next(old);
}

}  // namespace reconciler
