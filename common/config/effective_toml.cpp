// The effective configuration as TOML.
#include <fmt/format.h>

#include "common/config/duration_keys.h"
#include "common/config/loading.h"
#include "common/config/values.h"
#include "common/text.h"

namespace reconciler {

namespace {

constexpr std::string_view mask = "***";

// The escapes of JSON are a part of TOML's own.
std::string toml_string(std::string_view text) { return json_string(text); }

std::string toml_list(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + toml_string(text);
  return "[" + out + "]";
}

std::string line(std::string_view key, const std::string& value) {
  return fmt::format("{} = {}\n", key, value);
}

template <typename Settings, std::size_t size>
std::string durations(const std::array<DurationKey<Settings>, size>& keys,
                      const Settings& settings) {
  std::string out;
  for (const DurationKey<Settings>& key : keys) {
    out += line(key.name, toml_string(format_duration(settings.*key.field)));
  }
  return out;
}

std::string secret(const std::string& text) { return toml_string(text.empty() ? "" : mask); }

std::string sentinel_toml(const SentinelSettings& sentinel) {
  std::vector<std::string> addresses;
  for (const Endpoint& endpoint : sentinel.addresses) addresses.push_back(to_string(endpoint));
  std::string out = "[[sentinel]]\n" + line("name", toml_string(sentinel.name)) +
                    line("addresses", toml_list(addresses)) +
                    line("username", toml_string(sentinel.access.username));
  // One of the two at most can be read again.
  if (sentinel.access.password_file.empty())
    out += line("password", secret(sentinel.access.password));
  if (sentinel.access.password.empty())
    out += line("password_file", toml_string(sentinel.access.password_file));
  out += durations(sentinel_durations, sentinel);
  for (const GroupSettings& group : sentinel.groups) {
    out += "\n[[sentinel.group]]\n" + line("name", toml_string(group.name));
  }
  return out;
}

std::string value_toml(const Setting& setting) {
  if (setting.secret) return secret(setting.string);
  switch (setting.type) {
    case SettingType::string:
      return toml_string(setting.string);
    case SettingType::integer:
      return std::to_string(setting.integer);
    case SettingType::boolean:
      return setting.integer != 0 ? "true" : "false";
    case SettingType::duration:
      return toml_string(format_duration(setting.integer));
    case SettingType::string_list:
      break;
  }
  return toml_list(setting.list);
}

std::string target_toml(const TargetSettings& target) {
  std::string out = "[[target]]\n" + line("name", toml_string(target.name)) +
                    line("plugin", toml_string(target.plugin)) +
                    line("groups", toml_list(target.groups)) + durations(target_durations, target);
  for (const Setting& setting : target.settings) {
    // A key without default is shown as a comment: an empty value might be refused when it is read again.
    const bool empty = setting.string.empty() && setting.list.empty() && setting.integer == 0;
    out += (!setting.given && empty ? "# " : "") + line(setting.name, value_toml(setting));
  }
  return out;
}

}  // namespace

std::string to_toml(const Configuration& configuration) {
  std::string out = configuration.file.empty() ? "# made of the environment alone\n"
                                               : fmt::format("# {}, and the environment over it\n",
                                                             printable(configuration.file));
  for (const SentinelSettings& sentinel : configuration.sentinels)
    out += "\n" + sentinel_toml(sentinel);
  for (const TargetSettings& target : configuration.targets) out += "\n" + target_toml(target);
  out += "\n[http]\n" + line("listen", toml_string(configuration.http_listen));
  out += "\n[log]\n" + line("level", toml_string(log::to_string(configuration.log.level))) +
         line("format", toml_string(log::to_string(configuration.log.format)));
  out += "\n[supervision]\n" + durations(supervision_durations, configuration.supervision);
  return out;
}

}  // namespace reconciler
