#include "supervisor/status.h"

#include <fmt/format.h>

#include <utility>

#include "common/text.h"

namespace reconciler {

void Status::expect(const Configuration& configuration) {
  std::map<std::string, uint64_t> groups;
  for (const SentinelSettings& sentinel : configuration.sentinels) {
    for (const GroupSettings& group : sentinel.groups) {
      const auto known = groups_.find(group.name);
      groups[group.name] = known == groups_.end() ? 0 : known->second;
    }
  }
  groups_ = std::move(groups);

  std::map<std::string, std::map<std::string, Told>> targets;
  for (const TargetSettings& target : configuration.targets) {
    for (const std::string& group : target.groups)
      targets[target.name][group] = targets_[target.name][group];
  }
  targets_ = std::move(targets);
  const auto gone = [this](const auto& entry) {
    return entry.first != "sentinel-watcher" && !targets_.contains(entry.first);
  };
  std::erase_if(down_, gone);
  std::erase_if(reports_, gone);
}

void Status::child_down(const std::string& child, const std::string& why) { down_[child] = why; }

void Status::child_up(const std::string& child) {
  down_.erase(child);
  // The new incarnation says anew what is in its way.
  reports_.erase(child);
}

void Status::report(const std::string& child, ipc::Report report) {
  reports_[child] = std::move(report);
}

void Status::topology(const std::string& group, uint64_t revision) {
  const auto known = groups_.find(group);
  if (known != groups_.end()) known->second = revision;
}

void Status::outcome(const std::string& target, const std::string& group, uint64_t revision,
                     const ipc::Outcome& outcome) {
  const auto known = targets_.find(target);
  if (known == targets_.end() || !known->second.contains(group)) return;
  known->second[group] = {revision, outcome};
}

std::vector<std::string> Status::problems(ipc::Severity severity) const {
  std::vector<std::string> texts;
  for (const auto& [child, report] : reports_) {
    for (const ipc::Problem& problem : report.problems) {
      if (problem.severity != severity) continue;
      const std::string about =
          problem.group.empty() ? "" : fmt::format(", group {}", problem.group);
      texts.push_back(fmt::format("{}{}: {}", child, about, problem.message));
    }
  }
  return texts;
}

std::vector<std::string> Status::degraded() const {
  std::vector<std::string> texts = problems(ipc::Severity::degraded);
  if (!refused_reload_.empty())
    texts.push_back(fmt::format("the last reload was refused: {}", refused_reload_));
  for (std::string& text : texts) text = printable(text);
  return texts;
}

std::vector<std::string> Status::in_the_way() const {
  std::vector<std::string> reasons;
  for (const auto& [child, why] : down_) reasons.push_back(fmt::format("{}: {}", child, why));
  for (std::string& problem : problems(ipc::Severity::blocking))
    reasons.push_back(std::move(problem));
  for (const auto& [group, revision] : groups_) {
    if (revision == 0) reasons.push_back(fmt::format("group {}: no primary is known yet", group));
  }
  for (const auto& [target, groups] : targets_) {
    for (const auto& [group, told] : groups) {
      const auto known = groups_.find(group);
      if (known == groups_.end() || known->second == 0) continue;
      const bool answered =
          told.revision == known->second && told.outcome.kind != ipc::OutcomeKind::cancelled;
      if (answered && told.outcome.kind == ipc::OutcomeKind::applied) continue;
      reasons.push_back(fmt::format(
          "target {}, group {}: {}", target, group,
          answered && !told.outcome.reason.empty() ? told.outcome.reason : "not in sync yet"));
    }
  }
  for (std::string& reason : reasons) reason = printable(reason);
  return reasons;
}

}  // namespace reconciler
