// What the plugins of this tree share in reading their settings, on top of vr::setting. Header only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"
#include "plugins/valkey_reconciler_plugin.hpp"

namespace reconciler {

inline std::string text_setting(const vr_target& target, std::string_view key) {
  return vr::setting(target, key).string;
}

inline bool flag_setting(const vr_target& target, std::string_view key) {
  return vr::setting(target, key).integer != 0;
}

inline std::vector<std::string> list_setting(const vr_target& target, std::string_view key) {
  const vr_setting& setting = vr::setting(target, key);
  return {setting.list, setting.list + setting.list_count};
}

inline uint64_t milliseconds_setting(const vr_target& target, std::string_view key) {
  return static_cast<uint64_t>(vr::setting(target, key).integer);
}

// `text` with the group's name in the place of each `{group}`.
inline std::string with_group(std::string text, std::string_view group) {
  constexpr std::string_view mark = "{group}";
  for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += group.size()) {
    text.replace(at, mark.size(), group);
  }
  return text;
}

// As vr::plugin wants it of whoever makes a target: nullptr, and the cause in `error`.
template <typename Target>
std::unique_ptr<Target> made_or(std::string& error, Result<std::unique_ptr<Target>> made) {
  if (made) return std::move(*made);
  error = made.error().message();
  return nullptr;
}

}  // namespace reconciler
