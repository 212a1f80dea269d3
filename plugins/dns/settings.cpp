#include "plugins/dns/settings.h"

#include <array>
#include <fstream>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "plugins/address.h"
#include "plugins/settings.h"

namespace reconciler::dns {

namespace {

constexpr int64_t second = 1000;
constexpr int64_t minute = 60 * second;
constexpr uint16_t dns_port = 53;
constexpr std::streamsize max_secret_file = 4096;

constexpr std::array keys{
    vr::list_key(
        "servers",
        "IP addresses of name servers that take updates of the zone, each with its port unless "
        "that is 53; tried in this order.",
        nullptr, VR_KEY_REQUIRED),
    vr::text_key("zone", "The zone, such as `example.org`.", nullptr, VR_KEY_REQUIRED),
    vr::text_key(
        "record_name",
        "The name that follows the primary, within the zone; `{group}` in it stands for the "
        "group's name.",
        nullptr, VR_KEY_REQUIRED),
    vr::text_key(
        "record",
        "What the name has: `address` (A or AAAA), `cname` or `srv`; the last two want Sentinels "
        "that announce host names.",
        "address", 0, "address,cname,srv"),
    vr::duration_key("ttl", "How long others may keep the record, in whole seconds.", "5s", 0,
                     24 * 60 * minute),
    vr::text_key("tsig_name", "Name of the TSIG key; empty: messages are not signed."),
    vr::text_key("tsig_algorithm", "Algorithm of the TSIG key.", "hmac-sha256", 0,
                 "hmac-sha256,hmac-sha512"),
    vr::text_key("tsig_secret_file", "File with the secret of the TSIG key, in base64.", nullptr,
                 VR_KEY_FILE),
    vr::text_key("transport", "`udp`: UDP, and TCP where that brings no answer. `tcp`: TCP alone.",
                 "udp", 0, "udp,tcp"),
    vr::duration_key("timeout", "How long a server may take for one answer.", "1s", 50, minute),
    vr::duration_key("poll", "How often the records are read, to find a change by somebody else.",
                     "10s", 100, 60 * minute),
};

std::string with_dot(std::string name) {
  name = canonical_host(name);
  return name.ends_with('.') ? name : name + ".";
}

Result<std::string> read_secret(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(max_secret_file, '\0');
  file.read(text.data(), max_secret_file);
  if (file.bad() || file.gcount() == 0)
    return Error(fmt::format("{} can't be read, or is empty", path));
  text.resize(static_cast<size_t>(file.gcount()));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
  if (!is_base64(text)) return Error(fmt::format("{} holds no secret in base64", path));
  return text;
}

Result<Key> read_key(const vr_target& target) {
  Key key{text_setting(target, "tsig_name"), text_setting(target, "tsig_algorithm"), ""};
  const std::string file = text_setting(target, "tsig_secret_file");
  if (key.name.empty() != file.empty()) {
    return Error("tsig_name and tsig_secret_file: one needs the other");
  }
  if (key.name.empty()) return key;
  key.name = with_dot(key.name);
  if (!is_name(key.name)) return Error(fmt::format("tsig_name: `{}` is no name", key.name));
  Result<std::string> secret = read_secret(file);
  if (!secret) return secret.error().within("tsig_secret_file");
  key.secret = std::move(*secret);
  return key;
}

// Other servers before other transports: one that is away costs one time-out.
Result<std::vector<Settings::Way>> read_ways(const vr_target& target) {
  std::vector<Transport> transports{Transport::stream};
  if (text_setting(target, "transport") == "udp") {
    transports.insert(transports.begin(), Transport::datagram);
  }
  std::vector<Settings::Way> ways;
  for (const Transport transport : transports) {
    for (const std::string& server : list_setting(target, "servers")) {
      Result<SocketAddress> address = ip_address(server, dns_port);
      if (!address) return address.error().within("servers");
      ways.push_back({std::move(*address), transport});
    }
  }
  return ways;
}

Result<std::string> name_for(const vr_target& target, const std::string& zone,
                             const std::string& group) {
  const std::string name = with_dot(with_group(text_setting(target, "record_name"), group));
  if (!is_name(name) || !is_name(holder_of(name))) {
    return Error(fmt::format("record_name: `{}` is no name", name));
  }
  if (!is_within(name, zone)) {
    return Error(fmt::format("record_name: `{}` is not within the zone `{}`", name, zone));
  }
  return name;
}

}  // namespace

std::span<const vr_key> setting_keys() { return keys; }

Result<Settings> read_settings(const vr_target& target) {
  Settings settings;
  settings.dry_run = vr::is_dry_run(target);
  Result<std::vector<Settings::Way>> ways = read_ways(target);
  if (!ways) return ways.error();
  settings.ways = std::move(*ways);

  settings.zone = with_dot(text_setting(target, "zone"));
  if (!is_name(settings.zone)) return Error(fmt::format("zone: `{}` is no name", settings.zone));
  std::set<std::string> names;
  for (size_t i = 0; i < target.group_count; ++i) {
    Result<std::string> name = name_for(target, settings.zone, target.groups[i]);
    if (!name) return name.error();
    if (!names.insert(*name).second) {
      return Error(
          fmt::format("record_name: several groups would share `{}`: put `{{group}}` into it, "
                      "or give each group a target of its own",
                      *name));
    }
    settings.groups.push_back({target.groups[i], std::move(*name)});
  }

  const std::string record = text_setting(target, "record");
  settings.publish = record == "cname" ? Publish::cname
                     : record == "srv" ? Publish::srv
                                       : Publish::address;
  if (milliseconds_setting(target, "ttl") % 1000 != 0)
    return Error("ttl: whole seconds are expected");
  settings.ttl_s = static_cast<uint32_t>(milliseconds_setting(target, "ttl") / 1000);
  Result<Key> key = read_key(target);
  if (!key) return key.error();
  settings.key = std::move(*key);
  settings.timeout_ms = milliseconds_setting(target, "timeout");
  settings.poll_ms = milliseconds_setting(target, "poll");
  return settings;
}

}  // namespace reconciler::dns
