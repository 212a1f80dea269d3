// vr_host on libuv, telling on standard output what the plugin does: one JSON object a line.
#pragma once

#include <uv.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

// Lives as long as main(). With `eager`, it behaves as a labeler does: applies again what is to be retried, and on
// `changed`, also where that came while a request was open.
class ScriptedHost {
 public:
  ScriptedHost(uv_loop_t* loop, bool eager);
  ScriptedHost(const ScriptedHost&) = delete;
  ScriptedHost& operator=(const ScriptedHost&) = delete;
  ~ScriptedHost();

  const vr_host* host() const { return &host_; }
  void use(const vr_plugin* plugin, void* instance);

  struct Replica {
    bool up = true;
    std::string host;
    uint16_t port = 0;
  };
  // `known`: else suspected. Cancels what is open for the group, and waits for that.
  struct Order {
    std::string group;
    uint32_t era = 0;
    uint64_t epoch = 0;
    uint32_t step = 0;
    bool known = true;
    std::string primary;
    uint16_t port = 0;
    std::vector<Replica> replicas;
  };
  void order(Order order);
  void cancel(const std::string& group);
  // What an operator wants; told as `ordered` when it is completed.
  void tell(vr_order_kind kind, const std::string& group, const std::string& by,
            const std::string& reason);
  // Cancels what is open, and applies nothing any more.
  void stop();
  bool has_open_requests() const { return !open_.empty() || !orders_.empty(); }

  static void say(const std::map<std::string, std::string>& fields);

 private:
  struct Request;
  struct Due;

  static ScriptedHost& self(vr_host_context* context);
  static void log(vr_host_context*, vr_log_level, const char* group, const char* message);
  static void complete(vr_host_context*, vr_request*, vr_outcome, const char* reason);
  static void changed(vr_host_context*, const char* group);
  static uint64_t now_ns(vr_host_context*);
  static vr_timer* timer_start(vr_host_context*, uint64_t after_ms, void (*fire)(void*), void*);
  static void timer_stop(vr_host_context*, vr_timer*);
  static vr_watch* watch_start(vr_host_context*, int fd, uint32_t events,
                               void (*ready)(void*, uint32_t), void*);
  static void watch_change(vr_host_context*, vr_watch*, uint32_t events);
  static void watch_stop(vr_host_context*, vr_watch*);
  static void problem_set(vr_host_context*, const char* group, const char* id, vr_severity,
                          const char* message);
  static void problem_clear(vr_host_context*, const char* group, const char* id);
  static void count(vr_host_context*, const char* name, const char* label, const char* value,
                    uint64_t by);

  void apply_soon(const std::string& group, uint64_t after_ms);
  void apply_now(const std::string& group);

  uv_loop_t* loop_;
  bool eager_;
  vr_host host_;
  const vr_plugin* plugin_ = nullptr;
  void* instance_ = nullptr;
  std::map<std::string, Order> newest_;
  std::map<std::string, Request*> open_;
  std::map<vr_request*, std::unique_ptr<vr_request>> orders_;
  std::set<std::string> due_;
  std::set<std::string> changed_;  // while a request was open
  std::vector<std::unique_ptr<Due>> soon_;
  bool stopping_ = false;
  uint64_t revision_ = 0;
};

}  // namespace reconciler
