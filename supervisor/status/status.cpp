#include "supervisor/status/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/shortened.h"
#include "common/text.h"

namespace reconciler {

namespace {

const std::string watcher = "sentinel-watcher";

// Problems of the supervisor's own making, beside those that the children report.
constexpr const char* down_id = "down";
constexpr const char* reload_refused_id = "reload-refused";
constexpr const char* behind_id = "old-configuration";

// What a child says is shown to people: no more of it is kept than they would read.
constexpr std::size_t longest_text = 1'024;

std::string cut(std::string text) {
  if (text.size() > longest_text) {
    text.resize(shortened(text, longest_text).size());
    text.shrink_to_fit();
  }
  return text;
}

std::string sentence_of_behind(const std::string& why) {
  return fmt::format(
      "it goes on by the configuration of before, and its successor is tried again: {}", why);
}

int64_t since(const std::vector<Status::Problem>& known, const ipc::Problem& problem,
              int64_t otherwise) {
  for (const Status::Problem& earlier : known) {
    if (earlier.what.group == problem.group && earlier.what.id == problem.id)
      return earlier.since_us;
  }
  return otherwise;
}

}  // namespace

void Status::expect(const Configuration& configuration, const Moment& now) {
  file_ = configuration.file;
  loaded_us_ = now.unix_us;

  std::map<std::string, Group> groups;
  for (const SentinelSettings& sentinel : configuration.sentinels) {
    for (const GroupSettings& group : sentinel.groups)
      groups[group.name] = std::move(groups_[group.name]);
  }
  groups_ = std::move(groups);

  std::map<std::string, Target> targets;
  for (const TargetSettings& target : configuration.targets) {
    Target& known = targets_[target.name];
    Target& wanted = targets[target.name];
    wanted.plugin = target.plugin;
    for (const std::string& group : target.groups)
      wanted.groups[group] = std::move(known.groups[group]);
  }
  for (const auto& [name, target] : targets_) {
    if (!targets.contains(name)) counters_.forget(name);
  }
  counters_.forget_if(watcher, [this](const Counters::Series& series) {
    return series.label == "group" && !groups_.contains(series.value);
  });
  targets_ = std::move(targets);
  const auto gone = [this](const auto& entry) {
    return entry.first != watcher && !targets_.contains(entry.first);
  };
  std::erase_if(down_, gone);
  std::erase_if(behind_, gone);
  std::erase_if(reported_, gone);
}

void Status::child_down(const std::string& child, const std::string& why, const Moment& now) {
  down_.try_emplace(child, Trouble{why, now.unix_us}).first->second.why = why;
  if (child == watcher) sentinels_.nobody_hears();
}

void Status::child_up(const std::string& child) {
  down_.erase(child);
  // The new incarnation says anew what is in its way.
  Reported& known = reported_[child];
  known.before = std::exchange(known.problems, {});
}

void Status::report(const std::string& child, uint64_t generation, ipc::Report report,
                    const Moment& now) {
  Reported& known = reported_[child];
  std::vector<Problem> problems;
  problems.reserve(report.problems.size());
  for (ipc::Problem& problem : report.problems) {
    const int64_t began = since(known.problems, problem, since(known.before, problem, now.unix_us));
    problem.message = cut(std::move(problem.message));
    problems.push_back({child, std::move(problem), began});
  }
  known = {std::move(problems), {}};
  counters_.report(child, generation, report.counters);
  if (child == watcher) sentinels_ = SentinelGauges::read(report.gauges);
}

void Status::topology(const std::string& group, uint64_t revision, Topology topology) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;
  Group& known = found->second;
  const bool same = known.known() && known.topology.leads_as(topology);
  // A change of replicas has a cause and a time of its own, which nobody asks for.
  if (!same) known.since_us = topology.event_unix_us;
  topology.cause = same ? std::move(known.topology.cause) : cut(std::move(topology.cause));
  known.topology = std::move(topology);
  known.revision = revision;
}

void Status::outcome(const std::string& target, const std::string& group, uint64_t revision,
                     const ipc::Outcome& outcome, const Moment& now) {
  const auto known = targets_.find(target);
  if (known == targets_.end() || !known->second.groups.contains(group)) return;
  Told& told = known->second.groups[group];
  if (told.revision != revision) told.attempts = 0;
  told = {revision, outcome, now.unix_us_of(outcome.done_mono_ns), told.attempts + 1};
  told.outcome->reason = cut(std::move(told.outcome->reason));
}

void Status::target_replaced(const std::string& target) {
  const auto known = targets_.find(target);
  if (known == targets_.end()) return;
  for (auto& [group, told] : known->second.groups) told = {};
}

void Status::reload_refused(const std::string& why, const Moment& now) {
  refused_reload_ = {cut(why), now.unix_us};
}

void Status::child_behind(const std::string& child, const std::string& why, const Moment& now) {
  behind_.try_emplace(child, Trouble{{}, now.unix_us}).first->second.why = cut(why);
}

std::vector<Status::Problem> Status::problems() const {
  std::vector<Problem> all;
  for (const auto& [child, trouble] : down_) {
    all.push_back({child, {{}, down_id, ipc::Severity::blocking, trouble.why}, trouble.since_us});
  }
  for (const auto& [child, reported] : reported_) {
    all.insert(all.end(), reported.problems.begin(), reported.problems.end());
  }
  if (refused_reload_) {
    all.push_back({"supervisor",
                   {{},
                    reload_refused_id,
                    ipc::Severity::degraded,
                    fmt::format("the last reload was refused: {}", refused_reload_->why)},
                   refused_reload_->since_us});
  }
  for (const auto& [child, trouble] : behind_) {
    all.push_back({child,
                   {{}, behind_id, ipc::Severity::degraded, sentence_of_behind(trouble.why)},
                   trouble.since_us});
  }
  std::stable_partition(all.begin(), all.end(), [](const Problem& problem) {
    return problem.what.severity == ipc::Severity::blocking;
  });
  return all;
}

std::vector<std::string> Status::reported(ipc::Severity severity) const {
  std::vector<std::string> texts;
  for (const auto& [child, reported] : reported_) {
    for (const Problem& problem : reported.problems) {
      if (problem.what.severity != severity) continue;
      const std::string about =
          problem.what.group.empty() ? "" : fmt::format(", group {}", problem.what.group);
      texts.push_back(fmt::format("{}{}: {}", child, about, problem.what.message));
    }
  }
  return texts;
}

std::vector<std::string> Status::degraded() const {
  std::vector<std::string> texts = reported(ipc::Severity::degraded);
  if (refused_reload_)
    texts.push_back(fmt::format("the last reload was refused: {}", refused_reload_->why));
  for (const auto& [child, trouble] : behind_)
    texts.push_back(fmt::format("{}: {}", child, sentence_of_behind(trouble.why)));
  for (std::string& text : texts) text = printable(text);
  return texts;
}

bool Status::all_answered() const {
  const auto answered = [this](const auto& told) {
    const auto group = groups_.find(told.first);
    return group != groups_.end() && group->second.known() && told.second.outcome &&
           told.second.revision == group->second.revision &&
           (told.second.outcome->kind == ipc::OutcomeKind::applied ||
            told.second.outcome->kind == ipc::OutcomeKind::rejected);
  };
  return std::all_of(targets_.begin(), targets_.end(), [&](const auto& target) {
    return std::all_of(target.second.groups.begin(), target.second.groups.end(), answered);
  });
}

std::vector<std::string> Status::in_the_way() const {
  std::vector<std::string> reasons;
  for (const auto& [child, trouble] : down_)
    reasons.push_back(fmt::format("{}: {}", child, trouble.why));
  for (std::string& problem : reported(ipc::Severity::blocking))
    reasons.push_back(std::move(problem));
  for (const auto& [name, group] : groups_) {
    if (!group.known()) reasons.push_back(fmt::format("group {}: no primary is known yet", name));
  }
  for (const auto& [target, known] : targets_) {
    for (const auto& [name, told] : known.groups) {
      const auto group = groups_.find(name);
      if (group == groups_.end() || !group->second.known()) continue;
      if (told.in_sync_with(group->second)) continue;
      const bool answered = told.revision == group->second.revision && told.outcome &&
                            told.outcome->kind != ipc::OutcomeKind::cancelled;
      reasons.push_back(fmt::format(
          "target {}, group {}: {}", target, name,
          answered && !told.outcome->reason.empty() ? told.outcome->reason : "not in sync yet"));
    }
  }
  for (std::string& reason : reasons) reason = printable(reason);
  return reasons;
}

}  // namespace reconciler
