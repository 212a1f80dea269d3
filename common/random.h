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

}  // namespace reconciler
