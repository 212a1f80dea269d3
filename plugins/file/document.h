// What the file target writes: one JSON object for each group. Pure: no file, no clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/topology.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::file {

// The file's name within the target's folder, without its ending: the group's, with %XX for each byte
// that is none of A-Z a-z 0-9 . _ - , and for a dot in front.
std::string file_stem(std::string_view group);

// The object, with a line end. `unix_us`: when it is written.
std::string render(const vr_topology& topology, int64_t unix_us);

// What a written file holds, as far as an order of decisions needs it.
struct Held {
  Decision decision;
  std::string primary;  // `host port`; empty: none, it was suspected
};

// Of what render() made, and of nothing else.
Result<Held> read_held(std::string_view document);

// Whether `document` says what `topology` asks for; the time doesn't count.
bool says(std::string_view document, const vr_topology& topology);

// The era and step by which a file that holds `held` is to say what `topology` asks for; nothing: it stands by what it
// holds. Both are counted from the start of a program, and a file has one writer: of two programs the later one writes.
// So it differs from plugins/held_decision.h: an unsettled decision goes above what an earlier program left of the same
// epoch, and one of a lower era never does (the file can be removed).
std::optional<Decision> placed(const Held& held, const vr_topology& topology);

}  // namespace reconciler::file
