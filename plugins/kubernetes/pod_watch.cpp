#include "plugins/kubernetes/pod_watch.h"

#include <utility>

#include "common/random.h"

namespace reconciler {

namespace {

constexpr int64_t shortest_pause_ms = 100;
constexpr int64_t longest_pause_ms = 3000;
constexpr uint64_t short_watch_ns = 1000000000;
// Without the right to watch: between tries. A server that has just started refuses what it will grant in a second.
constexpr int64_t shortest_refusal_ms = 500;
constexpr int64_t longest_refusal_ms = 60000;

uint64_t with_jitter(uint64_t ms) { return ms - ms / 10 + random_number() % (ms / 5 + 1); }

}  // namespace

PodWatch::PodWatch(Host host, ApiClient& api, std::string group, std::string selector, Times times,
                   Listener listener)
    : host_(host),
      api_(api),
      group_(std::move(group)),
      selector_(std::move(selector)),
      times_(times),
      listener_(std::move(listener)),
      again_(host),
      next_list_(host),
      backoff_(shortest_pause_ms, longest_pause_ms),
      refused_backoff_(shortest_refusal_ms, longest_refusal_ms) {}

PodWatch::~PodWatch() {
  if (watch_) api_.stop_watch(*watch_);
}

void PodWatch::start() { list_then_watch(); }

// Where the watch goes on stays its own matter: an open one is behind this list, or ahead of it.
void PodWatch::list(std::function<void(const std::optional<ApiError>&)> done) {
  const PodStore::Mark mark = store_.begin_list();
  api_.list(selector_, [this, mark, done = std::move(done)](ApiClient::ListAnswer answer) {
    if (answer.error) {
      store_.drop_list(mark);
      note_list_failure(*answer.error);
      done(answer.error);
      return;
    }
    if (std::exchange(list_failing_, false)) {
      refused_backoff_.reset();
      host_.clear_problem(group_, "list-refused");
    }
    const PodStore::Change change =
        store_.finish_list(mark, std::move(answer.list.pods), answer.list.version);
    if (!live_) version_ = answer.list.version_text;
    const bool first = !std::exchange(listed_, true);
    done(std::nullopt);
    if (first) {
      listener_.listed();
    } else {
      tell(change);
    }
  });
}

void PodWatch::list_then_watch() {
  list([this](const std::optional<ApiError>& error) {
    if (error) {
      listener_.failed(*error);
      again_later([this] { list_then_watch(); });
    } else {
      open_watch();
    }
  });
}

// Without an answer at all it is no matter of lists: ApiReach tells of that.
void PodWatch::note_list_failure(const ApiError& error) {
  if (error.without_answer()) return;
  host_.set_blocking(group_, "list-refused", error.message);
  if (!std::exchange(list_failing_, true)) {
    host_.log(VR_WARNING, group_, "{}; trying again", error.message);
  }
  if (live_) plan_next_list();
}

void PodWatch::open_watch() {
  watch_ =
      api_.watch(selector_, version_,
                 {[this] { opened(); }, [this](std::string_view line) { return take_line(line); },
                  [this](const std::optional<ApiError>& error) { ended(error); }});
}

void PodWatch::opened() {
  opened_at_ns_ = host_.now_ns();
  live_ = true;
  const bool refused_before = std::exchange(polls_, false);
  const bool lost_before = std::exchange(told_lost_, false);
  if (refused_before) host_.clear_problem(group_, "watch-refused");
  if (lost_before) host_.clear_problem(group_, "watch-lost");
  if (refused_before || lost_before) host_.log(VR_INFO, group_, "watch resumed");
  refused_backoff_.reset();
  // A watch that ends again and again must not put it off for ever. What was refused is asked for again soon: with the
  // watch, nobody else needs a list.
  if (refused_before || list_failing_ || !next_list_.running()) plan_next_list();
  listener_.live();
}

bool PodWatch::take_line(std::string_view line) {
  if (line.empty()) return true;
  Result<WatchEvent> event = read_watch_event(line, api_.rule());
  if (!event) {
    host_.log(VR_WARNING, group_, "watch: {}; listing again", event.error().message());
    watch_.reset();
    note_end();
    live_ = false;
    again_later([this] { list_then_watch(); });
    return false;
  }
  if (event->type == WatchEvent::Type::error) {
    watch_.reset();
    note_end();
    live_ = false;
    // 410 is how it says that it can't go on from there, after a restart of the API server for one: at once, then.
    const bool too_old = event->code == 410;
    if (!too_old) lost(fmt::format("HTTP {} ({})", event->code, event->message));
    if (too_old && backoff_.failures() == 0) {
      backoff_.next(0);
      list_then_watch();
    } else {
      again_later([this] { list_then_watch(); });
    }
    return false;
  }
  if (!event->version_text.empty()) version_ = event->version_text;
  if (event->type == WatchEvent::Type::set) tell(store_.set(std::move(event->pod)));
  if (event->type == WatchEvent::Type::removed) tell(store_.remove(event->pod));
  return true;
}

void PodWatch::ended(const std::optional<ApiError>& error) {
  watch_.reset();
  const bool lasted = note_end();
  if (!error) {
    live_ = false;
    if (lasted) {
      open_watch();
    } else {
      again_later([this] { open_watch(); });
    }
    return;
  }
  if (error->kind == ApiError::Kind::forbidden) {
    refused(*error);
    return;
  }
  lost(error->message);
  if (error->kind == ApiError::Kind::gone) {
    again_later([this] { list_then_watch(); });
  } else {
    again_later([this] { open_watch(); });
  }
}

// Whether the watch that ended had worked: then what comes next is a first try again.
bool PodWatch::note_end() {
  const bool lasted = live_ && host_.now_ns() - opened_at_ns_ > short_watch_ns;
  if (lasted) backoff_.reset();
  return lasted;
}

void PodWatch::lost(const std::string& cause) {
  live_ = false;
  host_.set_degraded(group_, "watch-lost", cause);
  if (std::exchange(told_lost_, true)) return;
  host_.log(VR_WARNING, group_, "watch lost: {}; labels stay as they are", cause);
}

void PodWatch::again_later(std::function<void()> what) {
  waiting_ = std::move(what);
  again_.start(static_cast<uint64_t>(backoff_.next(random_number())), [this] { try_again(); });
}

void PodWatch::try_again() {
  const std::function<void()> now = std::exchange(waiting_, nullptr);
  now();
}

void PodWatch::retry_now() {
  if (!again_.running()) return;
  again_.stop();
  backoff_.reset();
  try_again();
}

void PodWatch::reconnect() {
  if (!watch_) return;
  api_.stop_watch(*watch_);
  watch_.reset();
  lost("its connection is silent");
  again_later([this] { open_watch(); });
}

void PodWatch::refused(const ApiError& error) {
  live_ = false;
  if (std::exchange(told_lost_, false)) host_.clear_problem(group_, "watch-lost");
  host_.set_degraded(group_, "watch-refused", error.message);
  if (!std::exchange(polls_, true)) {
    host_.log(VR_WARNING, group_, "{}; listing every {} ms instead", error.message, times_.poll_ms);
    plan_next_list();
  }
  waiting_ = [this] { open_watch(); };
  again_.start(static_cast<uint64_t>(refused_backoff_.next(random_number())),
               [this] { try_again(); });
}

// A belt beside the watch; the whole of it without one.
void PodWatch::plan_next_list() {
  const uint64_t pause_ms = list_failing_
                                ? static_cast<uint64_t>(refused_backoff_.next(random_number()))
                                : with_jitter(polls_ ? times_.poll_ms : times_.resync_ms);
  next_list_.start(pause_ms,
                   [this] { list([this](const std::optional<ApiError>&) { plan_next_list(); }); });
}

void PodWatch::tell(const PodStore::Change& change) {
  if (change.decisive) listener_.changed(change);
}

}  // namespace reconciler
