// Thin owners of libuv handles. Each owns the memory of its handle, which goes in libuv's close
// callback: destroying an owner is safe at any time, within its own callback too, and no callback
// of its comes afterwards.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "common/result.h"

namespace reconciler::uv {

inline Error error_of(int code, const std::string& doing) {
  return Error(doing + ": " + uv_strerror(code));
}

// The memory behind one handle: the handle itself and what to call. Kept alive by libuv until
// closed.
template <typename Handle, typename Callback>
struct Slot {
  Handle handle;
  Callback callback;
};

template <typename Handle, typename Callback>
class Owner {
 public:
  using SlotType = Slot<Handle, Callback>;

  Owner() : slot_(new SlotType{}) { slot_->handle.data = slot_; }
  ~Owner() { close(); }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  Owner(Owner&&) = delete;
  Owner& operator=(Owner&&) = delete;

 protected:
  Handle* handle() { return &slot_->handle; }
  const Handle* handle() const { return &slot_->handle; }
  Callback& callback() { return slot_->callback; }

  // A copy is called, so that the callback may destroy its own owner or set another callback.
  template <typename... Args>
  static void call(Handle* handle, Args&&... args) {
    const Callback callback = static_cast<SlotType*>(handle->data)->callback;
    if (callback) callback(std::forward<Args>(args)...);
  }

 private:
  void close() {
    slot_->callback = nullptr;
    auto* generic = reinterpret_cast<uv_handle_t*>(&slot_->handle);
    if (generic->loop == nullptr) {  // never initialised
      delete slot_;
      return;
    }
    uv_close(generic, [](uv_handle_t* closed) { delete static_cast<SlotType*>(closed->data); });
  }

  SlotType* slot_;
};

// Fires once or again and again, in milliseconds.
class Timer : public Owner<uv_timer_t, std::function<void()>> {
 public:
  explicit Timer(uv_loop_t* loop) { uv_timer_init(loop, handle()); }

  void start(uint64_t after_ms, std::function<void()> fire) {
    start_with(after_ms, 0, std::move(fire));
  }
  void start_repeating(uint64_t every_ms, std::function<void()> fire) {
    start_with(every_ms, every_ms, std::move(fire));
  }
  void stop() { uv_timer_stop(handle()); }
  bool active() const { return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle())) != 0; }

 private:
  void start_with(uint64_t after_ms, uint64_t every_ms, std::function<void()> fire) {
    callback() = std::move(fire);
    // The loop's clock stands still while callbacks run; a deadline counts from now.
    uv_update_time(handle()->loop);
    uv_timer_start(
        handle(), [](uv_timer_t* timer) { call(timer); }, after_ms, every_ms);
  }
};

// Watches a descriptor that belongs to somebody else. To be destroyed, not merely stopped, before
// the descriptor is closed: libuv takes leave of a descriptor by its number
// (uv__platform_invalidate_fd), which may be another one's by then, and that would be deaf.
class Poll : public Owner<uv_poll_t, std::function<void(int status, int events)>> {
 public:
  Poll() { handle()->loop = nullptr; }

  Result<void> open(uv_loop_t* loop, int fd) {
    const int code = uv_poll_init(loop, handle(), fd);
    if (code == 0) return {};
    handle()->loop = nullptr;
    return error_of(code, "watch descriptor " + std::to_string(fd));
  }
  // `events`: UV_READABLE, UV_WRITABLE, UV_DISCONNECT. `ready` gets libuv's status (0 or an error
  // code) and the events.
  void start(int events, std::function<void(int status, int events)> ready) {
    callback() = std::move(ready);
    watch(events);
  }
  void watch(int events) {
    uv_poll_start(handle(), events,
                  [](uv_poll_t* poll, int status, int ready) { call(poll, status, ready); });
  }
  void stop() { uv_poll_stop(handle()); }
};

class Signal : public Owner<uv_signal_t, std::function<void()>> {
 public:
  explicit Signal(uv_loop_t* loop) { uv_signal_init(loop, handle()); }

  void start(int number, std::function<void()> raised) {
    callback() = std::move(raised);
    uv_signal_start(
        handle(), [](uv_signal_t* signal, int) { call(signal); }, number);
  }
};

// A loop of its own. Whatever was started on it is to be destroyed before it.
class Loop {
 public:
  Loop() {
    if (uv_loop_init(&loop_) != 0) abort_with("uv_loop_init");
  }
  // Runs the close callbacks of owners that are already destroyed.
  ~Loop() {
    uv_run(&loop_, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop_) != 0) abort_with("a libuv handle outlived its loop");
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  uv_loop_t* get() { return &loop_; }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }
  void stop() { uv_stop(&loop_); }

 private:
  uv_loop_t loop_{};
};

}  // namespace reconciler::uv
