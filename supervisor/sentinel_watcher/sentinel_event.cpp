#include "supervisor/sentinel_watcher/sentinel_event.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/text.h"
#include "supervisor/sentinel_watcher/sentinel_reply.h"

namespace reconciler {

namespace {

using About = SentinelEvent::About;

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
  return SentinelEvent{std::string(channel), std::string(words.rest), *new_primary, About::primary};
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

bool SentinelEvent::announces_primary() const {
  return channel == "+switch-master" || channel == "+promoted-slave";
}

bool SentinelEvent::leaves_primary() const {
  if (about != About::replica && about != About::sentinel) return false;
  return channel == "+sdown" || channel == "-sdown" || channel == "+slave" ||
         channel == "+slave-reconf-done";
}

Result<Push> parse_push(const Reply& reply) {
  // Before the first channel is acknowledged PING is answered as everywhere.
  if (reply.kind == Reply::Kind::status && reply.text == "PONG") return Push{};
  if (reply.kind != Reply::Kind::array || reply.elements.empty() ||
      reply.elements[0].kind != Reply::Kind::string) {
    return Error("expected a message of a channel, got " + describe(reply));
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
    return SentinelEvent{std::string(channel), {}, {}, About::all};
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
    return SentinelEvent{std::string(channel), std::string(words.rest), std::move(*subject),
                         About::primary};
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
  return SentinelEvent{std::string(channel), std::string(group.rest), std::move(*subject),
                       type == "slave" ? About::replica : About::sentinel};
}

}  // namespace reconciler
