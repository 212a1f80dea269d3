#include "plugins/etcd/settings.h"

#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "plugins/http/http_settings.h"
#include "plugins/settings.h"

namespace reconciler::etcd {

namespace {

constexpr int64_t second = 1000;
constexpr int64_t minute = 60 * second;
constexpr uint64_t shortest_lease_s = 5;

constexpr std::array keys{
    vr::list_key("endpoints",
                 "URLs of etcd's members, `https://10.0.0.5:2379`; tried in this order.", nullptr,
                 VR_KEY_REQUIRED),
    vr::text_key("key",
                 "The key that names the primary; `{group}` in it stands for the group's name.",
                 "/valkey-reconciler/{group}"),
    tls_ca_key,
    tls_cert_key,
    tls_key_key,
    tls_server_name_key,
    vr::text_key("username", "etcd's user; empty: etcd is asked without."),
    vr::text_key("password_file", "File with the user's password.", nullptr, VR_KEY_FILE),
    vr::text_key("password", "Or the password itself; better a file.", nullptr, VR_KEY_SECRET),
    vr::duration_key("lease",
                     "How long the key outlives the last program that keeps it, in whole seconds; "
                     "0s: it stays.",
                     "0s", 0, 24 * 60 * minute),
    vr::duration_key("timeout", "How long a member may take for one answer.", "2s", 50, minute),
    vr::duration_key("poll", "How often the key is read, to find a change by somebody else.", "10s",
                     100, 60 * minute),
};

}  // namespace

std::span<const vr_key> setting_keys() { return keys; }

Result<Settings> read_settings(const vr_target& target) {
  Settings settings;
  settings.dry_run = vr::is_dry_run(target);
  Result<std::vector<std::string>> endpoints = read_urls(target, "endpoints");
  if (!endpoints) return endpoints.error();
  settings.endpoints = std::move(*endpoints);

  std::set<std::string> taken;
  for (size_t i = 0; i < target.group_count; ++i) {
    std::string key = with_group(text_setting(target, "key"), target.groups[i]);
    if (key.empty()) return Error("key: is empty");
    if (!taken.insert(key).second) {
      return Error(
          fmt::format("key: several groups would share `{}`: put `{{group}}` into it, or give each "
                      "group a target of its own",
                      key));
    }
    settings.groups.push_back({target.groups[i], std::move(key)});
  }

  Result<HttpTls> tls = read_tls(target);
  if (!tls) return tls.error();
  settings.tls = std::move(*tls);
  Result<Secret> password = Secret::of(target, "password");
  if (!password) return password.error();
  settings.user = text_setting(target, "username");
  settings.password = std::move(*password);
  if (settings.user.empty() == settings.password.is_given()) {
    return Error("username and password: one needs the other");
  }

  const uint64_t lease_ms = milliseconds_setting(target, "lease");
  settings.lease_s = lease_ms / 1000;
  if (lease_ms % 1000 != 0) return Error("lease: whole seconds are expected");
  if (lease_ms > 0 && settings.lease_s < shortest_lease_s) {
    return Error(fmt::format("lease: 0s, or {}s and more, is expected", shortest_lease_s));
  }
  settings.timeout_ms = milliseconds_setting(target, "timeout");
  settings.poll_ms = milliseconds_setting(target, "poll");
  return settings;
}

}  // namespace reconciler::etcd
