// One running process of a child, with the channel that was made for it.
#pragma once

#include <sys/types.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/config/configuration.h"
#include "common/ipc/channel.h"
#include "common/ipc/codec.h"
#include "common/ipc/message.h"
#include "common/result.h"
#include "supervisor/liveness.h"
#include "supervisor/process.h"

namespace reconciler {

// What a child is: the same for all its incarnations, until a reload changes it.
struct ChildPlan {
  std::string name;  // for the log: `sentinel-watcher`, `labeler kubernetes (plugin kubernetes)`
  std::string executable;  // path
  ipc::Configure configuration;

  // Whether a group's topologies are for it: each for the watcher, which remembers them.
  bool serves(const std::string& group) const;

  friend bool operator==(const ChildPlan&, const ChildPlan&) = default;
};

// Driven by the loop, owned by Child. The first frame in must be a hello; everything after it goes
// to `on_frame`.
class Incarnation {
 public:
  struct Handlers {
    std::function<void(const ipc::Frame&)> on_frame;
    std::function<void()> on_heartbeat;
  };

  // `running`: a process for this plan that was started before, and waits for its configuration or has it already, as one of
  // this generation.
  static Result<std::unique_ptr<Incarnation>> start(uv_loop_t* loop, const ChildPlan& plan,
                                                    uint64_t generation,
                                                    const SupervisionSettings& supervision,
                                                    Handlers handlers,
                                                    std::optional<StartedProcess> running);
  // Kills what is still alive; the reaper collects it.
  ~Incarnation();
  Incarnation(const Incarnation&) = delete;
  Incarnation& operator=(const Incarnation&) = delete;

  void send(const ipc::Message& message);
  void send(ipc::Frame frame);

  // The process has ended: hands over the frames that it left behind.
  void ended();
  // Why it was killed from here; empty: it was not.
  const std::string& fault() const { return fault_; }

  // With a line in the log.
  void condemn(const std::string& fault);

  pid_t pid() const { return pid_; }
  uint64_t generation() const { return generation_; }
  bool ready() const { return ready_; }
  bool stopping() const { return stopping_; }
  // It was asked to finish, and has 4 s for it.
  void set_stopping();
  int64_t up_for_ms() const;

  // Why this process is to be killed now; empty: it is well.
  std::string overdue(int64_t now_ms) const;
  // The first moment at which it may be, unless it is heard of.
  int64_t due_ms() const;
  void supervise(const SupervisionSettings& supervision);
  // The supervisor stood still: nobody could be heard.
  void forgive(int64_t now_ms);

 private:
  Incarnation(uint64_t generation, const SupervisionSettings& supervision, Handlers handlers);

  void on_frame(const ipc::Frame& frame);
  void kill();

  uint64_t generation_;
  SupervisionSettings supervision_;
  Handlers handlers_;
  int64_t started_ms_;
  int64_t ready_deadline_ms_;
  int64_t stop_deadline_ms_ = 0;
  Liveness liveness_;
  std::string name_;
  std::string fault_;
  pid_t pid_ = -1;
  bool greeted_ = false;
  bool ready_ = false;
  bool stopping_ = false;
  std::unique_ptr<ipc::Channel> channel_;
};

// The clock of supervision.
int64_t monotonic_ms();

}  // namespace reconciler
