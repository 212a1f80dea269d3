// How a plugin of this tree declares its keys, and reads their values. Header only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

constexpr vr_key text_key(const char* name, uint32_t flags, const char* default_value,
                          const char* help, const char* choices = nullptr) {
  return {sizeof(vr_key), name, VR_STRING, flags, default_value, 0, 0, choices, nullptr, help};
}

constexpr vr_key list_key(const char* name, uint32_t flags, const char* help) {
  return {sizeof(vr_key), name, VR_STRING_LIST, flags, nullptr, 0, 0, nullptr, nullptr, help};
}

constexpr vr_key boolean_key(const char* name, const char* default_value, const char* help) {
  return {sizeof(vr_key), name, VR_BOOLEAN, 0, default_value, 0, 0, nullptr, nullptr, help};
}

constexpr vr_key duration_key(const char* name, const char* default_value, int64_t minimum_ms,
                              int64_t maximum_ms, const char* help) {
  return {sizeof(vr_key), name,       VR_DURATION, 0,       default_value,
          minimum_ms,     maximum_ms, nullptr,     nullptr, help};
}

template <size_t count>
constexpr std::array<const vr_key*, count> pointers_to(const std::array<vr_key, count>& keys) {
  std::array<const vr_key*, count> pointers{};
  for (size_t i = 0; i < count; ++i) pointers[i] = &keys[i];
  return pointers;
}

// The settings by name; a host that left one out is a bug of the host.
class SettingValues {
 public:
  explicit SettingValues(const vr_target& target) : target_(target) {}

  std::string text(std::string_view name) const { return find(name).string; }
  bool flag(std::string_view name) const { return find(name).integer != 0; }
  uint64_t milliseconds(std::string_view name) const {
    return static_cast<uint64_t>(find(name).integer);
  }
  std::vector<std::string> list(std::string_view name) const {
    const vr_setting& setting = find(name);
    return {setting.list, setting.list + setting.list_count};
  }

 private:
  const vr_setting& find(std::string_view name) const {
    for (size_t i = 0; i < target_.setting_count; ++i) {
      if (target_.settings[i]->name == name) return *target_.settings[i];
    }
    abort_with("a setting of the plugin is missing");
  }

  const vr_target& target_;
};

// `text` with the group's name in the place of each `{group}`.
inline std::string with_group(std::string text, std::string_view group) {
  constexpr std::string_view mark = "{group}";
  for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += group.size()) {
    text.replace(at, mark.size(), group);
  }
  return text;
}

}  // namespace reconciler
