#include "supervisor/sentinel_watcher/sentinel_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/text.h"

namespace reconciler {

namespace {

using Kind = ConnectionFailure::Kind;

std::string seconds(Milliseconds time) {
  return fmt::format("{:g} s", static_cast<double>(time) / 1000.0);
}

std::string error_text(const Reply& reply) {
  return printable(std::string_view(reply.text).substr(0, 200));
}

}  // namespace

SentinelConnection::SentinelConnection(uv_loop_t* loop, Settings settings, Handlers handlers)
    : settings_(std::move(settings)),
      handlers_(std::move(handlers)),
      conversation_(settings_.channels.empty() ? Conversation::Answer()
                                               : [this](const Reply& reply) { pushed(reply); }),
      stream_(loop, static_cast<unsigned>(settings_.reply_timeout),
              {.on_connected = [this] { begin_handshake(); },
               .on_bytes = [this](std::string_view bytes) { received(bytes); },
               .on_end =
                   [this](const Error& cause) {
                     fail({Kind::unreachable, cause.message()});
                   }}),
      deadline_(loop),
      ping_(loop) {}

void SentinelConnection::start() {
  if (auto begun = stream_.connect(settings_.address); !begun) {
    const std::string cause = begun.error().message();
    deadline_.start(0, [this, cause] { fail({Kind::unreachable, cause}); });
    return;
  }
  deadline_.start(static_cast<uint64_t>(settings_.connect_timeout), [this] {
    fail({Kind::unreachable, "no answer within " + seconds(settings_.connect_timeout)});
  });
}

// All in one write: a refused AUTH shows in the replies to the others, too.
void SentinelConnection::begin_handshake() {
  const Credentials& credentials = settings_.credentials;
  if (credentials.given()) {
    std::vector<std::string_view> words{"AUTH"};
    if (!credentials.username.empty()) words.emplace_back(credentials.username);
    words.emplace_back(credentials.password);
    conversation_.ask(words, [this](const Reply& reply) { authenticated(reply); });
  }
  if (settings_.channels.empty()) {
    conversation_.ask({"PING"}, [this](const Reply& reply) { handshake_step(reply); });
  }
  for (const std::string_view channel : settings_.channels) {
    conversation_.ask({"SUBSCRIBE", channel},
                      [this, channel](const Reply& reply) { subscribed(channel, reply); });
  }
  flush();
}

void SentinelConnection::authenticated(const Reply& reply) {
  if (reply.is_error()) {
    return give_up(Kind::refused, printable(without_credentials(reply.text).substr(0, 200)));
  }
  if (reply.kind != Reply::Kind::status) {
    give_up(Kind::no_sentinel, "answers AUTH with " + describe(reply));
  }
}

// A server that knows no AUTH repeats its arguments: `unknown command 'AUTH', with args ...`.
std::string SentinelConnection::without_credentials(std::string text) const {
  text.resize(std::min(text.size(), text.find(", with args")));
  const Credentials& credentials = settings_.credentials;
  for (const std::string& secret : {credentials.password, credentials.username}) {
    if (secret.empty()) continue;
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3) {
      text.replace(at, secret.size(), "***");
    }
  }
  return text;
}

void SentinelConnection::handshake_step(const Reply& reply) {
  if (reply.is_error()) return give_up(Kind::refused, error_text(reply));
  if (reply.kind != Reply::Kind::status || reply.text != "PONG") {
    return give_up(Kind::no_sentinel, "answers PING with " + describe(reply));
  }
  come_up();
}

void SentinelConnection::subscribed(std::string_view channel, const Reply& reply) {
  if (reply.is_error()) {
    if (reply.text.starts_with("NOAUTH")) return give_up(Kind::refused, error_text(reply));
    refused_channels_.push_back({std::string(channel), error_text(reply)});
    if (refused_channels_.size() == settings_.channels.size()) {
      return give_up(Kind::refused,
                     "every channel is refused, the last with: " + error_text(reply));
    }
  } else {
    const auto push = parse_push(reply);
    if (!push || push->kind != Push::Kind::subscribed || push->channel != channel) {
      return give_up(Kind::no_sentinel, "answers SUBSCRIBE with " + describe(reply));
    }
  }
  if (conversation_.pending() == 0) come_up();
}

void SentinelConnection::come_up() {
  if (given_up_ || up_) return;
  up_ = true;
  if (!settings_.channels.empty()) {
    ping_.start_repeating(static_cast<uint64_t>(settings_.ping_interval), [this] { send_ping(); });
  }
  handlers_.on_up(refused_channels_);
}

void SentinelConnection::send_ping() {
  if (conversation_.pending() > 0) return;
  ask({"PING"}, [this](const Reply& reply) {
    if (reply.is_error()) return give_up(Kind::refused, error_text(reply));
    const auto push = parse_push(reply);
    if (!push || push->kind != Push::Kind::pong) {
      give_up(Kind::no_sentinel, "answers PING with " + describe(reply));
    }
  });
  flush();
}

void SentinelConnection::ask(const std::vector<std::string_view>& words,
                             Conversation::Answer answer) {
  const bool first = conversation_.pending() == 0;
  conversation_.ask(words, std::move(answer));
  if (first) watch_replies();
}

void SentinelConnection::flush() {
  if (std::string bytes = conversation_.take_outgoing(); !bytes.empty())
    stream_.write(std::move(bytes));
}

void SentinelConnection::received(std::string_view bytes) {
  const std::size_t answered = conversation_.answered();
  const auto understood = conversation_.receive(bytes);
  if (given_up_) return fail(*given_up_);
  if (!understood) return fail({Kind::no_sentinel, understood.error().message()});
  if (up_ && conversation_.answered() != answered) watch_replies();
}

void SentinelConnection::pushed(const Reply& reply) {
  const auto push = parse_push(reply);
  if (!push || push->kind != Push::Kind::message) {
    return give_up(Kind::no_sentinel, "sends an event as " + describe(reply));
  }
  // An event that can't be read is one that this program doesn't need; the poll stays as a belt.
  if (const auto event = parse_event(push->channel, push->payload)) handlers_.on_event(*event);
}

void SentinelConnection::watch_replies() {
  if (conversation_.pending() == 0) return deadline_.stop();
  deadline_.start(static_cast<uint64_t>(settings_.reply_timeout), [this] {
    fail({Kind::unreachable, "no answer within " + seconds(settings_.reply_timeout)});
  });
}

void SentinelConnection::give_up(ConnectionFailure::Kind kind, std::string cause) {
  if (!given_up_) given_up_ = ConnectionFailure{kind, std::move(cause)};
}

void SentinelConnection::fail(const ConnectionFailure& failure) {
  deadline_.stop();
  ping_.stop();
  up_ = false;
  const auto tell = handlers_.on_failed;
  tell(ConnectionFailure(failure));
}

}  // namespace reconciler
