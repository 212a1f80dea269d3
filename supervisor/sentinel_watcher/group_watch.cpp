#include "supervisor/sentinel_watcher/group_watch.h"

#include <fmt/format.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/log.h"
#include "common/result.h"
#include "supervisor/sentinel_watcher/change_line.h"
#include "supervisor/sentinel_watcher/explanation.h"

namespace reconciler {

namespace {

using Standing = SentinelView::Standing;
using Change = Verdict::Change;

// Until a primary that was announced is published, those that don't name it are asked again with these waits between; and once
// more when it was, so long after it. All have heard of it by then, and said so, unless their events are not heard.
constexpr std::array<Milliseconds, 5> burst_waits = {50, 50, 100, 200, 400};
constexpr Milliseconds heard_by_all = 2'500;

// Two: an event needn't wait for the answer to a poll that was on its way already.
constexpr uint8_t max_unanswered = 2;
// Then it isn't a switch in the midst of the two questions.
constexpr uint8_t max_torn = 3;
// An announcement that was not confirmed in this time was none.
constexpr uint64_t news_lifetime_ns = 10'000'000'000;

int64_t unix_us_now() {
  timeval time{};
  ::gettimeofday(&time, nullptr);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_usec;
}

}  // namespace

GroupWatch::GroupWatch(const Shared& shared, std::string name, const Proof& proof)
    : shared_(shared), builder_(std::move(name), proof, shared.names.aliases()) {}

void GroupWatch::remember(const Topology& topology) {
  const bool has_published = builder_.has_topology();
  const Endpoint published = builder_.current().primary;
  if (builder_.remember(topology) && has_published) {
    // It came late, and what the Sentinels say has gone out over it.
    Verdict verdict;
    verdict.change = Change::confirmed;
    verdict.because = builder_.because();
    publish(verdict, published, "the supervisor's memory");
  }
  decide("the supervisor's memory");
}

std::size_t GroupWatch::place_of(const Sentinel& sentinel) const {
  const auto place = std::find_if(asked_.begin(), asked_.end(),
                                  [&](const Asked& asked) { return asked.sentinel == &sentinel; });
  if (place == asked_.end()) abort_with("a Sentinel that the group was not told of");
  return static_cast<std::size_t>(place - asked_.begin());
}

void GroupWatch::add(Sentinel& sentinel) {
  // As many as there are, and no more.
  asked_.reserve(asked_.size() + 1);
  views_.reserve(views_.size() + 1);
  asked_.push_back({.sentinel = &sentinel});
  views_.push_back({.sentinel = sentinel.name()});
}

void GroupWatch::remove(const Sentinel& sentinel) {
  const auto place = static_cast<std::ptrdiff_t>(place_of(sentinel));
  asked_.erase(asked_.begin() + place);
  views_.erase(views_.begin() + place);
  source_.reset();
  forget_question_for_replicas(sentinel);
}

void GroupWatch::set_known(std::size_t known, bool has_told) {
  if (std::exchange(known_, known) == known && !has_told) return;
  decide("the number of Sentinels");
}

void GroupWatch::forget_word(const Sentinel& sentinel) {
  SentinelView& view = views_[place_of(sentinel)];
  if (view.standing > Standing::unheard) view.standing = Standing::unheard;
  decide("the identity of Sentinel " + sentinel.name());
}

std::size_t GroupWatch::known() const {
  std::size_t known = std::max(known_, views_.size());
  for (std::size_t i = 0; i < views_.size(); ++i) {
    if (views_[i].standing == Standing::answered && !asked_[i].sentinel->has_told_of_others())
      known = std::max<std::size_t>(known, views_[i].other_sentinels + 1U);
  }
  return known;
}

void GroupWatch::ask(Sentinel& sentinel) {
  const std::size_t place = place_of(sentinel);
  Asked& asked = asked_[place];
  if (!sentinel.answers()) return;
  if (views_[place].standing == Standing::out_of_reach) views_[place].standing = Standing::unheard;
  if (asked.turn == sentinel.turn()) return;  // the answer is going to know of this, too
  if (asked.unanswered >= max_unanswered) {
    asked.again = true;
    return;
  }
  asked.turn = sentinel.turn();
  ++asked.unanswered;
  sentinel.ask_primary(name(),
                       [this, &sentinel](const auto& answer) { answered(sentinel, answer); });
}

void GroupWatch::poll(Sentinel& sentinel) {
  if (source_ == place_of(sentinel)) replicas_wanted_ = true;
  ask(sentinel);
}

void GroupWatch::ask_all() {
  for (const Asked& asked : asked_) ask(*asked.sentinel);
}

template <typename Predicate>
void GroupWatch::ask_those_whose(const Predicate& view_is_old) {
  for (std::size_t i = 0; i < asked_.size(); ++i) {
    if (view_is_old(views_[i])) ask(*asked_[i].sentinel);
  }
  flush_all();
}

void GroupWatch::flush_all() {
  for (const Asked& asked : asked_) asked.sentinel->flush();
}

void GroupWatch::answered(Sentinel& sentinel, const Result<Sentinel::PrimaryAnswer>& answer) {
  const std::size_t place = place_of(sentinel);
  Asked& asked = asked_[place];
  SentinelView& view = views_[place];
  --asked.unanswered;
  if (sentinel.identity() == Sentinel::Identity::twin) {
    view.standing = Standing::unheard;
  } else if (sentinel.identity() == Sentinel::Identity::stranger) {
    view.standing = Standing::refused;
    view.refusal = "another Sentinel is known at its address";
  } else if (!answer) {
    view.standing = Standing::refused;
    view.refusal = answer.error().message();
  } else if (take_answer(view, answer->address, answer->primary, now())) {
    asked.torn = 0;
    look_up_names(view);
  } else if (++asked.torn < max_torn) {
    asked.again = true;
  } else {
    asked.torn = 0;
    view.standing = Standing::refused;
    view.refusal = "GET-MASTER-ADDR-BY-NAME and MASTER contradict each other";
  }
  if (std::exchange(asked.again, false)) {
    ask(sentinel);
    sentinel.flush();
  }
  decide("answer of " + sentinel.name());
  ask_replicas();  // after the decision: they can wait, the primary can't
}

// Of what is going to be compared with what this one names.
void GroupWatch::look_up_names(const SentinelView& view) {
  if (builder_.has_topology()) {
    return shared_.names.compare(view.primary, builder_.current().primary);
  }
  for (const SentinelView& other : views_) {
    if (other.standing == Standing::answered) shared_.names.compare(view.primary, other.primary);
  }
}

void GroupWatch::ask_replicas() {
  if (!source_ || replicas_asked_ != nullptr || !replicas_wanted_) return;
  Sentinel& sentinel = *asked_[*source_].sentinel;
  if (!sentinel.answers()) return;
  replicas_wanted_ = false;
  replicas_asked_ = &sentinel;
  sentinel.ask_replicas(name(), [this, &sentinel](const Result<Sentinel::Replicas>& replicas) {
    replicas_asked_ = nullptr;
    const std::string subject = sentinel.subject() + " replicas";
    if (!replicas) {
      return shared_.reports.logged_trouble(
          subject, "replicas-unknown",
          fmt::format("Sentinel {}: {}", sentinel.name(), replicas.error().message()));
    }
    shared_.reports.no_trouble(subject);
    if (!*replicas) return;
    builder_.take_replicas(**replicas, now());
    decide("answer of " + sentinel.name());
    ask_replicas();  // something happened meanwhile
  });
  sentinel.flush();
}

// It is not answered any more.
void GroupWatch::forget_question_for_replicas(const Sentinel& sentinel) {
  if (replicas_asked_ != &sentinel) return;
  replicas_asked_ = nullptr;
  replicas_wanted_ = true;
}

void GroupWatch::lost(const Sentinel& sentinel) {
  const std::size_t place = place_of(sentinel);
  asked_[place] = Asked{.sentinel = asked_[place].sentinel};
  views_[place].standing = Standing::out_of_reach;
  views_[place].failover = FailoverState::none;
  forget_question_for_replicas(sentinel);
  decide("loss of Sentinel " + sentinel.name());
}

void GroupWatch::heard(Sentinel& sentinel, const SentinelEvent& event) {
  if (event.announces_primary()) return heard_announcement(sentinel, event);
  if (event.leaves_primary()) {
    const std::size_t place = place_of(sentinel);
    if (event.about != SentinelEvent::About::replica || source_ != place) return;
    replicas_wanted_ = true;
    if (asked_[place].unanswered == 0) ask_replicas();
    return;
  }
  if (event.channel == "+reset-master") replicas_wanted_ = true;
  ask(sentinel);
  if (event.channel != "+selected-slave" || builder_.proof().act_on != ActOn::promotion) return;
  builder_.take_candidate(event.subject, sentinel.name(), now());
  decide("+selected-slave from " + sentinel.name());  // so that it is connected to
}

void GroupWatch::heard_announcement(Sentinel& sentinel, const SentinelEvent& event) {
  if (sentinel.answers()) {
    ask(sentinel);
  } else {
    ask_all();
  }
  if (builder_.has_topology() &&
      shared_.names.aliases().same(builder_.current().primary, event.subject)) {
    return;
  }
  if (is_news(event.subject)) return;
  news_ =
      std::make_unique<News>(news_now(event.subject, event.channel + " from " + sentinel.name()));
  burst_step_ = 0;
  burst_at_ = now() + burst_waits[0];
  schedule();
}

void GroupWatch::set_tilt(const Sentinel& sentinel, bool tilt) {
  views_[place_of(sentinel)].tilt = tilt;
  decide("tilt of Sentinel " + sentinel.name());
}

void GroupWatch::heard_role(const InstanceRole& role) {
  decide("ROLE of " + to_string(role.instance));
  ask_replicas();
}

void GroupWatch::decide(const std::string& cause) {
  const Endpoint old_primary = builder_.current().primary;
  const std::vector<InstanceRole> roles = roles_ ? roles_->roles() : std::vector<InstanceRole>();
  Verdict verdict = builder_.decide(picture(roles));
  if (verdict.source != source_) replicas_wanted_ = true;
  source_ = verdict.source;
  if (verdict.change != Change::none) {
    replicas_wanted_ |= verdict.change != Change::replicas;
    publish(verdict, old_primary, verdict.change == Change::replicas ? "SENTINEL REPLICAS" : cause);
  }
  if (verdict.ask_all) {
    ask_all();
    flush_all();
  }
  ask_instances(verdict.roles_wanted);
  note_agreement(verdict);

  const auto doubt = doubts_.update(name(), std::move(verdict.doubts), now(), shared_.reports);
  look_again_at_.reset();
  for (const auto& wait : {verdict.look_again, doubt}) {
    if (wait) look_again_at_ = std::min(look_again_at_.value_or(now() + *wait), now() + *wait);
  }
  schedule();
}

// After the topology is out, never before.
void GroupWatch::note_agreement(const Verdict& verdict) {
  const auto up = std::count_if(views_.begin(), views_.end(), [](const SentinelView& view) {
    return view.standing > Standing::unheard;
  });
  Agreement agreement{.known = static_cast<uint16_t>(known()),
                      .up = static_cast<uint16_t>(up),
                      .agree = static_cast<uint16_t>(verdict.agreeing)};
  agreement.all = verdict.agreed && agreement.agree * 2 > agreement.known;
  const bool anew = verdict.change != Change::none && verdict.change != Change::replicas;
  if (agreement == agreement_ && !(anew && agreement.all)) return;
  if (agreement.all && (anew || !agreement_.all))
    agreed_unix_s_ = static_cast<double>(unix_us_now()) / 1e6;
  agreement_ = agreement;
  shared_.reports.gauges_changed();
}

void GroupWatch::add_gauges(std::vector<ipc::Gauge>& gauges) const {
  const std::vector<std::pair<std::string, std::string>> labels{{"group", name()}};
  gauges.push_back({"sentinels_known", labels, static_cast<double>(agreement_.known)});
  gauges.push_back({"sentinels_up", labels, static_cast<double>(agreement_.up)});
  gauges.push_back({"sentinels_agree", labels, static_cast<double>(agreement_.agree)});
  if (agreed_unix_s_ > 0)
    gauges.push_back({"sentinels_agreed_timestamp_seconds", labels, agreed_unix_s_});
}

std::string GroupWatch::explain() const {
  const std::vector<InstanceRole> roles = roles_ ? roles_->roles() : std::vector<InstanceRole>();
  return explanation(builder_, picture(roles), doubts_.entries());
}

void GroupWatch::ask_instances(const std::vector<Endpoint>& wanted) {
  if (!roles_) {
    if (wanted.empty()) return;
    roles_ =
        std::make_unique<InstanceRoles>(shared_.loop, shared_.settings, shared_.instances,
                                        [this](const InstanceRole& role) { heard_role(role); });
  }
  roles_->want(wanted);
}

bool GroupWatch::has_news() const {
  return news_ && uv_hrtime() - news_->mono_ns <= news_lifetime_ns;
}

bool GroupWatch::is_news(const Endpoint& primary) const {
  return has_news() && shared_.names.aliases().same(news_->primary, primary);
}

GroupWatch::News GroupWatch::news_now(Endpoint primary, std::string cause) {
  return {std::move(primary), std::move(cause), unix_us_now(), uv_hrtime()};
}

void GroupWatch::publish(const Verdict& verdict, const Endpoint& old_primary,
                         const std::string& cause) {
  Topology topology = builder_.current();
  const bool announced = verdict.change != Change::replicas && is_news(topology.primary);
  // What `agreement` may act on is never the first word.
  const News news = announced && builder_.proof().act_on != ActOn::agreement
                        ? *news_
                        : news_now(topology.primary, cause);
  if (announced) {
    news_.reset();
    burst_at_.reset();
  }
  if (verdict.change != Change::replicas && verdict.change != Change::found)
    all_heard_at_ = now() + heard_by_all;
  topology.cause = news.cause;
  topology.event_unix_us = news.unix_us;
  topology.event_mono_ns = news.mono_ns;
  shared_.reports.publish(topology);  // before anything else

  if (verdict.change == Change::moved || verdict.change == Change::provisional)
    shared_.reports.count("failovers_total", "group", name());
  if (verdict.change == Change::taken_back)
    shared_.reports.count("promotions_taken_back_total", "group", name());
  const ChangeLine line = change_in_words(verdict, topology, old_primary);
  log::write(line.level, line.text, {.group = name(), .epoch = topology.decision.epoch});
}

void GroupWatch::wake() {
  const Milliseconds time = now();
  if (burst_at_ && *burst_at_ <= time) {
    burst_at_.reset();
    if (has_news()) {
      ask_those_whose([this](const SentinelView& view) { return !is_news(view.primary); });
      if (++burst_step_ < burst_waits.size()) burst_at_ = time + burst_waits[burst_step_];
    }
  }
  if (all_heard_at_ && *all_heard_at_ <= time) {
    all_heard_at_.reset();
    ask_those_whose([this](const SentinelView& view) { return !builder_.is_current(view); });
  }
  if (look_again_at_ && *look_again_at_ <= time) decide("the time that has passed");
  schedule();
}

void GroupWatch::schedule() {
  std::optional<Milliseconds> next;
  for (const auto& at : {burst_at_, all_heard_at_, look_again_at_}) {
    if (at && (!next || *at < *next)) next = at;
  }
  if (!next) return wake_.reset();
  if (!wake_) wake_ = std::make_unique<uv::Timer>(shared_.loop);
  wake_->start(static_cast<uint64_t>(std::max<Milliseconds>(*next - now(), 0)), [this] { wake(); });
}

}  // namespace reconciler
