#include "supervisor/sentinel_watcher/instance_watch.h"

#include <utility>

#include "supervisor/sentinel_watcher/aliases.h"

namespace reconciler {

namespace {

constexpr uint64_t ask_again_ms = 100;
constexpr uint64_t look_up_again_ms = 500;

}  // namespace

InstanceWatch::InstanceWatch(uv_loop_t* loop, const SentinelSettings& settings, Access& access,
                             Endpoint instance, std::function<void()> heard)
    : loop_(loop),
      settings_(settings),
      access_(access),
      heard_(std::move(heard)),
      role_{.instance = std::move(instance)},
      lookup_(loop, role_.instance),
      again_(loop) {}

void InstanceWatch::look_up() {
  if (const auto address = literal_address(role_.instance)) return connect(*address);
  lookup_.start([this](const Result<std::vector<SocketAddress>>& found) {
    if (found) return connect((*found)[lookups_++ % found->size()]);
    again_.start(look_up_again_ms, [this] { look_up(); });
    note(InstanceRole::Role::out_of_reach, found.error().message());
  });
}

void InstanceWatch::connect(const SocketAddress& address) {
  if (link_ && link_->up()) return;  // again since the lookup began
  link_.emplace(loop_, settings_, access_, Peer{address.socket, address.name},
                std::vector<std::string_view>{},
                SentinelLink::Handlers{
                    .on_up =
                        [this](const std::vector<RefusedChannel>&) {
                          was_up_ = true;
                          lookups_ = 0;
                          ask();
                        },
                    .on_events = nullptr,
                    .on_down = [this](const ConnectionFailure& failure) { went_down(failure); }});
  link_->start();
}

void InstanceWatch::ask() {
  if (!link_ || !link_->up() || std::exchange(asking_, true)) return;
  link_->ask({"ROLE"}, [this](const Reply& reply) { answered(reply); });
  link_->flush();
}

void InstanceWatch::answered(const Reply& reply) {
  asking_ = false;
  again_.start(ask_again_ms, [this] { ask(); });
  if (reply.is_error()) return note(InstanceRole::Role::out_of_reach, error_text(reply));
  const auto is_primary = parse_role(reply);
  if (!is_primary) return note(InstanceRole::Role::out_of_reach, is_primary.error().message());
  note(*is_primary ? InstanceRole::Role::primary : InstanceRole::Role::replica);
}

void InstanceWatch::went_down(const ConnectionFailure& failure) {
  asking_ = false;
  again_.stop();
  if (std::exchange(was_up_, false)) {
    link_->hurry();
  } else {
    // Its name may lead elsewhere by now, and has other addresses perhaps.
    if (!is_address(role_.instance.host)) again_.start(look_up_again_ms, [this] { look_up(); });
    note(InstanceRole::Role::out_of_reach, failure.cause);
  }
}

void InstanceWatch::note(InstanceRole::Role role, std::string cause) {
  role_.role = role;
  role_.cause = std::move(cause);
  role_.heard = static_cast<Milliseconds>(uv_now(loop_));
  const auto tell = heard_;
  tell();
}

}  // namespace reconciler
