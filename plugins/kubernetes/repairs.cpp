#include "plugins/kubernetes/repairs.h"

#include <utility>

namespace reconciler {

namespace {

constexpr uint64_t window_ns = 10ull * 1000000000;
constexpr int most_at_once = 6;
constexpr uint64_t pause_ms = 1000;
constexpr uint64_t contest_over_ms = 15000;

}  // namespace

Repairs::Repairs(Host host, std::string group, std::string contest)
    : host_(host),
      group_(std::move(group)),
      contest_(std::move(contest)),
      later_(host),
      contest_over_(host) {}

void Repairs::ask(bool undone) {
  const uint64_t now = host_.now_ns();
  if (now - since_ns_ > window_ns) {
    since_ns_ = now;
    count_ = 0;
  }
  // What else comes before the host's turn is no further repair.
  if (!std::exchange(asked_, true)) ++count_;
  if (count_ <= most_at_once) {
    host_.changed(group_);
    return;
  }
  if (undone) {
    host_.set_degraded(group_, "contested", contest_);
    contest_over_.start(contest_over_ms, [this] { host_.clear_problem(group_, "contested"); });
  }
  if (!later_.running()) {
    later_.start(pause_ms, [this] { host_.changed(group_); });
  }
}

}  // namespace reconciler
