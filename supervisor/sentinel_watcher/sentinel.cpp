#include "supervisor/sentinel_watcher/sentinel.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "common/log.h"

namespace reconciler {

namespace {

constexpr uint64_t second_connection_grace_ms = 200;
constexpr const char* failures_total = "sentinel_connection_failures_total";

// One SUBSCRIBE for each, so that a refused one costs only itself. The first two announce a primary, +selected-slave names the
// candidate of a failover, +sentinel another Sentinel; the others only say "look again", some of
// them at replicas alone.
std::vector<std::string_view> event_channels() {
  return {"+switch-master",
          "+promoted-slave",
          "+config-update-from",
          "+selected-slave",
          "+failover-end",
          "-failover-abort-not-elected",
          "-failover-abort-no-good-slave",
          "-failover-abort-slave-timeout",
          "+odown",
          "-odown",
          "+sdown",
          "-sdown",
          "+slave",
          "+slave-reconf-done",
          "-role-change",
          "+reset-master",
          "+monitor",
          "-monitor",
          "+sentinel",
          "+tilt",
          "-tilt"};
}

std::string in_words(const std::string& name, bool events, const ConnectionFailure& failure) {
  switch (failure.kind) {
    case ConnectionFailure::Kind::unreachable:
      return fmt::format("cannot {} Sentinel {}", events ? "hear the events of" : "reach", name);
    case ConnectionFailure::Kind::tls:
      return fmt::format("no secure connection to Sentinel {}", name);
    case ConnectionFailure::Kind::refused:
      return fmt::format("cannot log in to Sentinel {}", name);
    case ConnectionFailure::Kind::stranger:
      break;
  }
  return fmt::format("{} does not speak as a Sentinel does", name);
}

std::string problem_id(const ConnectionFailure& failure) {
  switch (failure.kind) {
    case ConnectionFailure::Kind::unreachable:
      return "sentinel-unreachable";
    case ConnectionFailure::Kind::tls:
      return "sentinel-tls";
    case ConnectionFailure::Kind::refused:
      return "sentinel-auth";
    case ConnectionFailure::Kind::stranger:
      break;
  }
  return "no-sentinel";
}

}  // namespace

Sentinel::Sentinel(uv_loop_t* loop, const SentinelSettings& settings, Access& access,
                   Endpoint endpoint, const Peer& peer, Reports& reports, Handlers handlers)
    : loop_(loop),
      endpoint_(std::move(endpoint)),
      name_(to_string(endpoint_)),
      subject_(subject_of(settings.name, endpoint_)),
      reports_(reports),
      handlers_(std::move(handlers)),
      settled_(loop),
      commands_(
          loop, settings, access, peer, {},
          {.on_up = [this](const std::vector<RefusedChannel>&) { commands_up(); },
           .on_events = nullptr,
           .on_down = [this](const ConnectionFailure& failure) { went_down(false, failure); }}),
      events_(
          loop, settings, access, peer, event_channels(),
          {.on_up = [this](const std::vector<RefusedChannel>& refused) { events_up(refused); },
           .on_events =
               [this](const std::vector<SentinelEvent>& events) { handlers_.on_events(events); },
           .on_down = [this](const ConnectionFailure& failure) { went_down(true, failure); }}) {}

Sentinel::~Sentinel() {
  reports_.no_trouble(subject_);
  reports_.no_trouble(subject_ + " channels");
  reports_.no_trouble(subject_ + " replicas");
  reports_.no_trouble(subject_ + " stranger");
  reports_.count_no_more(failures_total, "sentinel", name_);
}

void Sentinel::start() {
  commands_.start();
  events_.start();
}

void Sentinel::set_host(const std::string& host) {
  commands_.set_host(host);
  events_.set_host(host);
}

std::vector<Reports::Trouble> Sentinel::troubles() const {
  std::vector<Reports::Trouble> all;
  for (const char* of : {"", " channels", " replicas", " id", " peers", " stranger"}) {
    const std::string subject = subject_ + of;
    if (const auto* trouble = reports_.trouble_of(subject)) all.push_back(*trouble);
  }
  return all;
}

bool Sentinel::set_identity(Identity identity) {
  if (std::exchange(identity_, identity) == identity) return false;
  const std::string subject = subject_ + " stranger";
  if (identity != Identity::stranger) {
    reports_.no_trouble(subject);
  } else {
    reports_.logged_trouble(
        subject, "sentinel-stranger",
        fmt::format("Sentinel {} is not the one that the others know at this address: what it says "
                    "does not count",
                    name_));
  }
  return true;
}

void Sentinel::commands_up() {
  events_.hurry();
  all_up();
  handlers_.on_fresh();
}

void Sentinel::events_up(const std::vector<RefusedChannel>& refused) {
  commands_.hurry();
  const std::string subject = subject_ + " channels";
  if (refused.empty()) {
    reports_.no_trouble(subject);
  } else {
    std::string channels;
    for (const RefusedChannel& channel : refused)
      channels += (channels.empty() ? "" : " ") + channel.channel;
    reports_.logged_trouble(subject, "sentinel-channels",
                            fmt::format("Sentinel {} refuses the channels {}: {}", name_, channels,
                                        refused.front().cause));
  }
  all_up();
  // The acknowledgement came first: what happens from now on is heard, and what was before is asked for.
  handlers_.on_hearing();
  handlers_.on_fresh();
}

void Sentinel::all_up() {
  if (!up()) return;
  reports_.gauges_changed();
  const auto settle = [this] {
    reports_.no_trouble(subject_);
    if (const auto line = history_.came_up(static_cast<Milliseconds>(uv_now(loop_)))) {
      log::info(fmt::format("connected to Sentinel {}{}", name_, line->remark));
    }
  };
  settled_.stop();
  const bool came_and_went = events_failure_.has_value();
  show_events_failure();
  if (!history_.was_ever_up() && !came_and_went) return settle();
  settled_.start(static_cast<uint64_t>(settled_after), settle);
}

void Sentinel::went_down(bool events, const ConnectionFailure& failure) {
  settled_.stop();
  reports_.gauges_changed();
  if (events && commands_.up()) {
    // A Sentinel that ends closes both, one after the other: then there is one thing to be said.
    events_failure_ = failure;
    settled_.start(second_connection_grace_ms, [this] { show_events_failure(); });
  } else {
    events_failure_.reset();
    show_trouble(events, failure);
  }
  reports_.count(failures_total, "sentinel", name_);
  if (!events) {
    address_answer_.reset();
    reports_.no_trouble(subject_ + " replicas");  // another one is asked for them
    handlers_.on_lost();
  }
  handlers_.on_failed();
}

void Sentinel::show_events_failure() {
  if (const auto failure = std::exchange(events_failure_, std::nullopt))
    show_trouble(true, *failure);
}

void Sentinel::show_trouble(bool events, const ConnectionFailure& failure) {
  // While it can't be reached at all, that is what is to be said.
  if (events && !commands_.up() && failure.kind == ConnectionFailure::Kind::unreachable) return;
  const std::string what = in_words(name_, events, failure);
  reports_.trouble(subject_, problem_id(failure), what + ": " + failure.cause);
  if (const auto line = history_.failed(failure.cause, static_cast<Milliseconds>(uv_now(loop_)))) {
    log::warning(what + line->remark, {.error = failure.cause});
  }
}

void Sentinel::flush() {
  ++turn_;
  commands_.flush();
}

void Sentinel::ask_primary(const std::string& group, Answer<PrimaryAnswer> answer) {
  commands_.ask({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", group}, [this](const Reply& reply) {
    address_answer_.emplace(parse_primary_address(reply));
  });
  commands_.ask({"SENTINEL", "MASTER", group},
                [this, answer = std::move(answer)](const Reply& reply) {
                  const auto address = std::exchange(address_answer_, std::nullopt);
                  if (!address)
                    abort_with("SENTINEL MASTER was answered before GET-MASTER-ADDR-BY-NAME");
                  const auto primary = parse_primary(reply);
                  if (!*address) {
                    answer((*address).error().within("SENTINEL GET-MASTER-ADDR-BY-NAME"));
                  } else if (!primary) {
                    answer(primary.error().within("SENTINEL MASTER"));
                  } else {
                    answer(PrimaryAnswer{**address, *primary});
                  }
                  handlers_.on_answer();
                });
}

void Sentinel::ask_replicas(const std::string& group, Answer<Replicas> answer) {
  // SLAVES is known to every version, REPLICAS since Redis 5; rights are usually given for the newer name.
  commands_.ask({"SENTINEL", "REPLICAS", group},
                [this, answer = std::move(answer)](const Reply& reply) {
                  const auto replicas = parse_replicas(reply);
                  if (replicas) {
                    answer(*replicas);
                  } else {
                    answer(replicas.error().within("SENTINEL REPLICAS"));
                  }
                  handlers_.on_answer();
                });
}

void Sentinel::ask_peers(const std::string& group, Answer<Peers> answer) {
  commands_.ask({"SENTINEL", "SENTINELS", group}, [answer = std::move(answer)](const Reply& reply) {
    const auto peers = parse_peers(reply);
    if (!peers) return answer(peers.error().within("SENTINEL SENTINELS"));
    answer(*peers);
  });
}

void Sentinel::ask_id(Answer<std::string> answer) {
  commands_.ask({"SENTINEL", "MYID"}, [answer = std::move(answer)](const Reply& reply) {
    const auto id = parse_id(reply);
    if (!id) return answer(id.error().within("SENTINEL MYID"));
    answer(*id);
  });
}

}  // namespace reconciler
