// Of many instances the one next to the new primary acts first; the others look again a little later.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "plugins/host.h"
#include "plugins/kubernetes/object_store.h"

namespace reconciler {

// How long an instance on `node` waits before it writes, with jitter; nothing: it is its turn. `primary` may be null.
std::optional<uint64_t> wait_for_turn_ms(const std::string& node, const Pod* primary,
                                         const Pods& pods);

// When a process that was starved goes on, its timers come before what has arrived meanwhile. So a second timer: between
// the two it reads that.
void after_what_arrived(Timer& timer, uint64_t after_ms, std::function<void()> look);

}  // namespace reconciler
