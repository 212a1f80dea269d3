#include "supervisor/sentinel_watcher/sentinel_reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/text.h"

namespace reconciler {

namespace {

// RFC 1035 allows 255 bytes; an IPv6 address with its zone is shorter.
constexpr std::size_t max_host_size = 255;
constexpr std::size_t max_replicas = 1024;

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

// The words of an event's payload, taken off its end: names may hold spaces.
struct Words {
  std::string_view rest;

  std::string_view take_last() {
    const std::size_t space = rest.rfind(' ');
    std::string_view word = space == std::string_view::npos ? rest : rest.substr(space + 1);
    rest = space == std::string_view::npos ? std::string_view() : rest.substr(0, space);
    return word;
  }
  Result<Endpoint> take_last_endpoint() {
    const std::string_view port = take_last();
    const std::string_view host = take_last();
    return parse_endpoint(host, port);
  }
};

Result<SentinelEvent> parse_switch(std::string_view channel, std::string_view payload) {
  Words words{payload};
  const auto new_primary = words.take_last_endpoint();
  if (!new_primary) return new_primary.error();
  const auto old_primary = words.take_last_endpoint();
  if (!old_primary) return old_primary.error();
  if (words.rest.empty()) return Error("the name of the group is missing");
  return SentinelEvent{std::string(channel), std::string(words.rest), *new_primary, true};
}

// What some events say after the addresses: `#quorum 2/2`, `quorum 2`, `new reported role is master`.
std::string_view without_remark(std::string_view channel, std::string_view payload) {
  std::string_view mark;
  if (channel == "+odown") mark = " #quorum ";
  if (channel == "+monitor") mark = " quorum ";
  if (channel.ends_with("role-change")) mark = " new reported role is ";
  const std::size_t place = mark.empty() ? std::string_view::npos : payload.rfind(mark);
  return payload.substr(0, place);
}

}  // namespace

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
  primary.down = has_flag(*flags, "s_down") || has_flag(*flags, "o_down");
  const auto role = values->get("role-reported");
  if (!role) return role.error();
  if (*role != "master" && *role != "slave") {
    return Error(fmt::format("role-reported: expected master or slave, got {}",
                             json_string(role->substr(0, 40))));
  }
  primary.reported_replica = *role == "slave";
  // Said only while a failover is in progress.
  if (const std::string* state = values->find("failover-state"))
    primary.failover = parse_failover_state(*state);
  return std::optional<PrimaryReply>(std::move(primary));
}

Result<std::optional<std::vector<ReplicaReply>>> parse_replicas(const Reply& reply) {
  using Replicas = std::optional<std::vector<ReplicaReply>>;
  if (reply.is_error() && reply.text.starts_with("ERR No such master")) return Replicas{};
  if (reply.kind != Reply::Kind::array) return unexpected("an array of replicas", reply);
  if (reply.elements.size() > max_replicas) {
    return Error(
        fmt::format("expected at most {} replicas, got {}", max_replicas, reply.elements.size()));
  }
  std::vector<ReplicaReply> replicas;
  for (const Reply& element : reply.elements) {
    auto replica = parse_replica(element);
    if (!replica) return replica.error().within(fmt::format("replica {}", replicas.size()));
    replicas.push_back(std::move(*replica));
  }
  return Replicas(std::move(replicas));
}

Result<Push> parse_push(const Reply& reply) {
  // Before the first channel is acknowledged PING is answered as everywhere.
  if (reply.kind == Reply::Kind::status && reply.text == "PONG") return Push{};
  if (reply.kind != Reply::Kind::array || reply.elements.empty() ||
      reply.elements[0].kind != Reply::Kind::string) {
    return unexpected("a message of a channel", reply);
  }
  const std::vector<Reply>& parts = reply.elements;
  const auto is_string = [&](std::size_t i) { return parts[i].kind == Reply::Kind::string; };
  if (parts[0].text == "message" && parts.size() == 3 && is_string(1) && is_string(2)) {
    return Push{Push::Kind::message, parts[1].text, parts[2].text};
  }
  if (parts[0].text == "subscribe" && parts.size() == 3 && is_string(1)) {
    return Push{Push::Kind::subscribed, parts[1].text, {}};
  }
  if (parts[0].text == "pong") return Push{};
  return Error(fmt::format("expected a message of a channel, got an array that begins with {}",
                           json_string(std::string_view(parts[0].text).substr(0, 40))));
}

Result<SentinelEvent> parse_event(std::string_view channel, std::string_view payload) {
  if (channel == "+tilt" || channel == "-tilt")
    return SentinelEvent{std::string(channel), {}, {}, false};
  if (channel == "+switch-master") return parse_switch(channel, payload);

  // `<type> <name> <ip> <port>`, and where the type isn't master: ` @ <group> <ip> <port>`. The names of replicas
  // (`ip:port`) and Sentinels (an id) hold no spaces, a group's may hold anything, " @ " too.
  Words words{without_remark(channel, payload)};
  const std::size_t space = words.rest.find(' ');
  const std::string_view type = words.rest.substr(0, space);
  if (space == std::string_view::npos ||
      (type != "master" && type != "slave" && type != "sentinel")) {
    return Error(fmt::format("expected an event about a master, slave or sentinel, got {}",
                             json_string(payload.substr(0, 80))));
  }
  words.rest.remove_prefix(space + 1);
  if (type == "master") {
    auto subject = words.take_last_endpoint();
    if (!subject) return subject.error();
    if (words.rest.empty()) return Error("the name of the group is missing");
    return SentinelEvent{std::string(channel), std::string(words.rest), std::move(*subject), true};
  }
  const std::size_t at = words.rest.find(" @ ");
  if (at == std::string_view::npos) return Error("the group after @ is missing");
  Words instance{words.rest.substr(0, at)};
  auto subject = instance.take_last_endpoint();
  if (!subject) return subject.error();
  Words group{words.rest.substr(at + 3)};
  const auto primary = group.take_last_endpoint();
  if (!primary) return primary.error().within("after @");
  if (group.rest.empty()) return Error("the name of the group is missing");
  return SentinelEvent{std::string(channel), std::string(group.rest), std::move(*subject), false};
}

}  // namespace reconciler
