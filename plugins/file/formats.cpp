#include "plugins/file/formats.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/topology.h"
#include "plugins/settings.h"

namespace reconciler::file {

namespace {

constexpr std::string_view memory_mark = "# valkey-reconciler ";

// While it is written it has a name of 12 more (storage.cpp).
constexpr std::size_t longest_file_name = 255 - 12;

bool is_letter_or_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// A host that stands in these files as it is. Whoever may announce one could else write a line of his own, or a command
// into what a shell reads.
bool is_plain_host(std::string_view host) {
  return !host.empty() && host.front() != '-' && std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == ':' || c == '-' || c == '_' || c == '%';
  });
}

bool is_address(const char* host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, host, address.data()) == 1 ||
         ::inet_pton(AF_INET6, host, address.data()) == 1;
}

std::string env_lines(const vr_topology& topology) {
  const bool known = topology.state == VR_PRIMARY_KNOWN;
  std::string replicas;
  for (std::size_t i = 0; i < topology.replica_count; ++i) {
    const vr_instance& replica = *topology.replicas[i];
    if (replica.healthy == 0) continue;
    if (!replicas.empty()) replicas += ',';
    replicas += to_string(Endpoint{replica.host, replica.port});
  }
  return fmt::format(
      "VALKEY_PRIMARY_HOST={}\nVALKEY_PRIMARY_PORT={}\nVALKEY_REPLICAS={}\nVALKEY_ERA={}\n"
      "VALKEY_EPOCH={}\nVALKEY_STEP={}\n",
      known ? topology.primary->host : "", known ? std::to_string(topology.primary->port) : "",
      replicas, topology.era, topology.epoch, topology.step);
}

// What follows the memory; nothing in json.
std::string lines_of(const Form& form, const vr_topology& topology) {
  const bool known = topology.state == VR_PRIMARY_KNOWN;
  const Endpoint primary{topology.primary->host, topology.primary->port};
  switch (form.format) {
    case Format::json:
      return {};
    case Format::env:
      return env_lines(topology);
    case Format::haproxy_map:
      return known ? fmt::format("{} {}\n", topology.group, to_string(primary)) : "";
    case Format::hosts:
      return known
                 ? fmt::format("{} {}\n", primary.host, with_group(form.host_name, topology.group))
                 : "";
  }
  return {};
}

struct Parts {
  std::string_view document;
  std::string_view lines;
};

Result<Parts> parts_of(const Form& form, std::string_view text) {
  if (form.format == Format::json) return Parts{text, {}};
  if (!text.starts_with(memory_mark)) {
    return Error(fmt::format("it does not begin with `{}`", memory_mark));
  }
  const std::size_t end = std::min(text.find('\n'), text.size() - 1);
  return Parts{text.substr(memory_mark.size(), end - memory_mark.size()), text.substr(end + 1)};
}

}  // namespace

Format Form::named(std::string_view name) {
  if (name == "env") return Format::env;
  if (name == "haproxy-map") return Format::haproxy_map;
  return name == "hosts" ? Format::hosts : Format::json;
}

std::string file_name(const Form& form, std::string_view group) {
  switch (form.format) {
    case Format::json:
      break;
    case Format::env:
      return file_stem(group) + ".env";
    case Format::haproxy_map:
      return file_stem(group) + ".map";
    case Format::hosts:
      return file_stem(group) + ".hosts";
  }
  return file_stem(group) + ".json";
}

Result<void> check_group(const Form& form, std::string_view group) {
  if (const std::size_t size = file_name(form, group).size(); size > longest_file_name) {
    return Error(
        fmt::format("the file of group `{}` would have a name of {} bytes; {} are possible", group,
                    size, longest_file_name));
  }
  const auto is_visible = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; };
  if (form.format == Format::haproxy_map &&
      (group.front() == '#' || !std::all_of(group.begin(), group.end(), is_visible))) {
    return Error(fmt::format("the group `{}` can't be a key of a HAProxy map", group));
  }
  const std::string name = with_group(form.host_name, group);
  const auto is_of_a_name = [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; };
  if (form.format == Format::hosts && (name.empty() || !is_letter_or_digit(name.front()) ||
                                       !std::all_of(name.begin(), name.end(), is_of_a_name))) {
    return Error(fmt::format("host_name: `{}` of the group `{}` is no host name", name, group));
  }
  return {};
}

Result<std::string> render(const Form& form, const vr_topology& topology, int64_t unix_us) {
  const std::string document = render(topology, unix_us);
  if (form.format == Format::json) return document;
  const char* host = topology.primary->host;
  if (form.format == Format::hosts && !is_address(host)) {
    return Error(fmt::format("`{}` is no address, which a hosts file needs", host));
  }
  for (std::size_t i = 0; i <= topology.replica_count; ++i) {
    const char* each = i < topology.replica_count ? topology.replicas[i]->host : host;
    if (!is_plain_host(each)) return Error(fmt::format("`{}` is no host name", each));
  }
  return std::string(memory_mark) + document + lines_of(form, topology);
}

Result<Held> read_held(const Form& form, std::string_view text) {
  auto parts = parts_of(form, text);
  if (!parts) return parts.error();
  return read_held(parts->document);
}

bool says(const Form& form, std::string_view text, const vr_topology& topology) {
  const auto parts = parts_of(form, text);
  return parts && says(parts->document, topology) && parts->lines == lines_of(form, topology);
}

}  // namespace reconciler::file
