#include "plugins/kubernetes/hold.h"

#include <algorithm>
#include <utility>

#include "common/random.h"

namespace reconciler {

namespace {

// The first is short: a server that has just started refuses what it grants a moment later.
constexpr int64_t shortest_refusal_ms = 500;
constexpr int64_t longest_refusal_ms = 30000;

}  // namespace

Hold::Hold(Host host, std::function<void()> over)
    : over_(std::move(over)), timer_(host), refused_(shortest_refusal_ms, longest_refusal_ms) {}

void Hold::after(const ApiError& error) {
  if (error.retry_after_ms > 0 || error.refused()) after_any(error);
}

void Hold::after_any(const ApiError& error) {
  uint64_t wait_ms = 0;
  asked_ = error.retry_after_ms > 0;
  if (asked_) {
    // Never sooner; and those who were told the same come a little apart.
    wait_ms = error.retry_after_ms + random_between(0, error.retry_after_ms / 8);
  } else {
    wait_ms = static_cast<uint64_t>(refused_.next(random_number()));
  }
  why_ = error.message;
  timer_.start(wait_ms, [this] { over_(); });
}

void Hold::lift() {
  if (!asked_) timer_.stop();
  refused_.reset();
}

}  // namespace reconciler
