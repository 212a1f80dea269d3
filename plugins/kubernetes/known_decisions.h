// What the highest stamp of a group teaches whoever counts eras and steps from his own start, whether pods bear it or one
// object that publishes. Pure; README.md has the reasons.
#pragma once

#include <cstdint>
#include <optional>

#include "plugins/kubernetes/stamp.h"

namespace reconciler {

struct Wanted;  // plan.h

// What they wanted who wrote a stamp.
enum class Intent : uint8_t { promotion, withdrawal, unknown };

struct HighestStamp {
  Claim claim;
  Intent intent = Intent::unknown;
};

// The decision by which what is wanted is known already, where it is a higher one than the topology's: the highest stamp
// of all has its epoch and address and is of its kind (settled, a provisional promotion, a suspicion). Resets of Sentinel
// and steps within an epoch are counted from the start of the program, so one that started later finds out here where
// it is. Nothing where there is nothing to learn.
std::optional<Decision> known_ahead(const Wanted& wanted,
                                    const std::optional<HighestStamp>& highest);

// What a settled decision that stands down becomes when both sides have stood so for long.
struct Takeover {
  Claim known;  // the highest
  Decision decision;

  friend bool operator==(const Takeover&, const Takeover&) = default;
};
std::optional<Takeover> takeover_from_unsettled(const Wanted& wanted,
                                                const std::optional<HighestStamp>& highest);
// The highest claim's era alone makes it higher than what is wanted: its epoch is lower.
std::optional<Takeover> takeover_of_era(const Wanted& wanted,
                                        const std::optional<HighestStamp>& highest);

}  // namespace reconciler
