// What the supervisor knows of the state of things: which groups are known, which targets are in
// sync, what is in the way. Pure: no socket, no clock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/ipc/message.h"
#include "supervisor/status/counters.h"
#include "supervisor/status/moment.h"
#include "supervisor/status/sentinel_gauges.h"

namespace reconciler {

class Status {
 public:
  struct Group {
    uint64_t revision = 0;  // 0: nothing known yet
    Topology topology;      // of that revision
    int64_t since_us = 0;   // when its primary, or its being suspected, was heard of

    bool known() const { return revision != 0; }
  };
  // One group at one target.
  struct Told {
    uint64_t revision = 0;                // of the topology that the last outcome is about
    std::optional<ipc::Outcome> outcome;  // none: no answer yet
    int64_t done_us = 0;
    unsigned attempts = 0;  // at that topology

    bool in_sync_with(const Group& group) const {
      return group.known() && revision == group.revision && outcome &&
             outcome->kind == ipc::OutcomeKind::applied;
    }
  };
  struct Target {
    std::string plugin;
    std::map<std::string, Told> groups;
  };
  struct Problem {
    std::string process;
    ipc::Problem what;
    int64_t since_us = 0;
  };

  // What there is to be known; forgets what is not in `configuration`.
  void expect(const Configuration& configuration, const Moment& now);

  // `child`: `sentinel-watcher` or a target's name.
  void child_down(const std::string& child, const std::string& why, const Moment& now);
  void child_up(const std::string& child);
  // `generation`: of the incarnation that speaks.
  void report(const std::string& child, uint64_t generation, ipc::Report report, const Moment& now);
  void topology(const std::string& group, uint64_t revision, Topology topology);
  void outcome(const std::string& target, const std::string& group, uint64_t revision,
               const ipc::Outcome& outcome, const Moment& now);

  // Its settings are others than before, and so may be the place: what was said of it is of the one before.
  void target_replaced(const std::string& target);

  // What became of the last reload. A refused one changes nothing, and is no unreadiness.
  void reload_refused(const std::string& why, const Moment& now);
  void reload_accepted() { refused_reload_.reset(); }
  // It goes on by the configuration of before, since its successor did not become ready.
  void child_behind(const std::string& child, const std::string& why, const Moment& now);
  void child_caught_up(const std::string& child) { behind_.erase(child); }

  bool knows(const std::string& group) const { return groups_.contains(group); }

  // Why the program doesn't call itself ready, in the user's words; empty: it does.
  std::vector<std::string> in_the_way() const;

  // Whether every target has said of every group what it makes of the newest topology: that it agrees, or why it never will.
  bool all_answered() const;

  // What is not as it should be though it keeps nothing from being right.
  std::vector<std::string> degraded() const;

  // All of them, the blocking ones first.
  std::vector<Problem> problems() const;

  const std::string& configuration_file() const { return file_; }
  int64_t loaded_us() const { return loaded_us_; }
  // Empty: it was not.
  std::string refused_reload() const { return refused_reload_ ? refused_reload_->why : ""; }
  // The last reload was refused, or some child could not follow it.
  bool is_behind() const { return refused_reload_ || !behind_.empty(); }
  const std::map<std::string, Group>& groups() const { return groups_; }
  const std::map<std::string, Target>& targets() const { return targets_; }
  const SentinelGauges& sentinels() const { return sentinels_; }
  const Counters& counters() const { return counters_; }

 private:
  struct Trouble {
    std::string why;
    int64_t since_us = 0;
  };
  // Of one child.
  struct Reported {
    std::vector<Problem> problems;
    // What the incarnation before had reported: a problem that is still there keeps its time.
    std::vector<Problem> before;
  };

  std::vector<std::string> reported(ipc::Severity severity) const;

  std::string file_;
  int64_t loaded_us_ = 0;
  std::optional<Trouble> refused_reload_;
  std::map<std::string, Group> groups_;
  std::map<std::string, Target> targets_;
  std::map<std::string, Trouble> down_;       // child
  std::map<std::string, Trouble> behind_;     // child
  std::map<std::string, Reported> reported_;  // child
  SentinelGauges sentinels_;
  Counters counters_;
};

}  // namespace reconciler
