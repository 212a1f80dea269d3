// A child's end of its channel: says hello, waits for its configuration, beats, and carries
// messages both ways.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/result.h"
#include "common/uv/handle.h"

namespace reconciler::ipc {

// The descriptor that every child is started with.
constexpr int channel_descriptor = 3;

// Ties this process to the supervisor's life before anything else is done: SIGKILL when it dies, no
// core dump with secrets in it. Fails when it is dead already. `supervisor_pid` stands in the
// child's arguments.
Result<void> tie_to_supervisor(int64_t supervisor_pid);

// Driven by the child's loop, owned by its main. When the supervisor is gone the process exits at
// once.
class ChildSession {
 public:
  struct Handlers {
    // The accepted configuration; an error ends the process with 78, and the supervisor tries
    // again within a minute.
    std::function<Result<void>(const Configure&)> on_configure;
    // To a labeler: what is to be applied. To a watcher: what its predecessor knew.
    std::function<void(const Topology&, uint64_t generation, uint64_t revision)> on_topology;
    // Everything that is so at the moment, for a report that is about to go.
    std::function<std::vector<Gauge>()> on_gauges;
    // What is known of a group, as JSON; without one, of the whole.
    std::function<std::string(const std::string& group)> on_ask;
    // What an operator wants of a group; answered by `ordered`.
    std::function<void(const std::string& group, const Order&)> on_order;
    // To finish what was begun and then call `finish`.
    std::function<void()> on_shutdown;
  };

  // `process`: `sentinel-watcher` or `labeler`. Takes over `fd`.
  static Result<std::unique_ptr<ChildSession>> open(uv_loop_t* loop, int fd, std::string process,
                                                    Handlers handlers);

  // This child can take work.
  void ready();

  // The newest of each group counts: while the channel is full, an older one that waits is
  // replaced.
  void publish(const Topology& topology);

  // `revision`: of the topology that this is about.
  void outcome(const std::string& group, uint64_t revision, const Outcome& outcome);

  // What became of an order.
  void ordered(const std::string& group, const Ordered& ordered);

  void problem_set(const std::string& group, const std::string& id, const std::string& message,
                   Severity severity = Severity::blocking);
  void problem_clear(const std::string& group, const std::string& id);
  void count(const std::string& name, const std::string& label, const std::string& value,
             uint64_t by);
  // What this series was about is gone, and so is it.
  void count_no_more(const std::string& name, const std::string& label, const std::string& value);

  // Something that on_gauges tells is another than before. Kept by its owner alone: of thousands of
  // groups a second copy would be dear.
  void gauges_changed();

  // Sends what can be sent and stops the loop, so that main returns.
  void finish();

 private:
  ChildSession(uv_loop_t* loop, std::string process, Handlers handlers);

  void on_frame(const Frame& frame);
  void configure(const Configure& message);
  void report_within(uint64_t delay_ms);
  void report_now();
  void send_report();
  void send(const Message& message, const std::string& group, uint64_t revision);
  // For when nothing is left to be cleaned up for: the supervisor is gone, or has refused this
  // child.
  [[noreturn]] void leave(int status);

  uv_loop_t* loop_;
  std::string process_;
  Handlers handlers_;
  uint64_t generation_ = 0;  // told by the supervisor's first frame
  bool configured_ = false;
  std::map<std::pair<std::string, std::string>, Problem> problems_;
  std::map<std::tuple<std::string, std::string, std::string>, uint64_t> counters_;
  std::size_t report_size_ = 0;  // entries of the last report
  uint64_t report_due_ms_ = 0;   // on the loop's clock, while one is due
  uint64_t reported_ms_ = 0;     // when the last one went
  uv::Timer heartbeat_;
  uv::Timer report_;
  uv::Timer started_;
  std::unique_ptr<Channel> channel_;
};

}  // namespace reconciler::ipc
