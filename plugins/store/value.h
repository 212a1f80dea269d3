// The value that a store keeps for a group: one line of JSON, which holds the decision, too. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/topology.h"
#include "plugins/held_decision.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

// The topology's JSON (topology_json.h) with "state" and "suspected", under `decision` in place of its own. An error where
// the decision could not be read out of it again: numbers above 2^53 are not told apart in JSON.
Result<std::string> value_of(const vr_topology& topology, const Decision& decision);

// What value_of() put in; nothing where it is no value of ours.
std::optional<HeldDecision> held_of_value(std::string_view value);

// What value_of(topology) holds, under `decision`.
HeldDecision held_of(const vr_topology& topology, const Decision& decision);

}  // namespace reconciler
