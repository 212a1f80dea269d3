// What Sentinels, instances and targets answered to `check --live`, as findings with their mends. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "supervisor/live_check/finding.h"
#include "supervisor/status/status.h"

namespace reconciler {

struct LiveAnswers {
  struct Target {
    std::string plugin;
    std::string review;     // the labeler's answer; empty: none
    bool had_time = false;  // since then its plugin had time to say what it finds
  };

  std::string sentinels;                      // the watcher's answer; empty: none
  std::map<std::string, std::string> groups;  // by name: the watcher's answer; empty: none
  std::map<std::string, Target> targets;      // by name
  std::vector<Status::Problem> problems;
};

// Whether every Sentinel is known to be well or not to be: it answered, or why it can't is known.
bool sentinels_are_through(const LiveAnswers& answers);
// And whether those that answer have answered for each group, as have instances that were asked.
bool groups_are_through(const LiveAnswers& answers);

// Sentinels first, then groups, then targets.
std::vector<Finding> live_findings(const LiveAnswers& answers);

// 0; else that of the worst: 78 (configuration), 69 (unreachable), 77 (a right).
int exit_status(const std::vector<Finding>& findings);

}  // namespace reconciler
