// What a process holds in memory of its start: loading, relocating, reading configuration and certificates touch more of
// the executable and its libraries than all that follows.
#pragma once

#include <cstdint>

namespace reconciler {

// So long after the start it is over for good.
inline constexpr uint64_t start_is_over_ms = 5'000;

// Takes code and constants out of this process, and what the heap has free. What is used again comes back from the
// page cache, 64 KiB at a time; the rest stays away: nearly half of what all processes hold.
void give_back_start_pages();

}  // namespace reconciler
