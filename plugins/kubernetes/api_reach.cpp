#include "plugins/kubernetes/api_reach.h"

#include <utility>

#include "common/random.h"

namespace reconciler {

namespace {

// A silent watch is found within check_watch + the check's own time.
constexpr uint64_t check_watch_ms = 20000;
// The API server closes a connection that is idle for 90 s.
constexpr uint64_t keep_warm_ms = 45000;
constexpr uint64_t probe_pause_ms = 250;

uint64_t with_jitter(uint64_t ms) { return ms - ms / 8 + random_number() % (ms / 4 + 1); }

}  // namespace

ApiReach::ApiReach(Host host, ApiClient& api, std::string origin, Listener listener)
    : host_(host),
      api_(api),
      origin_(std::move(origin)),
      listener_(std::move(listener)),
      probe_timer_(host),
      watch_timer_(host),
      warm_timer_(host) {
  api_.on_reach([this](const std::string& cause) { note(cause); });
}

void ApiReach::start() {
  check_watches();
  keep_warm();
}

void ApiReach::note(const std::string& cause) {
  if (cause.empty()) {
    const State before = std::exchange(state_, State::up);
    if (before == State::up) return;
    host_.log(VR_INFO, {}, "connected to {} ({})", api_.url(), origin_);
    told_.clear();
    host_.clear_problem({}, "api-unreachable");
    if (before == State::down) listener_.back();
    return;
  }
  if (std::exchange(told_, cause) != cause) {
    host_.set_blocking({}, "api-unreachable", api_.url() + ": " + cause);
  }
  if (std::exchange(state_, State::down) != State::down) {
    host_.log(VR_WARNING, {}, "no answer from {}: {}; labels stay as they are", api_.url(), cause);
  }
  if (probing_) return;
  probing_ = true;
  probe_timer_.start(0, [this] { probe(); });
}

// One after the other, so that nearly always one is waiting for its answer: whenever the server thaws it is noticed.
void ApiReach::probe() {
  if (api_.changing()) {
    probe_timer_.start(with_jitter(probe_pause_ms), [this] { probe_further(); });
    return;
  }
  api_.check(ApiClient::Connection::changes, [this](bool /*good*/, const std::string& /*cause*/) {
    // note() has heard of it already.
    if (down()) {
      probe_timer_.start(with_jitter(probe_pause_ms), [this] { probe_further(); });
    } else {
      probing_ = false;
    }
  });
}

void ApiReach::probe_further() {
  probing_ = down();
  if (probing_) probe();
}

void ApiReach::check_watches() {
  watch_timer_.start(with_jitter(check_watch_ms), [this] {
    api_.check(ApiClient::Connection::watches, [this](bool good, const std::string& cause) {
      if (!good) {
        host_.log(VR_WARNING, {}, "the watches' connection does not answer: {}", cause);
        api_.drop_watch_connection();
        listener_.watch_silent();
      }
      check_watches();
    });
  });
}

void ApiReach::keep_warm() {
  warm_timer_.start(with_jitter(keep_warm_ms), [this] {
    if (api_.changing()) {  // which keeps it as warm
      keep_warm();
      return;
    }
    api_.check(ApiClient::Connection::changes, [this](bool, const std::string&) { keep_warm(); });
  });
}

}  // namespace reconciler
