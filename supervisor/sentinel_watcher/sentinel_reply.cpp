#include "supervisor/sentinel_watcher/sentinel_reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/text.h"

namespace reconciler {

namespace {

// RFC 1035 allows 255 bytes; an IPv6 address with its zone is shorter.
constexpr std::size_t max_host_size = 255;
constexpr std::size_t max_listed = 1024;  // replicas, Sentinels
constexpr std::size_t id_size = 40;

Error unexpected(std::string_view expected, const Reply& reply) {
  return Error(fmt::format("expected {}, got {}", expected, describe(reply)));
}

template <typename Number>
Result<Number> parse_number(std::string_view text, std::string_view what) {
  Number number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || text.empty()) {
    return Error(fmt::format("expected {}, got {}", what, json_string(text.substr(0, 40))));
  }
  return number;
}

// Names and values in turn, as SENTINEL MASTER has them.
class NamedValues {
 public:
  static Result<NamedValues> of(const Reply& reply) {
    if (reply.kind != Reply::Kind::array || reply.elements.size() % 2 != 0) {
      return unexpected("an array of names and values", reply);
    }
    for (const Reply& element : reply.elements) {
      if (element.kind != Reply::Kind::string)
        return unexpected("a name or value as a string", element);
    }
    return NamedValues(reply.elements);
  }

  const std::string* find(std::string_view name) const {
    for (std::size_t i = 0; i < pairs_.size(); i += 2) {
      if (pairs_[i].text == name) return &pairs_[i + 1].text;
    }
    return nullptr;
  }
  Result<std::string_view> get(std::string_view name) const {
    const std::string* value = find(name);
    if (value == nullptr) return Error(fmt::format("the field {} is missing", name));
    return std::string_view(*value);
  }
  Result<Endpoint> endpoint() const {
    const auto host = get("ip");
    if (!host) return host.error();
    const auto port = get("port");
    if (!port) return port.error();
    return parse_endpoint(*host, *port);
  }

 private:
  explicit NamedValues(const std::vector<Reply>& pairs) : pairs_(pairs) {}

  const std::vector<Reply>& pairs_;
};

bool has_flag(std::string_view flags, std::string_view wanted) {
  while (!flags.empty()) {
    const std::size_t comma = std::min(flags.find(','), flags.size());
    if (flags.substr(0, comma) == wanted) return true;
    flags.remove_prefix(std::min(comma + 1, flags.size()));
  }
  return false;
}

FailoverState parse_failover_state(std::string_view text) {
  if (text == "none") return FailoverState::none;
  if (text == "reconf_slaves" || text == "update_config") return FailoverState::promoted;
  for (const std::string_view begun :
       {"wait_start", "select_slave", "send_slaveof_noone", "wait_promotion"}) {
    if (text == begun) return FailoverState::beginning;
  }
  return FailoverState::other;
}

Result<ReplicaReply> parse_replica(const Reply& reply) {
  const auto values = NamedValues::of(reply);
  if (!values) return values.error();
  const auto endpoint = values->endpoint();
  if (!endpoint) return endpoint.error();
  const auto flags = values->get("flags");
  if (!flags) return flags.error();
  const auto link = values->get("master-link-status");
  if (!link) return link.error();

  ReplicaReply replica;
  replica.endpoint = *endpoint;
  replica.down = has_flag(*flags, "s_down") || has_flag(*flags, "o_down");
  // Until the first INFO the primary's host is "?", the link is called down, and mostly the replica disconnected.
  const std::string* primary_host = values->find("master-host");
  if (primary_host == nullptr || *primary_host != "?") {
    replica.linked = *link == "ok" && !has_flag(*flags, "disconnected");
  }
  return replica;
}

bool is_id(std::string_view text) {
  return text.size() == id_size &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<PeerReply> parse_peer(const Reply& reply) {
  const auto values = NamedValues::of(reply);
  if (!values) return values.error();
  auto endpoint = values->endpoint();
  if (!endpoint) return endpoint.error();
  PeerReply peer{std::move(*endpoint), {}};
  if (const std::string* id = values->find("runid"); id != nullptr && is_id(*id)) peer.id = *id;
  return peer;
}

bool is_without_address(const Reply& reply) {
  const auto values = NamedValues::of(reply);
  if (!values) return false;
  const std::string* host = values->find("ip");
  const std::string* port = values->find("port");
  return (host != nullptr && host->empty()) || (port != nullptr && *port == "0");
}

template <typename Item>
Result<std::optional<std::vector<Item>>> parse_list(const Reply& reply, std::string_view what,
                                                    Result<Item> (*parse)(const Reply&)) {
  using List = std::optional<std::vector<Item>>;
  if (reply.is_error() && reply.text.starts_with("ERR No such master")) return List{};
  if (reply.kind != Reply::Kind::array)
    return unexpected(fmt::format("a list of {}s", what), reply);
  if (reply.elements.size() > max_listed) {
    return Error(
        fmt::format("expected at most {} {}s, got {}", max_listed, what, reply.elements.size()));
  }
  std::vector<Item> items;
  items.reserve(reply.elements.size());
  for (std::size_t i = 0; i < reply.elements.size(); ++i) {
    if (is_without_address(reply.elements[i])) continue;
    auto item = parse(reply.elements[i]);
    if (!item) return item.error().within(fmt::format("{} {}", what, i));
    items.push_back(std::move(*item));
  }
  return List(std::move(items));
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view host, std::string_view port) {
  const bool printable_host =
      std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (host.empty() || host.size() > max_host_size || !printable_host) {
    return Error(fmt::format("expected an IP address or host name, got {}",
                             json_string(host.substr(0, max_host_size))));
  }
  const auto number = parse_number<uint16_t>(port, "a port from 1 to 65535");
  if (!number) return number.error();
  if (*number == 0) return Error("expected a port from 1 to 65535, got 0");
  return Endpoint{std::string(host), *number};
}

Result<std::optional<Endpoint>> parse_primary_address(const Reply& reply) {
  if (reply.kind == Reply::Kind::nil) return std::optional<Endpoint>{};
  const bool pair = reply.kind == Reply::Kind::array && reply.elements.size() == 2 &&
                    reply.elements[0].kind == Reply::Kind::string &&
                    reply.elements[1].kind == Reply::Kind::string;
  if (!pair) return unexpected("an address and a port, or nil", reply);
  auto endpoint = parse_endpoint(reply.elements[0].text, reply.elements[1].text);
  if (!endpoint) return endpoint.error();
  return std::optional<Endpoint>(std::move(*endpoint));
}

Result<std::optional<PrimaryReply>> parse_primary(const Reply& reply) {
  if (reply.is_error() && reply.text.starts_with("ERR No such master"))
    return std::optional<PrimaryReply>{};
  const auto values = NamedValues::of(reply);
  if (!values) return values.error();

  PrimaryReply primary;
  const auto endpoint = values->endpoint();
  if (!endpoint) return endpoint.error();
  primary.endpoint = *endpoint;
  const auto epoch_text = values->get("config-epoch");
  if (!epoch_text) return epoch_text.error();
  const auto epoch = parse_number<uint64_t>(*epoch_text, "a config-epoch");
  if (!epoch) return epoch.error();
  primary.config_epoch = *epoch;
  const auto flags = values->get("flags");
  if (!flags) return flags.error();
  if (!has_flag(*flags, "master")) {
    return Error(
        fmt::format("expected the flag master, got {}", json_string(flags->substr(0, 200))));
  }
  primary.objectively_down = has_flag(*flags, "o_down");
  primary.down = primary.objectively_down || has_flag(*flags, "s_down");
  const auto role = values->get("role-reported");
  if (!role) return role.error();
  if (*role != "master" && *role != "slave") {
    return Error(fmt::format("role-reported: expected master or slave, got {}",
                             json_string(role->substr(0, 40))));
  }
  primary.reported_replica = *role == "slave";
  if (const std::string* others = values->find("num-other-sentinels")) {
    const auto number = parse_number<uint64_t>(*others, "a number of Sentinels");
    if (!number) return number.error().within("num-other-sentinels");
    primary.other_sentinels = static_cast<uint16_t>(std::min<uint64_t>(*number, max_listed));
  }
  // Said only while a failover is in progress.
  if (const std::string* state = values->find("failover-state"))
    primary.failover = parse_failover_state(*state);
  return std::optional<PrimaryReply>(std::move(primary));
}

Result<std::optional<std::vector<ReplicaReply>>> parse_replicas(const Reply& reply) {
  return parse_list<ReplicaReply>(reply, "replica", parse_replica);
}

Result<std::optional<std::vector<PeerReply>>> parse_peers(const Reply& reply) {
  return parse_list<PeerReply>(reply, "Sentinel", parse_peer);
}

Result<std::string> parse_id(const Reply& reply) {
  if (reply.kind != Reply::Kind::string || !is_id(reply.text)) {
    return unexpected("an id of 40 hexadecimal digits", reply);
  }
  return reply.text;
}

Result<bool> parse_role(const Reply& reply) {
  if (reply.kind != Reply::Kind::array || reply.elements.empty() ||
      reply.elements[0].kind != Reply::Kind::string) {
    return unexpected("an array that begins with a role", reply);
  }
  const std::string& role = reply.elements[0].text;
  if (role == "master") return true;
  if (role == "slave") return false;
  return Error(fmt::format("expected the role master or slave, got {}",
                           json_string(std::string_view(role).substr(0, 40))));
}

}  // namespace reconciler
