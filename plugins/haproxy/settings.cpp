#include "plugins/haproxy/settings.h"

#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "plugins/settings.h"

namespace reconciler::haproxy {

namespace {

constexpr int64_t minute = 60'000;

constexpr std::array keys{
    vr::text_key(
        "socket",
        "HAProxy's runtime socket, of level admin: the absolute path of a Unix socket, or an IP "
        "address with a port.",
        nullptr, VR_KEY_REQUIRED),
    vr::text_key(
        "backend",
        "Backend that holds the group's servers and no others; `{group}` in it stands for the "
        "group's name.",
        "{group}"),
    vr::text_key(
        "publish",
        "`state`: one server for each instance, of which the primary's is ready and all others "
        "are in maintenance. `address`: one server, whose address follows the primary.",
        "state", 0, "state,address"),
    vr::text_key(
        "match",
        "With publish = \"state\", by what the primary's server is found: its `address` and "
        "port, or its `name`, which is the announced host name or that name's first part.",
        "address", 0, "address,name"),
    vr::text_key("server", "With publish = \"address\": the name of the one server.", "primary"),
    vr::boolean_key("cut_sessions",
                    "Whether open sessions to the old primary are cut when its server is put into "
                    "maintenance.",
                    "false"),
    vr::boolean_key(
        "remember",
        "Whether HAProxy is to hold the decision, in a variable of its process; it wants its "
        "experimental mode for that.",
        "true"),
    vr::duration_key("timeout", "How long HAProxy may take for one answer.", "2s", 50, minute),
    vr::duration_key("poll",
                     "How often the state of the servers is read, to find a restart or a change by "
                     "somebody else.",
                     "1s", 50, 5 * minute),
};

}  // namespace

std::span<const vr_key> setting_keys() { return keys; }

Result<Settings> read_settings(const vr_target& target) {
  Settings settings;
  settings.dry_run = vr::is_dry_run(target);
  const std::string socket = text_setting(target, "socket");
  Result<SocketAddress> address =
      socket.starts_with('/') ? unix_address(socket) : ip_address(socket, std::nullopt);
  if (!address) return address.error().within("socket");
  settings.socket = std::move(*address);
  settings.timeout_ms = milliseconds_setting(target, "timeout");
  settings.poll_ms = milliseconds_setting(target, "poll");

  Rules rules;
  rules.publish = text_setting(target, "publish") == "address" ? Publish::address : Publish::state;
  rules.match = text_setting(target, "match") == "name" ? Match::name : Match::address;
  rules.server = text_setting(target, "server");
  rules.cut_sessions = flag_setting(target, "cut_sessions");
  rules.remember = flag_setting(target, "remember");
  if (!is_proxy_name(rules.server)) {
    return Error(fmt::format("server: `{}` is no name that HAProxy accepts", rules.server));
  }
  std::set<std::string> backends;
  for (size_t i = 0; i < target.group_count; ++i) {
    rules.backend = with_group(text_setting(target, "backend"), target.groups[i]);
    if (!is_proxy_name(rules.backend)) {
      return Error(fmt::format(
          "backend: `{}` is no name that HAProxy accepts (letters, digits, `-`, `_`, `.`, `:`)",
          rules.backend));
    }
    if (!backends.insert(rules.backend).second) {
      return Error(fmt::format(
          "backend: several groups would share `{}`: put `{{group}}` into it, or give each group a "
          "target of its own",
          rules.backend));
    }
    settings.groups.push_back({target.groups[i], rules});
  }
  return settings;
}

}  // namespace reconciler::haproxy
