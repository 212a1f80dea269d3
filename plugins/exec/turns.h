// Of a thousand groups, all would begin at once: so many may, the others wait for their turn. Header only.
#pragma once

#include <cstddef>
#include <deque>

namespace reconciler::exec {

inline constexpr std::size_t most_at_once = 16;

// Owned by whoever begins and ends things.
template <typename Thing>
class Turns {
 public:
  // Whether `thing` may begin; else it waits for give_back().
  bool take(Thing& thing) {
    if (running_ == most_at_once) {
      waiting_.push_back(&thing);
      return false;
    }
    ++running_;
    return true;
  }

  // One has ended. Who may begin in its place; nullptr: nobody waits.
  Thing* give_back() {
    if (waiting_.empty()) {
      --running_;
      return nullptr;
    }
    Thing* next = waiting_.front();
    waiting_.pop_front();
    return next;
  }

  // Whether `thing` was waiting, which it then does no more.
  bool forget(Thing& thing) { return std::erase(waiting_, &thing) > 0; }

 private:
  std::size_t running_ = 0;
  std::deque<Thing*> waiting_;
};

}  // namespace reconciler::exec
