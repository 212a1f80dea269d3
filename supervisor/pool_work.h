// One piece of work at a time on a thread of libuv's pool, for what may take its time.
#pragma once

#include <uv.h>

#include <functional>
#include <utility>

namespace reconciler {

// Driven by the loop. Not to be destroyed while it runs: nothing can call the thread back.
class PoolWork {
 public:
  explicit PoolWork(uv_loop_t* loop) : loop_(loop) { request_.data = this; }
  PoolWork(const PoolWork&) = delete;
  PoolWork& operator=(const PoolWork&) = delete;

  // `work` on the other thread, then `done` on the loop's. Only while nothing runs.
  void start(std::function<void()> work, std::function<void()> done) {
    running_ = true;
    work_ = std::move(work);
    done_ = std::move(done);
    uv_queue_work(
        loop_, &request_, [](uv_work_t* request) { of(request).work_(); },
        [](uv_work_t* request, int) {
          of(request).running_ = false;
          std::exchange(of(request).done_, nullptr)();
        });
  }

  bool running() const { return running_; }

 private:
  static PoolWork& of(uv_work_t* request) { return *static_cast<PoolWork*>(request->data); }

  uv_loop_t* loop_;
  uv_work_t request_{};
  std::function<void()> work_;
  std::function<void()> done_;
  bool running_ = false;
};

}  // namespace reconciler
