// Eras and steps are counted from the start of a program; a target remembers those of programs before it. How far ahead
// the target's count is of ours, once that is known. Header only.
#pragma once

#include <cstdint>
#include <optional>

#include "common/topology.h"

namespace reconciler {

// A decision takes one step; whoever is further than this has not counted them.
inline constexpr uint32_t highest_step = 1u << 30;

// Goes above `known` within its epoch; nothing where its step can't have been counted.
inline std::optional<Decision> above(const Decision& known, bool settled) {
  if (known.step >= highest_step) return std::nullopt;
  return known.next(settled);
}

// One for each group, driven by its target. The era goes on from one epoch to the next, the step does not.
class CountAhead {
 public:
  // What `told`, a topology's decision, is in the target's count.
  Decision of(const Decision& told) const {
    Decision known{told.era + eras_, told.epoch, told.step};
    const bool of_this_epoch = told.era == era_ && told.epoch == epoch_;
    if (of_this_epoch && told.step + steps_ >= 0) {
      known.step = static_cast<uint32_t>(told.step + steps_);
    }
    return known;
  }

  void learn(const Decision& told, const Decision& known) {
    eras_ = known.era - told.era;
    era_ = told.era;
    epoch_ = told.epoch;
    steps_ = int64_t{known.step} - told.step;
  }

 private:
  uint32_t eras_ = 0;
  int64_t steps_ = 0;  // under this era and epoch, as they are told
  uint32_t era_ = 0;
  uint64_t epoch_ = 0;
};

}  // namespace reconciler
