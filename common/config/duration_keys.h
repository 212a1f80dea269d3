// The durations that this program's own tables have: one row for each key, for reading and for writing alike.
#pragma once

#include <array>

#include "common/config/configuration.h"

namespace reconciler {

template <typename Settings>
struct DurationKey {
  const char* name;
  Milliseconds Settings::*field;
  Milliseconds minimum;
  Milliseconds maximum;
};

constexpr std::array<DurationKey<SentinelSettings>, 6> sentinel_durations{{
    {"poll_interval", &SentinelSettings::poll_interval, 100, 60'000},
    {"connect_timeout", &SentinelSettings::connect_timeout, 100, 60'000},
    {"reply_timeout", &SentinelSettings::reply_timeout, 100, 60'000},
    {"backoff_min", &SentinelSettings::backoff_min, 10, 60'000},
    {"backoff_max", &SentinelSettings::backoff_max, 10, 600'000},
    {"resolve_interval", &SentinelSettings::resolve_interval, 1'000, 3'600'000},
}};

constexpr std::array<DurationKey<GroupSettings>, 1> group_durations{{
    {"reset_after", &GroupSettings::reset_after, 1'000, 3'600'000},
}};

constexpr std::array<DurationKey<TargetSettings>, 3> target_durations{{
    {"deadline", &TargetSettings::deadline, 100, 600'000},
    {"retry_min", &TargetSettings::retry_min, 10, 60'000},
    {"retry_max", &TargetSettings::retry_max, 10, 600'000},
}};

constexpr std::array<DurationKey<SupervisionSettings>, 6> supervision_durations{{
    {"heartbeat_interval", &SupervisionSettings::heartbeat_interval, 100, 60'000},
    {"heartbeat_deadline", &SupervisionSettings::heartbeat_deadline, 500, 600'000},
    {"ready_timeout", &SupervisionSettings::ready_timeout, 500, 600'000},
    {"stable_after", &SupervisionSettings::stable_after, 100, 600'000},
    {"backoff_min", &SupervisionSettings::backoff_min, 10, 60'000},
    {"backoff_max", &SupervisionSettings::backoff_max, 10, 600'000},
}};

}  // namespace reconciler
