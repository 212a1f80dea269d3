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

std::string boolean(bool holds) { return holds ? "true" : "false"; }

// The keys of a table, by their path from the one above: `tls.enabled`.
std::string access_toml(const std::string& path, const AccessSettings& access) {
  const auto key = [&](std::string_view name, const std::string& value) {
    return line(path + std::string(name), value);
  };
  std::string out = key("username", toml_string(access.username));
  // One of the two at most can be read again.
  if (access.password_file.empty()) out += key("password", secret(access.password));
  if (access.password.empty()) out += key("password_file", toml_string(access.password_file));
  return out + key("tls.enabled", boolean(access.tls.enabled)) +
         key("tls.ca_file", toml_string(access.tls.ca_file)) +
         key("tls.cert_file", toml_string(access.tls.cert_file)) +
         key("tls.key_file", toml_string(access.tls.key_file)) +
         key("tls.server_name", toml_string(access.tls.server_name)) +
         key("tls.insecure_skip_verify", boolean(access.tls.insecure_skip_verify));
}

// Keys that would have a meaning by being there.
std::string commented_out(const std::string& lines) {
  std::string out = "# ";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out += lines[i];
    if (lines[i] == '\n' && i + 1 < lines.size()) out += "# ";
  }
  return out;
}

std::string group_toml(const GroupSettings& group) {
  return "[[sentinel.group]]\n" + line("name", toml_string(group.name)) +
         line("act_on", toml_string(to_string(group.act_on))) +
         line("demote_on", toml_string(to_string(group.demote_on))) +
         durations(group_durations, group);
}

std::string sentinel_toml(const SentinelSettings& sentinel) {
  std::vector<std::string> addresses;
  for (const Endpoint& endpoint : sentinel.addresses) addresses.push_back(to_string(endpoint));
  std::string out = "[[sentinel]]\n" + line("name", toml_string(sentinel.name)) +
                    line("addresses", toml_list(addresses)) + access_toml("", sentinel.access);
  const std::string instances = access_toml("instances.", sentinel.instances);
  out += sentinel.ask_instances
             ? instances
             : "# The instances are not asked for their ROLE.\n" + commented_out(instances);
  out += line("discover", boolean(sentinel.discover)) + durations(sentinel_durations, sentinel);
  for (const GroupSettings& group : sentinel.groups) out += "\n" + group_toml(group);
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
      return boolean(setting.integer != 0);
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
