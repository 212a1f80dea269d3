// What operators want of a group: each order goes to every target that keeps it, and is answered once for all of them.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/ipc/message.h"
#include "common/result.h"
#include "common/uv/handle.h"

namespace reconciler {

// Driven by the loop, owned by Supervisor.
class Orders {
 public:
  // Is given {"targets": [{"target": "kubernetes", "outcome": "done"|"refused"|"not done", "reason": ""}]}.
  using Answered = std::function<void(const Result<std::string>& document)>;

  explicit Orders(uv_loop_t* loop) : loop_(loop), overdue_(loop) {}

  // The number under which it goes to `targets`, of which there is one at least.
  uint64_t add(const std::vector<std::string>& targets, Answered answered);

  // What nobody waits for any more is ignored.
  void answer(const std::string& target, const ipc::Ordered& ordered);

  // Its labeler is not at work.
  void target_down(const std::string& target, const std::string& why);

 private:
  struct Told {
    bool known = false;  // the answer is
    ipc::OutcomeKind outcome = ipc::OutcomeKind::cancelled;
    std::string reason;
  };
  struct Open {
    Answered answered;
    uint64_t due_ms = 0;
    std::map<std::string, Told> targets;
  };

  void note(uint64_t number, const std::string& target, ipc::OutcomeKind outcome,
            const std::string& reason);
  void give_up_overdue();

  uv_loop_t* loop_;
  uint64_t last_ = 0;
  std::map<uint64_t, Open> open_;  // by number: the oldest is due first
  uv::Timer overdue_;
};

// How long the targets are waited for.
constexpr uint64_t order_patience_ms = 10'000;

}  // namespace reconciler
