#include "plugins/consul/settings.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/text.h"
#include "plugins/http/http_settings.h"
#include "plugins/settings.h"

namespace reconciler::consul {

namespace {

constexpr int64_t minute = 60'000;

constexpr std::array keys{
    vr::list_key("urls", "URLs of Consul agents, `https://127.0.0.1:8501`; tried in this order.",
                 nullptr, VR_KEY_REQUIRED),
    vr::text_key("publish",
                 "`kv`: the key alone names the primary; `service`: an instance of a service, too.",
                 "kv", 0, "kv,service"),
    vr::text_key("key", "The key with the decision; `{group}` in it stands for the group's name.",
                 "valkey-reconciler/{group}"),
    vr::text_key("service", "publish service: the service's name.", "{group}"),
    vr::text_key("tag", "And its one tag.", "primary"),
    vr::text_key("node", "And the node at which it is registered, which is no agent's.",
                 "{group}-primary"),
    vr::text_key("datacenter", "Consul's datacenter; empty: the agent's own."),
    vr::text_key("token_file", "File with the ACL token; empty: the agent's own.", nullptr,
                 VR_KEY_FILE),
    vr::text_key("token", "Or the token itself; better a file.", nullptr, VR_KEY_SECRET),
    tls_ca_key,
    tls_cert_key,
    tls_key_key,
    tls_server_name_key,
    vr::duration_key("timeout", "How long an agent may take for one answer.", "2s", 50, minute),
    vr::duration_key("poll", "How often the key is read, to find a change by somebody else.", "10s",
                     100, 60 * minute),
};

// What a URL's path would lose on its way.
bool is_dots(std::string_view part) { return part == "." || part == ".."; }

// Consul answers one with an empty part by another path, and drops a slash in front.
bool is_path(std::string_view text) {
  while (true) {
    const size_t end = std::min(text.find('/'), text.size());
    if (is_dots(text.substr(0, end)) || (end == 0 && !text.empty())) return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

// The text of `name` for this group, which no other group of the target has.
Result<std::string> own_name(const vr_target& target, const char* name, const std::string& group,
                             std::set<std::string>& taken) {
  std::string text = with_group(text_setting(target, name), group);
  if (text.empty()) return Error(fmt::format("{}: is empty", name));
  // JSON, in which a transaction has it, would make another name of it.
  if (!is_utf8(text)) return Error(fmt::format("{}: `{}` is no UTF-8", name, printable(text)));
  if (!taken.insert(fmt::format("{} {}", name, text)).second) {
    return Error(
        fmt::format("{}: several groups would share `{}`: put `{{group}}` into it, or give each "
                    "group a target of its own",
                    name, text));
  }
  return text;
}

Result<Settings::Group> read_group(const vr_target& target, const std::string& name,
                                   std::set<std::string>& taken) {
  Settings::Group group{name, "", std::nullopt};
  Result<std::string> key = own_name(target, "key", name, taken);
  if (!key) return key.error();
  if (!is_path(*key)) return Error(fmt::format("key: `{}` has an empty part, or a dot's", *key));
  group.key = std::move(*key);
  if (text_setting(target, "publish") == "kv") return group;
  Result<std::string> service = own_name(target, "service", name, taken);
  if (!service) return service.error();
  if (is_dots(*service)) return Error(fmt::format("service: `{}` is no name", *service));
  Result<std::string> node = own_name(target, "node", name, taken);
  if (!node) return node.error();
  if (text_setting(target, "tag").empty()) return Error("tag: is empty");
  group.registration =
      Registration{std::move(*node), std::move(*service), text_setting(target, "tag")};
  return group;
}

}  // namespace

std::span<const vr_key> setting_keys() { return keys; }

Result<Settings> read_settings(const vr_target& target) {
  Settings settings;
  settings.dry_run = vr::is_dry_run(target);
  Result<std::vector<std::string>> urls = read_urls(target, "urls");
  if (!urls) return urls.error();
  settings.urls = std::move(*urls);
  std::set<std::string> taken;
  for (size_t i = 0; i < target.group_count; ++i) {
    Result<Settings::Group> group = read_group(target, target.groups[i], taken);
    if (!group) return group.error();
    settings.groups.push_back(std::move(*group));
  }
  settings.datacenter = text_setting(target, "datacenter");
  Result<Secret> token = Secret::of(target, "token");
  if (!token) return token.error();
  settings.token = std::move(*token);
  Result<HttpTls> tls = read_tls(target);
  if (!tls) return tls.error();
  settings.tls = std::move(*tls);
  settings.timeout_ms = milliseconds_setting(target, "timeout");
  settings.poll_ms = milliseconds_setting(target, "poll");
  return settings;
}

}  // namespace reconciler::consul
