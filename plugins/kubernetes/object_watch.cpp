#include "plugins/kubernetes/object_watch.h"

#include <algorithm>
#include <utility>

#include "common/random.h"
#include "plugins/kubernetes/service.h"

namespace reconciler {

namespace {

constexpr int64_t shortest_pause_ms = 100;
constexpr int64_t longest_pause_ms = 3000;
constexpr uint64_t short_watch_ns = 1000000000;
// What is refused. A server that has just started refuses what it will grant in a second.
constexpr int64_t shortest_refusal_ms = 500;
constexpr int64_t longest_refusal_ms = 30000;
constexpr int no_such_resource = 404;  // as in a version of the API that is no more

uint64_t with_jitter(uint64_t ms) { return ms - ms / 10 + random_number() % (ms / 5 + 1); }

}  // namespace

template <typename Item>
ObjectWatch<Item>::ObjectWatch(Host host, ApiClient& api, std::string group,
                               Resource<Item> resource, std::vector<Selection> selections,
                               Options options)
    : host_(host),
      api_(api),
      group_(std::move(group)),
      resource_(std::move(resource)),
      options_(std::move(options)),
      views_(std::move(selections), resource_.trim),
      query_(query_of(views_.selections())),
      viewers_(views_.selections().size()),
      again_(host),
      next_list_(host),
      backoff_(shortest_pause_ms, longest_pause_ms),
      refused_backoff_(shortest_refusal_ms, longest_refusal_ms) {}

template <typename Item>
ObjectWatch<Item>::~ObjectWatch() {
  if (watch_) api_.stop_watch(*watch_);
}

template <typename Item>
void ObjectWatch<Item>::start() {
  list_then_watch();
}

template <typename Item>
void ObjectWatch<Item>::want_list(std::optional<View> of, Listed done) {
  wants_.push_back({of, std::move(done)});
  if (wants_.size() > 1) return;
  auto round = std::make_shared<Round>();  // shared by the functions
  api_.list_each<Item>(
      resource_, [this, round] { return begin(*round); },
      {[this, round] { views_.restart_list(round->listing); },
       [this, round](Item item) { views_.take(round->listing, std::move(item)); }},
      [this, round](const ListEnd& answer) { end(*round, answer); });
}

template <typename Item>
std::string ObjectWatch<Item>::begin(Round& round) {
  round.wants = std::exchange(wants_, {});
  round.newest = newest_;
  const std::optional<View> of = round.wants.front().of;
  const bool alone = std::all_of(round.wants.begin(), round.wants.end(),
                                 [&](const Want& want) { return want.of == of; });
  round.listing = views_.begin_list(alone ? of : std::nullopt);
  return round.listing.of ? query_of(views_.selections()[*round.listing.of]) : query_;
}

template <typename Item>
void ObjectWatch<Item>::end(Round& round, const ListEnd& answer) {
  if (answer.error) {
    views_.drop_list(round.listing);
    note_list_failure(*answer.error);
    for (const Want& want : round.wants) want.done(answer.error);
    return;
  }
  if (list_failure_) refused_backoff_.reset();
  if (std::exchange(list_failure_, std::nullopt)) {
    host_.clear_problem(group_, id("list-refused").c_str());
  }
  const bool of_all = !round.listing.of;
  // A list that was asked for later than something was seen is never older than that.
  if (answer.version != 0 && answer.version < round.newest) rewind(of_all);
  note_version(answer.version);
  // Where an open watch goes on stays its own matter: it is behind this list, or ahead of it.
  if (of_all && !live_) version_ = answer.version_text;
  const auto changes = views_.finish_list(round.listing, answer.version);
  std::vector<View> firsts;
  for (View view = 0; view < viewers_.size(); ++view) {
    const bool was_listed = of_all || view == *round.listing.of;
    if (was_listed && !std::exchange(viewers_[view].listed, true)) firsts.push_back(view);
  }
  for (const Want& want : round.wants) want.done(std::nullopt);
  for (const View view : firsts) viewers_[view].listener.listed();
  for (const auto& [view, change] : changes) {
    if (std::find(firsts.begin(), firsts.end(), view) != firsts.end()) continue;
    viewers_[view].listener.changed(change);
  }
}

template <typename Item>
void ObjectWatch<Item>::note_version(uint64_t version) {
  newest_ = std::max(newest_, version);
}

// The API server's memory was set back (etcd was restored from a backup). A watch that goes on from what was seen would
// be silent: the server waits for versions that are still to come. It goes on from the list that shows this, where that is
// one of all.
template <typename Item>
void ObjectWatch<Item>::rewind(bool all_listed) {
  host_.log(VR_WARNING, group_,
            "the API server's versions went backwards (restored from a backup?): watching anew");
  newest_ = 0;
  views_.restored();
  const std::function<void()> anew = [this, all_listed] {
    if (all_listed) {
      open_watch();
    } else {
      list_then_watch();
    }
  };
  if (watch_) {
    api_.stop_watch(*watch_);
    watch_.reset();
    live_ = false;
    again_later(anew);
  } else if (again_.running() && !all_listed) {
    waiting_ = anew;
  }
}

template <typename Item>
void ObjectWatch<Item>::list_then_watch() {
  list_all([this](const std::optional<ApiError>& error) {
    if (error) {
      not_begun(*error);
      again_later([this] { list_then_watch(); }, error);
    } else {
      open_watch();
    }
  });
}

template <typename Item>
void ObjectWatch<Item>::not_begun(const ApiError& error) {
  if (options_.failed) options_.failed(error);
  for (const Viewer& viewer : viewers_) viewer.listener.failed(error);
}

// Without an answer at all it is no matter of lists: ApiReach tells of that.
template <typename Item>
void ObjectWatch<Item>::note_list_failure(const ApiError& error) {
  if (error.without_answer()) return;
  if (options_.needed) {
    host_.set_blocking(group_, id("list-refused").c_str(), error.message);
  } else {
    host_.set_degraded(group_, id("list-refused").c_str(), error.message);
  }
  if (!std::exchange(list_failure_, error)) {
    host_.log(VR_WARNING, group_, "{}; trying again", error.message);
  }
  if (live_) plan_next_list();
}

template <typename Item>
void ObjectWatch<Item>::open_watch() {
  watch_ =
      api_.watch(resource_, query_, version_,
                 {[this] { opened(); }, [this](std::string_view line) { return take_line(line); },
                  [this](const std::optional<ApiError>& error) { ended(error); }});
}

template <typename Item>
void ObjectWatch<Item>::opened() {
  opened_at_ns_ = host_.now_ns();
  live_ = true;
  const bool refused_before = std::exchange(polls_, false);
  const bool lost_before = std::exchange(told_lost_, false);
  if (refused_before) host_.clear_problem(group_, id("watch-refused").c_str());
  if (lost_before) host_.clear_problem(group_, id("watch-lost").c_str());
  if (refused_before || lost_before) host_.log(VR_INFO, group_, "watch resumed");
  refused_backoff_.reset();
  // A watch that ends again and again must not put it off for ever. What was refused is asked for again soon: with the
  // watch, nobody else needs a list.
  if (refused_before || list_failure_ || !next_list_.running()) plan_next_list();
  for (const Viewer& viewer : viewers_) viewer.listener.live();
}

template <typename Item>
bool ObjectWatch<Item>::take_line(std::string_view line) {
  using Type = typename WatchEvent<Item>::Type;
  if (line.empty()) return true;
  Result<WatchEvent<Item>> event = read_watch_event<Item>(resource_.parts_of(line), resource_.read);
  if (!event) {
    host_.log(VR_WARNING, group_, "watch: {}; listing again", event.error().message());
    give_up_watch();
    again_later([this] { list_then_watch(); });
    return false;
  }
  if (event->type == Type::error) {
    give_up_watch();
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
  note_version(event->version);
  if (event->type == Type::set) tell(views_.set(std::move(event->item)));
  if (event->type == Type::removed) tell(views_.remove(event->item));
  if (event->type == Type::unreadable) {
    host_.log(VR_WARNING, group_, "watch: {} ({}); it is left out", event->message, event->name);
    tell(views_.forget(event->name));
  }
  return true;
}

template <typename Item>
void ObjectWatch<Item>::give_up_watch() {
  watch_.reset();
  note_end();
  live_ = false;
}

template <typename Item>
void ObjectWatch<Item>::ended(const std::optional<ApiError>& error) {
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
  if (error->kind == ApiError::Kind::gone || error->code == no_such_resource) {
    again_later([this] { list_then_watch(); }, error);
  } else {
    again_later([this] { open_watch(); }, error);
  }
}

// Whether the watch that ended had worked: then what comes next is a first try again.
template <typename Item>
bool ObjectWatch<Item>::note_end() {
  const bool lasted = live_ && host_.now_ns() - opened_at_ns_ > short_watch_ns;
  if (lasted) backoff_.reset();
  return lasted;
}

template <typename Item>
void ObjectWatch<Item>::lost(const std::string& cause) {
  live_ = false;
  const std::string message = fmt::format("watch lost: {}; labels stay as they are", cause);
  host_.set_degraded(group_, id("watch-lost").c_str(), message);
  if (!std::exchange(told_lost_, true)) host_.log(VR_WARNING, group_, "{}", message);
}

template <typename Item>
void ObjectWatch<Item>::again_later(std::function<void()> what,
                                    const std::optional<ApiError>& error) {
  waiting_ = std::move(what);
  again_.start(pause_after(error), [this] { try_again(); });
}

template <typename Item>
uint64_t ObjectWatch<Item>::pause_after(const std::optional<ApiError>& error) {
  Backoff& backoff = error && error->refused() ? refused_backoff_ : backoff_;
  const auto pause_ms = static_cast<uint64_t>(backoff.next(random_number()));
  return error ? std::max(pause_ms, error->retry_after_ms) : pause_ms;
}

template <typename Item>
void ObjectWatch<Item>::try_again() {
  const std::function<void()> now = std::exchange(waiting_, nullptr);
  now();
}

template <typename Item>
void ObjectWatch<Item>::retry_now() {
  if (!again_.running()) return;
  again_.stop();
  backoff_.reset();
  refused_backoff_.reset();
  try_again();
}

template <typename Item>
void ObjectWatch<Item>::reconnect() {
  if (!watch_) return;
  api_.stop_watch(*watch_);
  watch_.reset();
  lost("its connection is silent");
  again_later([this] { open_watch(); });
}

template <typename Item>
void ObjectWatch<Item>::refused(const ApiError& error) {
  live_ = false;
  if (std::exchange(told_lost_, false)) host_.clear_problem(group_, id("watch-lost").c_str());
  host_.set_degraded(group_, id("watch-refused").c_str(), error.message);
  if (!std::exchange(polls_, true)) {
    host_.log(VR_WARNING, group_, "{}; listing every {} ms instead", error.message,
              options_.poll_ms);
    plan_next_list();
  }
  again_later([this] { open_watch(); }, error);
}

// A belt beside the watch; the whole of it without one.
template <typename Item>
void ObjectWatch<Item>::plan_next_list() {
  uint64_t pause_ms = with_jitter(polls_ ? options_.poll_ms : options_.resync_ms);
  if (list_failure_) pause_ms = std::min(pause_ms, pause_after(list_failure_));
  next_list_.start(
      pause_ms, [this] { list_all([this](const std::optional<ApiError>&) { plan_next_list(); }); });
}

template <typename Item>
void ObjectWatch<Item>::tell(const typename ObjectViews<Item>::Changes& changes) {
  for (const auto& [view, change] : changes) viewers_[view].listener.changed(change);
}

// There may be several watches. Those of pods have the plain names.
template <typename Item>
std::string ObjectWatch<Item>::id(const char* problem) const {
  const std::string plural = resource_.name.plural;
  return plural == "pods" ? problem : problem + ("-" + plural);
}

template class ObjectWatch<Pod>;
template class ObjectWatch<Service>;
template class ObjectWatch<Slice>;

}  // namespace reconciler
