// What the host does for a plugin: the functions of vr_host, on this process's loop.
#pragma once

#include <uv.h>

#include <functional>
#include <string>
#include <thread>
#include <unordered_map>

#include "common/ipc/child_session.h"
#include "common/uv/handle.h"
#include "plugins/valkey_reconciler_plugin.h"

// The plugin interface's opaque types, as this host has them.
struct vr_request {
  std::string group;
};

struct vr_timer {
  explicit vr_timer(uv_loop_t* loop) : timer(loop) {}
  reconciler::uv::Timer timer;
};

struct vr_watch {
  reconciler::uv::Poll poll;
  void (*ready)(void* data, uint32_t events) = nullptr;
  void* data = nullptr;
};

namespace reconciler::labeler {

// Called by the plugin, owned by Labeler. A call from another thread than the one that made it is a
// bug of the plugin and ends the process.
class HostServices {
 public:
  struct Handlers {
    std::function<void(vr_request*, vr_outcome, const std::string& reason)> on_complete;
    std::function<void(const char* group)> on_changed;
  };

  HostServices(uv_loop_t* loop, ipc::ChildSession& session, std::string target, Handlers handlers);
  ~HostServices();
  HostServices(const HostServices&) = delete;
  HostServices& operator=(const HostServices&) = delete;

  const vr_host* get() const { return &host_; }

 private:
  // The instance behind a plugin's call, after a look at the thread.
  static HostServices& of(vr_host_context* context);

  static void log(vr_host_context*, vr_log_level, const char* group, const char* message);
  static void complete(vr_host_context*, vr_request*, vr_outcome, const char* reason);
  static void changed(vr_host_context*, const char* group);
  static uint64_t now_ns(vr_host_context*);
  static vr_timer* timer_start(vr_host_context*, uint64_t after_ms, void (*fire)(void*),
                               void* data);
  static void timer_stop(vr_host_context*, vr_timer*);
  static vr_watch* watch_start(vr_host_context*, int fd, uint32_t events,
                               void (*ready)(void*, uint32_t), void* data);
  static void watch_change(vr_host_context*, vr_watch*, uint32_t events);
  static void watch_stop(vr_host_context*, vr_watch*);
  static void problem_set(vr_host_context*, const char* group, const char* id, vr_severity,
                          const char* message);
  static void problem_clear(vr_host_context*, const char* group, const char* id);
  static void count(vr_host_context*, const char* name, const char* label, const char* value,
                    uint64_t by);

  uv_loop_t* loop_;
  ipc::ChildSession& session_;
  std::string target_;
  Handlers handlers_;
  std::thread::id thread_;
  std::unordered_map<vr_timer*, std::unique_ptr<vr_timer>> timers_;
  std::unordered_map<vr_watch*, std::unique_ptr<vr_watch>> watches_;
  vr_host host_{};
};

}  // namespace reconciler::labeler
