// The C++ side of vr_host, for the plugins of this tree: formatted log lines, timers and watches
// with an owner. Header only: a plugin links nothing of its host.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

// A copyable handle; the vr_host behind it outlives every plugin object.
class Host {
 public:
  explicit Host(const vr_host* host) : host_(host) {}

  const vr_host& raw() const { return *host_; }
  uint64_t now_ns() const { return host_->now_ns(host_->context); }

  // `group` empty: no group.
  template <typename... Args>
  void log(vr_log_level level, const std::string& group, fmt::format_string<Args...> format,
           Args&&... args) const {
    const std::string line = fmt::format(format, std::forward<Args>(args)...);
    host_->log(host_->context, level, group.empty() ? nullptr : group.c_str(), line.c_str());
  }

  void complete(vr_request* request, vr_outcome outcome, const std::string& reason) const {
    host_->complete(host_->context, request, outcome, reason.empty() ? nullptr : reason.c_str());
  }
  void changed(const std::string& group) const { host_->changed(host_->context, group.c_str()); }

  // Blocking: the target is not right, or would not be after the next failover. Degraded: less than
  // that.
  void set_blocking(const std::string& group, const char* id, const std::string& message) const {
    set_problem(group, id, VR_BLOCKING, message);
  }
  void set_degraded(const std::string& group, const char* id, const std::string& message) const {
    set_problem(group, id, VR_DEGRADED, message);
  }
  void clear_problem(const std::string& group, const char* id) const {
    host_->problem_clear(host_->context, group.empty() ? nullptr : group.c_str(), id);
  }

  void count(const char* name, const char* label = nullptr, const char* value = nullptr) const {
    host_->count(host_->context, name, label, value, 1);
  }

 private:
  void set_problem(const std::string& group, const char* id, vr_severity severity,
                   const std::string& message) const {
    host_->problem_set(host_->context, group.empty() ? nullptr : group.c_str(), id, severity,
                       message.c_str());
  }

  const vr_host* host_;
};

// One timer; starting it again stops the earlier start. The function may start, stop or destroy the
// timer.
class Timer {
 public:
  explicit Timer(Host host) : host_(host) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { stop(); }

  void start(uint64_t after_ms, std::function<void()> fire) {
    stop();
    fire_ = std::move(fire);
    timer_ = host_.raw().timer_start(host_.raw().context, after_ms, &Timer::fired, this);
  }

  void stop() {
    if (timer_ == nullptr) return;
    host_.raw().timer_stop(host_.raw().context, timer_);
    timer_ = nullptr;
  }

  bool running() const { return timer_ != nullptr; }

 private:
  static void fired(void* data) {
    auto* self = static_cast<Timer*>(data);
    self->timer_ = nullptr;
    const std::function<void()> fire = std::move(self->fire_);
    fire();
  }

  Host host_;
  vr_timer* timer_ = nullptr;
  std::function<void()> fire_;
};

}  // namespace reconciler
