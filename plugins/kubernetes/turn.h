// Of many instances the one next to the new primary acts first; the others look again a little later.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "plugins/kubernetes/object_store.h"

namespace reconciler {

// How long an instance on `node` waits before it writes, with jitter; nothing: it is its turn. `primary` may be null.
std::optional<uint64_t> wait_for_turn_ms(const std::string& node, const Pod* primary,
                                         const Pods& pods);

}  // namespace reconciler
