// What a target remembers of the last decision that changed it, for the plugins whose target has a place for that.
// plugins/README.md has the rules that this carries out. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/topology.h"

namespace reconciler {

struct HeldDecision {
  Decision decision;
  bool known = true;    // the primary is published; else it was withdrawn
  std::string primary;  // `host:port`, in one form for one instance

  friend bool operator==(const HeldDecision&, const HeldDecision&) = default;
};

// `v1/<era>.<epoch>.<step>/known/10.0.0.7:6379`, or `suspected` in the place of `known`.
std::string to_text(const HeldDecision& held);
// Nothing where it is no text of ours.
std::optional<HeldDecision> held_of_text(std::string_view text);

enum class Standing {
  ours,    // it may be written, as `decision`
  theirs,  // the target stands by what it holds
  later,   // so it does, until both sides have stood so for as long as an unsettled decision lasts
};

struct Placed {
  Standing standing = Standing::ours;
  Decision decision;  // ours, in the target's count
};

// How long that is: a provisional promotion is confirmed or taken back sooner (plugins/kubernetes/README.md has the
// figures).
inline constexpr uint64_t patience_ms = 15'000;

// `patient`: both have stood so for that long, or there is nobody else to wait for.
Placed placed(const HeldDecision& held, const HeldDecision& ours, bool patient);

// For how long two decisions have stood against each other. One for each group of a target with several writers.
class StandOff {
 public:
  bool has_lasted(const HeldDecision& held, const HeldDecision& ours, uint64_t now_ns) {
    if (held != held_ || ours != ours_) {
      held_ = held;
      ours_ = ours;
      since_ns_ = now_ns;
    }
    return now_ns - since_ns_ >= patience_ms * 1'000'000;
  }

 private:
  HeldDecision held_;
  HeldDecision ours_;
  uint64_t since_ns_ = 0;
};

}  // namespace reconciler
