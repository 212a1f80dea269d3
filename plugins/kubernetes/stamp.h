// The stamp: the annotation by which a pod remembers the last decision that touched it. Pure.
//
//   valkey-reconciler.io/stamp: "v1 0.3.0 10.244.0.11:6379 promoted 9f86d081884c7d65 myprimary"
//                                |  |     |                |        |                group
//                                |  |     |                |        unique: no other write has it, tested for equality only
//                                |  |     |                what the write was: promoted (label on) or fenced (label off)
//                                |  era.epoch.step and address: totally ordered in this order, and compared; an odd step is unsettled
//                                version of the format; a reader of v1 ignores further fields after the group
//
// Address and group are percent-encoded outside [A-Za-z0-9._:-] and brackets. A version that this program does not
// know counts as higher than everything: who wrote it is newer and knows better. A text that begins with `released` is
// how a person releases an object, and counts as lowest. So does a text that is no stamp at all. Both are still part of
// a patch's precondition, byte by byte.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/topology.h"
#include "plugins/kubernetes/rare.h"

namespace reconciler {

inline constexpr std::size_t usual_stamp_size = 80;  // bytes, and more than most
inline constexpr char stamp_annotation[] = "valkey-reconciler.io/stamp";

// A decision with the address that breaks the tie of two primaries under one epoch. Totally ordered.
struct Claim {
  Decision decision;
  std::string address;  // canonical: `10.0.0.7:6379`, `[fd00::7]:6379`, `valkey-0.valkey:6379`

  friend bool operator==(const Claim&, const Claim&) = default;
  friend std::strong_ordering operator<=>(const Claim&, const Claim&) = default;
};

enum class StampKind : uint8_t { fenced, promoted };

struct Stamp {
  Claim claim;
  StampKind kind = StampKind::fenced;
  uint64_t unique = 0;
  std::string group;
};

std::string format_stamp(const Stamp& stamp);

// What a pod's annotation says.
struct StampReading {
  enum class State : uint8_t { absent, read, newer_format, released, malformed };

  State state = State::absent;
  std::string text;            // the whole annotation, as preconditions test it; empty where absent
  std::optional<Stamp> stamp;  // of `read` only
  Rare<std::string> problem;   // of `newer_format` and `malformed`: why
};

StampReading read_stamp(std::string text);

// `era 0 epoch 3 step 0 (10.244.0.11:6379)`, with era and step only where they are not 0.
std::string describe(const Claim& claim);

}  // namespace reconciler
