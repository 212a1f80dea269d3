#include "supervisor/sentinel_watcher/sentinel_link.h"

#include <utility>

#include "common/random.h"

namespace reconciler {

SentinelLink::SentinelLink(uv_loop_t* loop, const SentinelSettings& settings, Access& access,
                           Peer peer, std::vector<std::string_view> channels, Handlers handlers)
    : loop_(loop),
      settings_(settings),
      access_(access),
      peer_(std::move(peer)),
      channels_(std::move(channels)),
      handlers_(std::move(handlers)),
      backoff_(settings.backoff_min, settings.backoff_max),
      retry_(loop) {}

void SentinelLink::attempt() {
  connection_ = std::make_unique<RespConnection>(
      loop_, access_, peer_,
      RespConnection::Settings{.channels = channels_,
                               .connect_timeout = settings_.connect_timeout,
                               .reply_timeout = settings_.reply_timeout,
                               .ping_interval = settings_.poll_interval},
      RespConnection::Handlers{
          .on_up = [this](const std::vector<RefusedChannel>& refused) { came_up(refused); },
          .on_events =
              [this](const std::vector<SentinelEvent>& events) { handlers_.on_events(events); },
          .on_failed = [this](const ConnectionFailure& failure) { went_down(failure); }});
  connection_->start();
}

void SentinelLink::came_up(const std::vector<RefusedChannel>& refused) {
  up_since_ms_ = uv_now(loop_);
  handlers_.on_up(refused);
}

void SentinelLink::went_down(const ConnectionFailure& failure) {
  // One that accepts and closes at once is no success: the waits go on growing.
  const bool lasted = up_since_ms_ != 0 &&
                      uv_now(loop_) - up_since_ms_ >= static_cast<uint64_t>(settings_.backoff_max);
  if (lasted) backoff_.reset();
  up_since_ms_ = 0;
  connection_.reset();
  retry_.start(static_cast<uint64_t>(backoff_.next(random_number())), [this] { attempt(); });
  handlers_.on_down(failure);
}

void SentinelLink::hurry() {
  if (!retry_.active()) return;
  const uint64_t now = uv_now(loop_);
  if (hurried_at_ms_ && now - *hurried_at_ms_ < static_cast<uint64_t>(settings_.backoff_max))
    return;
  hurried_at_ms_ = now;
  retry_.stop();
  attempt();
}

void SentinelLink::ask(const std::vector<std::string_view>& words, Conversation::Answer answer) {
  if (up()) connection_->ask(words, std::move(answer));
}

void SentinelLink::flush() {
  if (up()) connection_->flush();
}

}  // namespace reconciler
