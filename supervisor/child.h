// One of the processes that the supervisor keeps running: the watcher, or one target's labeler.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/backoff.h"
#include "common/log.h"
#include "common/uv/handle.h"
#include "supervisor/incarnation.h"
#include "supervisor/status/shown_state.h"

namespace reconciler {

// Driven by the loop and by the reaper, owned by Supervisor. Restarts what dies or hangs; replaces
// by a successor that is ready before the one that goes is stopped. README.md has the table of
// states and events.
class Child {
 public:
  struct Handlers {
    std::function<uint64_t()> next_generation;
    // One for this plan that was started before, if there is any.
    std::function<std::optional<StartedProcess>(const ChildPlan&)> take_running;
    // It was just started and configured: whatever it has to know first is sent now.
    std::function<void(Incarnation&, const ChildPlan&)> on_started;
    // From the current incarnation only.
    std::function<void(Child&, const ipc::Frame&)> on_frame;
    // Whichever of its processes beat.
    std::function<void()> on_heartbeat;
    // Why it is not at work; empty: it is, by a current incarnation that is another one than
    // before.
    std::function<void(Child&, const std::string&)> on_down;
    // It is at work (or starts) by another plan than before.
    std::function<void(Child&, const ChildPlan& before, const ChildPlan& now)> on_other_plan;
    // A successor did not become ready: the one before goes on, and another is tried later. Its report,
    // where it gave one, may say more.
    std::function<void(Child&, const std::string& why, const std::optional<ipc::Frame>& report)>
        on_replacement_failed;
    // Every process of it has ended, after stop().
    std::function<void(Child&)> on_stopped;
  };

  Child(uv_loop_t* loop, std::string id, ChildPlan plan, const SupervisionSettings& supervision,
        Handlers handlers);

  void start();

  // Starts a successor of another plan.
  void replace(ChildPlan plan, const SupervisionSettings& supervision);

  // The same plan with other deadlines and backoffs, for what runs too.
  void supervise(const SupervisionSettings& supervision);

  // Asks every process of it to finish; kills what has not done so after 4 s.
  void stop();

  // `pid` has ended; false where it is none of ours.
  bool ended(pid_t pid, int wait_status);

  // A topology, to the current incarnation and to one that is to succeed it: to whichever serves its group.
  void pass_on(const ipc::Frame& topology);
  void send_to_successor(const ipc::Frame& frame);
  void send_to_current(const ipc::Frame& frame);

  // Kills what is silent. `forgive`: the supervisor stood still, nobody could be heard.
  void look(int64_t now_ms, bool forgive);
  // When there may be somebody to kill.
  int64_t due_ms() const;

  // `sentinel-watcher` or the target's name.
  const std::string& id() const { return id_; }
  // Whether `plan` is another one than what runs or is about to, or that was refused.
  bool wants(const ChildPlan& plan) const {
    return refused_ || (successor_ ? successor_plan_ : plan_) != plan;
  }
  // Whether a group's topologies are for what runs.
  bool serves(const std::string& group) const { return plan_.serves(group); }
  // By another plan than what runs.
  bool is_being_replaced() const { return successor_ != nullptr; }
  bool ready() const { return current_ && current_->ready(); }
  bool stopped() const { return stopping_ && !current_ && !successor_ && retiring_.empty(); }
  uint64_t generation() const { return current_ ? current_->generation() : 0; }
  pid_t pid() const { return current_ ? current_->pid() : -1; }

  // For people; the name and the kind are whoever's who knows what this child is.
  ProcessStatus process() const;

 private:
  Result<std::unique_ptr<Incarnation>> spawn(const ChildPlan& plan,
                                             const SupervisionSettings& supervision);
  void begin_replacement(log::Level level);
  void put_off_replacement();
  void on_frame(uint64_t generation, const ipc::Frame& frame);
  void became_ready(uint64_t generation);
  void current_ended(std::unique_ptr<Incarnation> incarnation, int wait_status);
  void successor_failed(const std::string& why);
  void retire(std::unique_ptr<Incarnation> incarnation);
  void follow_successor();
  void restart_after(int64_t delay_ms, const std::string& how, int64_t up_ms);
  uint64_t refused_again_ms();
  void kill_overdue(Incarnation& incarnation, int64_t now_ms, bool forgive);
  bool dies_again_and_again() const { return early_deaths_ > 1; }
  log::Level level_of_start() const;
  void note_that_it_stays_up();

  uv_loop_t* loop_;
  std::string id_;
  // Each plan with its own: who was told to beat seldom is not killed for it.
  ChildPlan plan_;
  SupervisionSettings supervision_;
  ChildPlan successor_plan_;
  SupervisionSettings successor_supervision_;
  std::optional<ipc::Frame> successor_report_;
  Handlers handlers_;
  Backoff backoff_;
  Backoff refused_backoff_;
  uv::Timer restart_;
  uv::Timer replace_again_;
  bool stopping_ = false;
  bool refused_ = false;       // it exited with 78, and was not ready since
  uint64_t restarts_ = 0;      // deaths that nobody had asked for
  uint64_t early_deaths_ = 0;  // of them the last ones, each soon after its start
  std::unique_ptr<Incarnation> current_;
  std::unique_ptr<Incarnation> successor_;
  std::vector<std::unique_ptr<Incarnation>> retiring_;
};

}  // namespace reconciler
