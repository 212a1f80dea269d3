// One connection to a Sentinel or an instance, from connect to its end; a new one is made after that. Either for
// commands, or subscribed to channels: in RESP2 a subscribed connection can only PING.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/configuration.h"
#include "common/result.h"
#include "common/uv/handle.h"
#include "supervisor/sentinel_watcher/access.h"
#include "supervisor/sentinel_watcher/connection_failure.h"
#include "supervisor/sentinel_watcher/conversation.h"
#include "supervisor/sentinel_watcher/credentials.h"
#include "supervisor/sentinel_watcher/peer.h"
#include "supervisor/sentinel_watcher/sentinel_event.h"
#include "supervisor/sentinel_watcher/stream.h"

namespace reconciler {

struct RefusedChannel {
  std::string channel;
  std::string cause;
};

// Driven by the loop, owned by whoever makes it anew: a SentinelLink. May be destroyed within on_failed only.
class RespConnection {
 public:
  struct Settings {
    std::vector<std::string_view> channels;  // to subscribe to; none: a connection for commands
    Milliseconds connect_timeout = 0;        // until it is up
    Milliseconds reply_timeout = 0;  // afterwards, from one reply to the next while any is awaited
    Milliseconds ping_interval = 0;  // on a subscribed connection
  };
  struct Handlers {
    // Authenticated, and the first reply was right; subscribed: each channel is acknowledged or refused.
    std::function<void(const std::vector<RefusedChannel>&)> on_up;
    // Those that came together.
    std::function<void(const std::vector<SentinelEvent>&)> on_events;
    // Once, as the last of all.
    std::function<void(const ConnectionFailure&)> on_failed;
  };

  // `access` outlives it.
  RespConnection(uv_loop_t* loop, Access& access, Peer peer, Settings settings, Handlers handlers);

  // on_failed comes from the loop, never from within.
  void start();

  bool up() const { return up_; }
  std::string tls_version() const { return stream_.tls_version(); }
  std::size_t pending() const { return conversation_.pending(); }

  // Only when it is up. Written with the next flush().
  void ask(const std::vector<std::string_view>& words, Conversation::Answer answer);
  void flush();

 private:
  std::optional<ConnectionFailure> begin();
  void begin_handshake();
  void handshake_step(const Reply& reply);
  void authenticated(const Reply& reply);
  std::string without_credentials(std::string text) const;
  void subscribed(std::string_view channel, const Reply& reply);
  void come_up();
  void send_ping();
  void received(std::string_view bytes);
  void pushed(const Reply& reply);
  void watch_replies();
  // To be reported once the replies at hand are dealt with.
  void give_up(ConnectionFailure::Kind kind, std::string cause);
  void fail(const ConnectionFailure& failure);

  Access& access_;
  const Peer peer_;
  Settings settings_;
  Handlers handlers_;
  Credentials credentials_;
  bool up_ = false;
  std::optional<ConnectionFailure> given_up_;
  std::vector<RefusedChannel> refused_channels_;
  std::vector<SentinelEvent> events_;  // of the bytes at hand
  Conversation conversation_;
  Stream stream_;
  uv::Timer deadline_;
  uv::Timer ping_;
};

}  // namespace reconciler
