// What the supervisor can say about the state of things: which groups are known, which targets are
// in sync, what is in the way. Pure: no socket, no clock.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/ipc/message.h"

namespace reconciler {

class Status {
 public:
  // What there is to be known; forgets what is not in `configuration`.
  void expect(const Configuration& configuration);

  // `child`: `sentinel-watcher` or a target's name.
  void child_down(const std::string& child, const std::string& why);
  void child_up(const std::string& child);
  void report(const std::string& child, ipc::Report report);
  void topology(const std::string& group, uint64_t revision);
  void outcome(const std::string& target, const std::string& group, uint64_t revision,
               const ipc::Outcome& outcome);

  // What became of the last reload. A refused one changes nothing, and is no unreadiness.
  void reload_refused(const std::string& why) { refused_reload_ = why; }
  void reload_accepted() { refused_reload_.clear(); }

  bool knows(const std::string& group) const { return groups_.contains(group); }

  // Why the program doesn't call itself ready, in the user's words; empty: it does.
  std::vector<std::string> in_the_way() const;

  // What is not as it should be though it keeps nothing from being right.
  std::vector<std::string> degraded() const;

 private:
  struct Told {
    uint64_t revision = 0;
    ipc::Outcome outcome;
  };

  std::vector<std::string> problems(ipc::Severity severity) const;

  std::string refused_reload_;
  std::map<std::string, uint64_t> groups_;                      // revision; 0: nothing known yet
  std::map<std::string, std::map<std::string, Told>> targets_;  // target -> group
  std::map<std::string, std::string> down_;                     // child -> why
  std::map<std::string, ipc::Report> reports_;                  // child
};

}  // namespace reconciler
