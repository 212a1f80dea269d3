// Starts the children, passes frames between them, restarts what dies or hangs. The one class that
// knows all the processes; it knows no Valkey and no Kubernetes, and nothing that a child sends can
// end it.
#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/ipc/codec.h"
#include "common/uv/handle.h"
#include "supervisor/child.h"
#include "supervisor/describe.h"
#include "supervisor/liveness.h"
#include "supervisor/observer.h"
#include "supervisor/orders.h"
#include "supervisor/questions.h"

namespace reconciler {

// The name of the watcher as a child; labelers have that of their target.
inline constexpr char watcher_id[] = "sentinel-watcher";

// Driven by the loop, owned by main.
class Supervisor {
 public:
  // `look`: the labelers are told of no topology, so that nothing is written anywhere.
  enum class Purpose : uint8_t { serve, look };

  Supervisor(uv_loop_t* loop, Configuration configuration, Purpose purpose = Purpose::serve);

  // `waiting`: children that were started before the configuration was known.
  void start(WaitingChildren waiting = {});

  // Swaps in a configuration that was checked: children whose part changed get successors, the
  // others don't notice.
  void reload(Configuration configuration);

  // A new configuration that was refused: nothing changes, but nobody can overlook it.
  void reload_refused(const Error& why);

  // Stops every child, then calls `stopped`; takes 4 s at most.
  void stop(std::function<void()> stopped);

  // What keeps the supervisor itself from being as it should; it stays so.
  void note_problem(ipc::Problem problem);

  // What the watcher knows of a group, as JSON, and why; answered once, within 2 s.
  void explain(const std::string& group, Questions::Answered answered);
  // What it knows of its Sentinels; likewise.
  void explain_sentinels(Questions::Answered answered);
  // Has a target's plugin look at reach and rights; what it finds shows as problems.
  void review(const std::string& target, Questions::Answered answered);

  // Has every target that keeps the group do it; answered once, within 10 s.
  void order(const std::string& group, ipc::Order order, Orders::Answered answered);

  const Status& status() { return observer_.status(); }
  // All that is shown, as it is now.
  ShownState state();

 private:
  void add_child(const std::string& id, ChildPlan plan);
  Child::Handlers handlers();
  void greet(Incarnation& incarnation, const ChildPlan& plan);
  void on_frame(Child& child, const ipc::Frame& frame);
  void on_topology(Child& watcher, const ipc::Frame& frame);
  void on_outcome(Child& labeler, const ipc::Frame& frame);
  void on_report(Child& child, const ipc::Frame& frame);
  void on_answer(const Child& child, const ipc::Frame& frame);
  void on_ordered(const Child& labeler, const ipc::Frame& frame);
  void ask(const std::string& child, const std::string& group, Questions::Answered answered);
  void on_stopped();
  void reap();
  void look();
  void look_soon();
  void forget_the_start();

  uv_loop_t* loop_;
  Configuration configuration_;
  const Purpose purpose_;
  Observer observer_;
  uint64_t generation_ = first_generation;      // of the newest incarnation of any child
  uint64_t revision_ = 0;                       // of the newest topology of any group
  std::map<std::string, ipc::Frame> retained_;  // by group: the newest topology, unread
  std::map<std::string, std::unique_ptr<Child>> children_;
  WaitingChildren waiting_;                      // only while the children are started
  std::vector<std::unique_ptr<Child>> leaving_;  // no longer configured, not yet ended
  std::function<void()> stopped_;
  ipc::Report own_report_;
  Questions questions_;
  Orders orders_;
  Looks looks_;
  uv::Signal child_ended_;
  uv::Timer look_;
  uv::Timer started_;
};

}  // namespace reconciler
