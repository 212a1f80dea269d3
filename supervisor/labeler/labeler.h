// Makes one target agree with the newest topology of each of its groups, through one plugin.
#pragma once

#include <uv.h>

#include <map>
#include <memory>
#include <string>

#include "common/config/configuration.h"
#include "common/ipc/child_session.h"
#include "common/result.h"
#include "common/topology.h"
#include "common/uv/handle.h"
#include "plugins/valkey_reconciler_plugin.h"
#include "supervisor/labeler/assignment.h"
#include "supervisor/labeler/host_services.h"
#include "supervisor/labeler/open_orders.h"
#include "supervisor/labeler/views.h"

namespace reconciler::labeler {

// Driven by the session's messages and by the plugin, owned by main. The plugin is never called
// from within one of its own calls: what follows from those is done on the next turn of the loop.
class Labeler {
 public:
  Labeler(uv_loop_t* loop, ipc::ChildSession& session);
  ~Labeler();
  Labeler(const Labeler&) = delete;
  Labeler& operator=(const Labeler&) = delete;

  // Makes the plugin's instance; loads it before, where it is not `loaded`.
  Result<void> start(const LabelerSettings& settings, const vr_plugin* loaded);

  void arrived(const Topology& topology, uint64_t generation, uint64_t revision);

  // What an operator wants of a group.
  void ordered(const std::string& group, const ipc::Order& order);

  // Has the plugin look at its target's reach and rights; what it finds is reported as problems. The answer, as JSON, says
  // whether this plugin can.
  std::string review();

  // What was begun is finished, for 3 s at most; then `finished` is called.
  void stop(std::function<void()> finished);

 private:
  struct Arrived {
    Topology topology;
    uint64_t generation = 0;
    uint64_t revision = 0;
  };
  struct Group {
    Group(const std::string& of, uv_loop_t* loop, const TargetSettings& target)
        : name(of), assignment(target.retry_min, target.retry_max), retry(loop), deadline(loop) {}

    const std::string name;
    Assignment assignment;
    TopologyView shown;             // what the open request is about, or the next one
    std::unique_ptr<Arrived> next;  // what came while a request is open
    std::unique_ptr<vr_request> request;
    uv::Timer retry;
    uv::Timer deadline;
    std::string said;      // by the last attempt, in a dry run
    bool overdue = false;  // the open request
    bool failed = false;   // the last attempt, which makes the next success worth a line
  };

  void follow(Group& group, const Step& step);
  void apply(Group& group);
  void overdue(Group& group);
  void completed(vr_request* request, vr_outcome outcome, const std::string& reason);
  void report(Group& group, ipc::OutcomeKind kind, const std::string& reason);
  void changed(const char* name);
  // Does `work` on the next turn of the loop.
  void later(std::function<void()> work);
  void finish_if_idle();
  [[noreturn]] void give_up(const std::string& why);

  uv_loop_t* loop_;
  ipc::ChildSession& session_;
  TargetSettings target_;
  bool dry_run_ = false;
  std::map<std::string, Group, std::less<>> groups_;
  std::vector<std::function<void()>> next_turn_;
  uv::Timer turn_;
  uv::Timer grace_;
  std::function<void()> finished_;
  std::unique_ptr<HostServices> services_;
  const vr_plugin* plugin_ = nullptr;
  void* instance_ = nullptr;  // null in a dry run of a plugin that knows of none
  OpenOrders orders_;
};

}  // namespace reconciler::labeler
