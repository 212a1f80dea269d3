// Numbers that no two processes share, also after a fork and on a clone of a machine.
#pragma once

#include <sys/random.h>

#include <cstdint>

#include "common/result.h"

namespace reconciler {

inline uint64_t random_number() {
  uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) abort_with("getrandom");
  return number;
}

inline uint64_t random_between(uint64_t low, uint64_t high) {
  return low + random_number() % (high - low + 1);
}

}  // namespace reconciler
