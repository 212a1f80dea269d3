#include "supervisor/sentinel_watcher/resp_connection.h"

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

// What an instance answers while it loads its data, lacks its primary or runs a script: it is there, and who asks is let in.
bool is_busy(const Reply& reply) {
  return reply.text.starts_with("LOADING ") || reply.text.starts_with("MASTERDOWN ") ||
         reply.text.starts_with("BUSY ");
}

}  // namespace

RespConnection::RespConnection(uv_loop_t* loop, Access& access, Peer peer, Settings settings,
                               Handlers handlers)
    : access_(access),
      peer_(std::move(peer)),
      settings_(std::move(settings)),
      handlers_(std::move(handlers)),
      conversation_(settings_.channels.empty() ? Conversation::Answer()
                                               : [this](const Reply& reply) { pushed(reply); }),
      stream_(loop, static_cast<unsigned>(settings_.reply_timeout),
              {.on_connected = [this] { begin_handshake(); },
               .on_bytes = [this](std::string_view bytes) { received(bytes); },
               .on_end = [this](const ConnectionFailure& failure) { fail(failure); }}),
      deadline_(loop),
      ping_(loop) {}

void RespConnection::start() {
  if (const auto failure = begin()) {
    deadline_.start(0, [this, failure] { fail(*failure); });
    return;
  }
  deadline_.start(static_cast<uint64_t>(settings_.connect_timeout), [this] {
    fail({Kind::unreachable, stream_.silence(seconds(settings_.connect_timeout))});
  });
}

std::optional<ConnectionFailure> RespConnection::begin() {
  auto credentials = access_.credentials();
  if (!credentials) return ConnectionFailure{Kind::refused, credentials.error().message()};
  credentials_ = std::move(*credentials);
  if (access_.wants_tls()) {
    const auto context = access_.tls();
    if (!context) return ConnectionFailure{Kind::tls, context.error().message()};
    stream_.use_tls(**context, access_.name_for(peer_.host));
  }
  if (auto begun = stream_.connect(peer_.address); !begun)
    return ConnectionFailure{Kind::unreachable, begun.error().message()};
  return {};
}

// All in one write: a refused AUTH shows in the replies to the others, too.
void RespConnection::begin_handshake() {
  if (credentials_.given()) {
    std::vector<std::string_view> words{"AUTH"};
    if (!credentials_.username.empty()) words.emplace_back(credentials_.username);
    words.emplace_back(credentials_.password);
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

void RespConnection::authenticated(const Reply& reply) {
  if (reply.is_error()) {
    return give_up(Kind::refused, printable(without_credentials(reply.text).substr(0, 200)));
  }
  if (reply.kind != Reply::Kind::status) {
    give_up(Kind::stranger, "answers AUTH with " + describe(reply));
  }
}

// A server that knows no AUTH repeats its arguments: `unknown command 'AUTH', with args ...`.
std::string RespConnection::without_credentials(std::string text) const {
  text.resize(std::min(text.size(), text.find(", with args")));
  for (const std::string& secret : {credentials_.password, credentials_.username}) {
    if (secret.empty()) continue;
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3) {
      text.replace(at, secret.size(), "***");
    }
  }
  return text;
}

void RespConnection::handshake_step(const Reply& reply) {
  if (reply.is_error() && is_busy(reply)) return come_up();
  if (reply.is_error()) return give_up(Kind::refused, error_text(reply));
  if (reply.kind != Reply::Kind::status || reply.text != "PONG") {
    return give_up(Kind::stranger, "answers PING with " + describe(reply));
  }
  come_up();
}

void RespConnection::subscribed(std::string_view channel, const Reply& reply) {
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
      return give_up(Kind::stranger, "answers SUBSCRIBE with " + describe(reply));
    }
  }
  if (conversation_.pending() == 0) come_up();
}

void RespConnection::come_up() {
  if (given_up_ || up_) return;
  up_ = true;
  if (!settings_.channels.empty()) {
    ping_.start_repeating(static_cast<uint64_t>(settings_.ping_interval), [this] { send_ping(); });
  }
  handlers_.on_up(refused_channels_);
}

void RespConnection::send_ping() {
  if (conversation_.pending() > 0) return;
  ask({"PING"}, [this](const Reply& reply) {
    if (reply.is_error()) return give_up(Kind::refused, error_text(reply));
    const auto push = parse_push(reply);
    if (!push || push->kind != Push::Kind::pong) {
      give_up(Kind::stranger, "answers PING with " + describe(reply));
    }
  });
  flush();
}

void RespConnection::ask(const std::vector<std::string_view>& words, Conversation::Answer answer) {
  const bool first = conversation_.pending() == 0;
  conversation_.ask(words, std::move(answer));
  if (first) watch_replies();
}

void RespConnection::flush() {
  if (std::string bytes = conversation_.take_outgoing(); !bytes.empty())
    stream_.write(std::move(bytes));
}

void RespConnection::received(std::string_view bytes) {
  const std::size_t answered = conversation_.answered();
  const auto understood = conversation_.receive(bytes);
  if (!events_.empty()) handlers_.on_events(std::exchange(events_, {}));
  if (given_up_) return fail(*given_up_);
  if (!understood) return fail({Kind::stranger, understood.error().message()});
  if (up_ && conversation_.answered() != answered) watch_replies();
}

void RespConnection::pushed(const Reply& reply) {
  const auto push = parse_push(reply);
  if (!push || push->kind != Push::Kind::message) {
    return give_up(Kind::stranger, "sends an event as " + describe(reply));
  }
  // An event that can't be read is one that this program doesn't need; the poll stays as a belt.
  if (auto event = parse_event(push->channel, push->payload)) events_.push_back(std::move(*event));
}

void RespConnection::watch_replies() {
  if (conversation_.pending() == 0) return deadline_.stop();
  deadline_.start(static_cast<uint64_t>(settings_.reply_timeout), [this] {
    fail({Kind::unreachable, "no answer within " + seconds(settings_.reply_timeout)});
  });
}

void RespConnection::give_up(ConnectionFailure::Kind kind, std::string cause) {
  if (!given_up_) given_up_ = ConnectionFailure{kind, std::move(cause)};
}

void RespConnection::fail(const ConnectionFailure& failure) {
  deadline_.stop();
  ping_.stop();
  up_ = false;
  const auto tell = handlers_.on_failed;
  tell(ConnectionFailure(failure));
}

}  // namespace reconciler
