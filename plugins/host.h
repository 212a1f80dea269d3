// vr::Host with formatted log lines, for the plugins of this tree, and its timers and watches under
// the names used here. Header only: a plugin links nothing of its host.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "plugins/valkey_reconciler_plugin.hpp"

namespace reconciler {

// Who is cancelled may finish what he has begun for so long: the host waits for 3 s and then ends the labeler.
inline constexpr uint64_t longest_end_ms = 2500;

using vr::Timer;
using vr::Watch;

class Host : public vr::Host {
 public:
  using vr::Host::Host;
  explicit Host(vr::Host host) : vr::Host(host) {}

  // `group` empty: no group.
  template <typename... Args>
  void log(vr_log_level level, const std::string& group, fmt::format_string<Args...> format,
           Args&&... args) const {
    vr::Host::log(level, group, fmt::format(format, std::forward<Args>(args)...));
  }
};

}  // namespace reconciler
