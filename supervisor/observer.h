// What the supervisor's work looks like from outside: gathers what is shown to people and machines,
// and tells each failover in the log.
#pragma once

#include <uv.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/ipc/codec.h"
#include "common/uv/handle.h"
#include "supervisor/status/history.h"
#include "supervisor/status/shown_state.h"
#include "supervisor/status/status.h"

namespace reconciler {

// Driven and owned by Supervisor, which tells it what it does. Topologies are decoded on the loop's
// next turn: those that wait to be passed on go first.
class Observer {
 public:
  explicit Observer(uv_loop_t* loop) : soon_(loop) {}

  void expect(const Configuration& configuration);

  // It has gone to every target that it is for, from that moment on.
  void passed_on(const ipc::Frame& topology, uint64_t mono_ns);
  void outcome(const std::string& target, const std::string& group, uint64_t revision,
               const ipc::Outcome& outcome);
  void report(const std::string& child, uint64_t generation, ipc::Report report);
  // `why` empty: it is at work.
  void child_down(const std::string& child, const std::string& why);
  void target_replaced(const std::string& target);
  void reload_refused(const std::string& why);
  void reload_accepted();
  void child_behind(const std::string& child, const std::string& why);
  void child_caught_up(const std::string& child);

  // Tells what has become due. To be called every few seconds.
  void tell_due();
  // Tells of what is still open, too: the program ends.
  void end();

  bool knows(const std::string& group) const { return status_.knows(group); }
  const Status& status();
  ShownState state(std::vector<ProcessStatus> children);

 private:
  struct PassedOn {
    std::string group;
    std::string body;
    uint64_t revision = 0;
    uint64_t mono_ns = 0;
  };

  void catch_up();
  void tell_failovers();
  std::vector<std::string> targets_of(const std::string& group) const;

  const Moment started_ = now();
  static Moment now();

  Status status_;
  History history_;
  std::vector<PassedOn> unread_;
  uv::Timer soon_;
};

}  // namespace reconciler
