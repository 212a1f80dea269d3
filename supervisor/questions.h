// Questions to children that people wait for: each is answered once, by its answer or by why there is none.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "common/result.h"
#include "common/uv/handle.h"

namespace reconciler {

// Driven by the loop, owned by Supervisor.
class Questions {
 public:
  using Answered = std::function<void(const Result<std::string>&)>;

  explicit Questions(uv_loop_t* loop) : loop_(loop), overdue_(loop) {}

  // The number under which that child is to be asked.
  uint64_t add(const std::string& child, Answered answered);

  // Ignored where nobody waits for it any more, or somebody else was asked.
  void answer(const std::string& child, uint64_t number, const Result<std::string>& answer);

  // It is gone.
  void give_up(const std::string& child, const Error& why);

 private:
  struct Open {
    std::string child;
    Answered answered;
    uint64_t due_ms = 0;
  };

  void give_up_overdue();

  uv_loop_t* loop_;
  uint64_t last_ = 0;
  std::map<uint64_t, Open> open_;  // by number: the oldest is due first
  uv::Timer overdue_;
};

// How long an answer is waited for.
constexpr uint64_t answer_patience_ms = 2'000;

}  // namespace reconciler
