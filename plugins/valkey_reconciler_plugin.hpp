// The plugin interface for C++20, on top of the C header and the standard library alone: a vr_plugin
// made of a class, and owners for timers and watches. No exception crosses the border: one that is
// thrown while the instance is made becomes its error, any other is logged and ends the labeler, which
// is started anew.
//
//   class Mine {
//    public:
//     static std::unique_ptr<Mine> create(vr::Host, const vr_target&, std::string& error);
//     void apply(const vr_topology&, vr_request*);
//     void cancel(vr_request*);  // may be left out where each request ends soon by itself
//     void check();              // may be left out
//     void order(const vr_order&, vr_request*);    // may be left out: such orders are refused
//     static constexpr bool tells_dry_run = true;  // may be left out: is_dry_run() is obeyed
//   };
//   constexpr std::array keys{vr::text_key("path", "Where it is written.", nullptr, VR_KEY_REQUIRED)};
//   const vr_plugin* VR_PLUGIN_ENTRY() { return vr::plugin<&Mine::create>("mine", "1.0", keys); }
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "valkey_reconciler_plugin.h"

namespace vr {

// vr_host with C++ arguments; `group` empty: no group. A copyable handle; the vr_host behind it outlives
// every object of the plugin.
class Host {
 public:
  explicit Host(const vr_host* host) : host_(host) {}

  const vr_host& raw() const { return *host_; }
  uint64_t now_ns() const { return host_->now_ns(host_->context); }

  void log(vr_log_level level, const std::string& group, const std::string& message) const {
    host_->log(host_->context, level, or_null(group), message.c_str());
  }
  void complete(vr_request* request, vr_outcome outcome, const std::string& reason = {}) const {
    host_->complete(host_->context, request, outcome, or_null(reason));
  }
  void changed(const std::string& group) const { host_->changed(host_->context, or_null(group)); }

  // Blocking: the target is not right, or would not be after the next failover. Degraded: less than
  // that.
  void set_blocking(const std::string& group, const char* id, const std::string& message) const {
    host_->problem_set(host_->context, or_null(group), id, VR_BLOCKING, message.c_str());
  }
  void set_degraded(const std::string& group, const char* id, const std::string& message) const {
    host_->problem_set(host_->context, or_null(group), id, VR_DEGRADED, message.c_str());
  }
  void clear_problem(const std::string& group, const char* id) const {
    host_->problem_clear(host_->context, or_null(group), id);
  }

  void count(const char* name, const char* label = nullptr, const char* value = nullptr) const {
    host_->count(host_->context, name, label, value, 1);
  }

 private:
  static const char* or_null(const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
  }

  const vr_host* host_;
};

// Calls `function`; what it throws is logged and ends the process.
template <typename Function>
void guarded(const Host& host, Function&& function) noexcept {
  const auto end = [&](const std::string& what) {
    host.log(VR_ERROR, {}, "the plugin threw " + what + ": this labeler ends, to be started anew");
    std::abort();
  };
  try {
    std::forward<Function>(function)();
  } catch (const std::exception& thrown) {
    end(thrown.what());
  } catch (...) {
    end("an exception that is none of the standard's");
  }
}

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
    const Host host = self->host_;
    const std::function<void()> fire = std::move(self->fire_);
    guarded(host, fire);
  }

  Host host_;
  vr_timer* timer_ = nullptr;
  std::function<void()> fire_;
};

// Watches one descriptor, which stays its owner's; to be stopped before that is closed. The function
// may change, stop or destroy the watch.
class Watch {
 public:
  explicit Watch(Host host) : host_(host) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { stop(); }

  // `events`: VR_READABLE, VR_WRITABLE. False where it can't be watched.
  [[nodiscard]] bool start(int fd, uint32_t events, std::function<void(uint32_t events)> ready) {
    stop();
    ready_ = std::make_shared<const std::function<void(uint32_t)>>(std::move(ready));
    watch_ = host_.raw().watch_start(host_.raw().context, fd, events, &Watch::fired, this);
    return watch_ != nullptr;
  }

  void change(uint32_t events) {
    if (watch_ != nullptr) host_.raw().watch_change(host_.raw().context, watch_, events);
  }

  void stop() {
    if (watch_ == nullptr) return;
    host_.raw().watch_stop(host_.raw().context, watch_);
    watch_ = nullptr;
  }

  bool running() const { return watch_ != nullptr; }

 private:
  static void fired(void* data, uint32_t events) {
    auto* self = static_cast<Watch*>(data);
    const Host host = self->host_;
    const auto ready = self->ready_;  // shared, so that it outlives a watch that it destroys
    guarded(host, [&] { (*ready)(events); });
  }

  Host host_;
  vr_watch* watch_ = nullptr;
  std::shared_ptr<const std::function<void(uint32_t)>> ready_;
};

// Keys by type, as vr_key has them.
constexpr vr_key text_key(const char* name, const char* help, const char* default_value = nullptr,
                          uint32_t flags = 0, const char* choices = nullptr,
                          const char* environment = nullptr) {
  return {sizeof(vr_key), name, VR_STRING, flags, default_value, 0, 0, choices, environment, help};
}
constexpr vr_key list_key(const char* name, const char* help, const char* default_value = nullptr,
                          uint32_t flags = 0) {
  return {sizeof(vr_key), name, VR_STRING_LIST, flags, default_value, 0, 0, nullptr, nullptr, help};
}
constexpr vr_key boolean_key(const char* name, const char* help,
                             const char* default_value = "false") {
  return {sizeof(vr_key), name, VR_BOOLEAN, 0, default_value, 0, 0, nullptr, nullptr, help};
}
constexpr vr_key integer_key(const char* name, const char* help, const char* default_value,
                             int64_t minimum, int64_t maximum) {
  return {sizeof(vr_key), name,    VR_INTEGER, 0,       default_value,
          minimum,        maximum, nullptr,    nullptr, help};
}
constexpr vr_key duration_key(const char* name, const char* help, const char* default_value,
                              int64_t minimum_ms, int64_t maximum_ms) {
  return {sizeof(vr_key), name,       VR_DURATION, 0,       default_value,
          minimum_ms,     maximum_ms, nullptr,     nullptr, help};
}

// A setting by its key's name. One that the plugin did not declare: std::out_of_range.
inline const vr_setting& setting(const vr_target& target, std::string_view name) {
  for (std::size_t i = 0; i < target.setting_count; ++i) {
    if (target.settings[i]->name == name) return *target.settings[i];
  }
  throw std::out_of_range("no key `" + std::string(name) + "`");
}

// Nothing at the target is to be changed.
inline bool is_dry_run(const vr_target& target) {
  return VR_HAS(&target, dry_run) && target.dry_run != 0;
}

namespace border {

// What the host holds: the plugin's object, and the host to which its exceptions are told.
template <typename Target>
struct Instance {
  Host host;
  std::unique_ptr<Target> target;
};

inline void say(char* error, std::size_t size, const char* cause) {
  if (size == 0) return;
  std::strncpy(error, cause, size - 1);
  error[size - 1] = '\0';
}

// `make`: std::unique_ptr<Target>(Host, const vr_target&, std::string& error).
template <auto make, typename Target>
void* create(const vr_host* host, const vr_target* target, char* error,
             std::size_t error_size) noexcept {
  try {
    std::string cause;
    std::unique_ptr<Target> made = make(Host(host), *target, cause);
    if (made) return new Instance<Target>{Host(host), std::move(made)};
    say(error, error_size, cause.c_str());
  } catch (const std::exception& thrown) {
    say(error, error_size, thrown.what());
  } catch (...) {
    say(error, error_size, "an exception that is none of the standard's");
  }
  return nullptr;
}

template <typename Target, typename Function>
void call(void* instance, Function function) noexcept {
  auto* own = static_cast<Instance<Target>*>(instance);
  guarded(own->host, [&] { function(*own->target); });
}

}  // namespace border

// The plugin whose instances `make` makes: a function std::unique_ptr<Target>(Host, const vr_target&,
// std::string& error), which gives nullptr where the target can't be had, with the cause in `error`.
// The keys have static storage. Called once in a plugin.
template <auto make>
const vr_plugin* plugin(const char* name, const char* version, std::span<const vr_key> keys) {
  using Target = typename std::invoke_result_t<decltype(make), Host, const vr_target&,
                                               std::string&>::element_type;
  static std::vector<const vr_key*> pointers;
  for (const vr_key& key : keys) pointers.push_back(&key);
  static vr_plugin made{};
  made.size = sizeof made;
  made.name = name;
  made.version = version;
  made.key_count = pointers.size();
  made.keys = pointers.data();
  made.create = &border::create<make, Target>;
  made.destroy = [](void* instance) { delete static_cast<border::Instance<Target>*>(instance); };
  made.apply = [](void* instance, const vr_topology* topology, vr_request* request) {
    border::call<Target>(instance, [&](Target& target) { target.apply(*topology, request); });
  };
  made.cancel = [](void* instance, vr_request* request) {
    border::call<Target>(instance, [&](Target& target) {
      if constexpr (requires { target.cancel(request); }) target.cancel(request);
    });
  };
  if constexpr (requires(Target & target) { target.check(); }) {
    made.check = [](void* instance) {
      border::call<Target>(instance, [](Target& target) { target.check(); });
    };
  }
  if constexpr (requires(Target & target, const vr_order& order, vr_request* request) {
                  target.order(order, request);
                }) {
    made.order = [](void* instance, const vr_order* order, vr_request* request) {
      border::call<Target>(instance, [&](Target& target) { target.order(*order, request); });
    };
  }
  if constexpr (requires { requires Target::tells_dry_run; }) made.abilities |= VR_TELLS_DRY_RUN;
  return &made;
}

}  // namespace vr
