// For tests, in a build with RECONCILER_PAUSES: this process stands still between the steps of an attempt, as one that is
// stopped just there, while others go on. Nothing otherwise.
#pragma once

#ifdef RECONCILER_PAUSES
#include <chrono>
#include <thread>

#include "common/random.h"
#endif

namespace reconciler {

inline void pause_between_steps() {
#ifdef RECONCILER_PAUSES
  // The long ones outlast another failover. Who is silent for 6 s is killed.
  const bool is_long = random_between(1, 20) == 1;
  const uint64_t ms = is_long ? random_between(1000, 4500) : random_between(0, 50);
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
#endif
}

}  // namespace reconciler
