// What operators want of the target, carried out by its plugin, beside what is applied.
#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/config/configuration.h"
#include "common/ipc/child_session.h"
#include "common/uv/handle.h"
#include "plugins/valkey_reconciler_plugin.h"
#include "supervisor/labeler/host_services.h"

namespace reconciler::labeler {

// Driven and owned by Labeler. Each order is answered once.
class OpenOrders {
 public:
  // `give_up`: the plugin does not obey; it ends the process.
  OpenOrders(uv_loop_t* loop, ipc::ChildSession& session, const TargetSettings& target,
             std::function<void(const std::string& why)> give_up)
      : loop_(loop), session_(session), target_(target), give_up_(std::move(give_up)) {}

  // `instance` null: there is none in a dry run of a plugin that can't have one.
  void begin(const vr_plugin& plugin, void* instance, const std::string& group,
             const ipc::Order& order, bool dry_run);

  // False: it is no request of an order.
  bool completed(const vr_request* request, ipc::OutcomeKind outcome, const std::string& reason);

  // Asks for the end of all.
  void cancel_all();

  bool idle() const { return open_.empty(); }

 private:
  struct Open {
    explicit Open(uv_loop_t* loop) : deadline(loop) {}
    ipc::Order order;
    vr_request request;
    const vr_plugin* plugin = nullptr;
    void* instance = nullptr;
    bool cancelled = false;
    uv::Timer deadline;
  };

  int64_t deadline_ms() const;
  void cancel(Open& open);
  void answer(const std::string& group, const ipc::Order& order, ipc::OutcomeKind outcome,
              const std::string& reason);

  uv_loop_t* loop_;
  ipc::ChildSession& session_;
  const TargetSettings& target_;
  std::function<void(const std::string&)> give_up_;
  std::map<std::string, std::unique_ptr<Open>> open_;  // by group
};

}  // namespace reconciler::labeler
