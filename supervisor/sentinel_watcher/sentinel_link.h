// Keeps one connection to a Sentinel or an instance: makes it anew with backoff and jitter whenever it ends.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/backoff.h"
#include "common/config/configuration.h"
#include "common/uv/handle.h"
#include "supervisor/sentinel_watcher/access.h"
#include "supervisor/sentinel_watcher/peer.h"
#include "supervisor/sentinel_watcher/resp_connection.h"

namespace reconciler {

// Driven by the loop, owned by a Sentinel, which has two of them, or by an InstanceWatch.
class SentinelLink {
 public:
  struct Handlers {
    std::function<void(const std::vector<RefusedChannel>&)> on_up;
    std::function<void(const std::vector<SentinelEvent>&)> on_events;
    // After each attempt that failed and each connection that ended. What was asked is never answered.
    std::function<void(const ConnectionFailure&)> on_down;
  };

  // `channels`: to subscribe to; none: for commands. `settings` and `access` belong to the SentinelSet, and outlive it.
  SentinelLink(uv_loop_t* loop, const SentinelSettings& settings, Access& access, Peer peer,
               std::vector<std::string_view> channels, Handlers handlers);

  void start() { attempt(); }

  // Its certificate must be for this name, from the next attempt on.
  const std::string& host() const { return peer_.host; }
  void set_host(const std::string& host) { peer_.host = host; }

  // If it waits for its next attempt, that is now: there is news that it may succeed. At most once in backoff_max, so
  // that two links which come and go don't drive each other on.
  void hurry();

  bool up() const { return connection_ != nullptr && connection_->up(); }
  // `TLSv1.3`; empty where it is not up, or up without TLS.
  std::string tls_version() const { return up() ? connection_->tls_version() : std::string(); }
  std::size_t pending() const { return connection_ == nullptr ? 0 : connection_->pending(); }

  // As those of RespConnection; nothing is done while it isn't up.
  void ask(const std::vector<std::string_view>& words, Conversation::Answer answer);
  void flush();

 private:
  void attempt();
  void came_up(const std::vector<RefusedChannel>& refused);
  void went_down(const ConnectionFailure& failure);

  uv_loop_t* loop_;
  const SentinelSettings& settings_;
  Access& access_;
  Peer peer_;
  std::vector<std::string_view> channels_;
  Handlers handlers_;
  Backoff backoff_;
  uint64_t up_since_ms_ = 0;  // 0: it isn't up
  std::optional<uint64_t> hurried_at_ms_;
  uv::Timer retry_;
  std::unique_ptr<RespConnection> connection_;
};

}  // namespace reconciler
