#include "plugins/haproxy/settings.h"

#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "plugins/keys.h"

namespace reconciler::haproxy {

namespace {

constexpr int64_t minute = 60'000;

constexpr std::array keys{
    text_key(
        "socket", VR_KEY_REQUIRED, nullptr,
        "HAProxy's runtime socket, of level admin: the absolute path of a Unix socket, or an IP "
        "address with a port."),
    text_key("backend", 0, "{group}",
             "Backend that holds the group's servers and no others; `{group}` in it stands for the "
             "group's name."),
    text_key(
        "publish", 0, "state",
        "`state`: one server for each instance, of which the primary's is ready and all others "
        "are in maintenance. `address`: one server, whose address follows the primary.",
        "state,address"),
    text_key("match", 0, "address",
             "With publish = \"state\", by what the primary's server is found: its `address` and "
             "port, or its `name`, which is the announced host name or that name's first part.",
             "address,name"),
    text_key("server", 0, "primary", "With publish = \"address\": the name of the one server."),
    boolean_key("cut_sessions", "false",
                "Whether open sessions to the old primary are cut when its server is put into "
                "maintenance."),
    boolean_key(
        "remember", "true",
        "Whether HAProxy is to hold the decision, in a variable of its process; it wants its "
        "experimental mode for that."),
    duration_key("timeout", "2s", 50, minute, "How long HAProxy may take for one answer."),
    duration_key("poll", "1s", 50, 5 * minute,
                 "How often the state of the servers is read, to find a restart or a change by "
                 "somebody else."),
};
constexpr auto key_pointers = pointers_to(keys);

}  // namespace

KeyTable setting_keys() { return {key_pointers.data(), key_pointers.size()}; }

Result<Settings> read_settings(const vr_target& target) {
  const SettingValues values(target);
  Settings settings;
  const std::string socket = values.text("socket");
  Result<SocketAddress> address =
      socket.starts_with('/') ? unix_address(socket) : ip_address(socket, std::nullopt);
  if (!address) return address.error().within("socket");
  settings.socket = std::move(*address);
  settings.timeout_ms = values.milliseconds("timeout");
  settings.poll_ms = values.milliseconds("poll");

  Rules rules;
  rules.publish = values.text("publish") == "address" ? Publish::address : Publish::state;
  rules.match = values.text("match") == "name" ? Match::name : Match::address;
  rules.server = values.text("server");
  rules.cut_sessions = values.flag("cut_sessions");
  rules.remember = values.flag("remember");
  if (!is_proxy_name(rules.server)) {
    return Error(fmt::format("server: `{}` is no name that HAProxy accepts", rules.server));
  }
  std::set<std::string> backends;
  for (size_t i = 0; i < target.group_count; ++i) {
    rules.backend = with_group(values.text("backend"), target.groups[i]);
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
