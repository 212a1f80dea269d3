// What the file target writes: one JSON object for each group. Pure: no file, no clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::file {

// The file's name within the target's folder: `<group>.json`, with %XX for each byte of the group's
// name that is none of A-Z a-z 0-9 . _ - , and for a dot in front.
std::string file_name(std::string_view group);

// The object, with a line end. `unix_us`: when it is written.
std::string render(const vr_topology& topology, int64_t unix_us);

// The decision that a written file holds, as far as an order of decisions needs it.
struct Held {
  uint32_t era = 0;
  uint64_t epoch = 0;
  uint32_t step = 0;
  std::string primary;  // `host port`; empty: none
};

// Of what render() made, and of nothing else.
Result<Held> read_decision(std::string_view document);

// Whether `document` says what `topology` asks for; the time doesn't count.
bool says(std::string_view document, const vr_topology& topology);

// Whether `held` is the very decision that `topology` is, but for its era and step.
bool is_same(const Held& held, const vr_topology& topology);

// Whether a target that holds `held` stands by it rather than taking `topology`.
bool is_above(const Held& held, const vr_topology& topology);

}  // namespace reconciler::file
