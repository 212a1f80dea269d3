#include "plugins/kubernetes/pod_events.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <utility>

#include "common/random.h"

namespace reconciler {

namespace {

constexpr uint64_t ns_per_ms = 1000000;
constexpr uint64_t minute_ns = 60'000 * ns_per_ms;
constexpr int most_in_a_minute = 20;
// When many groups fail over at once each has some to tell, and the API server and we have more urgent things to do; but an
// attempt may take long.
constexpr uint64_t longest_wait_ms = 3000;
constexpr size_t most_open = 4;
constexpr size_t most_waiting = 4096;
// As long as rights go without a review.
constexpr uint64_t refused_for_ns = 10 * minute_ns;

std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "unknown";
  return name.data();
}

uint64_t unix_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace

PodEvents::PodEvents(Host host, ApiClient& api, const Settings& settings)
    : host_(host),
      api_(api),
      wanted_(settings.events),
      instance_(settings.node_name.empty() ? machine_name() : settings.node_name),
      longest_wait_(host) {}

void PodEvents::tell(Budget& of_group, const std::vector<PodEvent>& events) {
  if (!wanted_) return;
  for (const PodEvent& event : events) {
    if (!may_tell(of_group)) {
      host_.count("events_total", "result", "dropped");
      continue;
    }
    waiting_.push_back({event, unix_us(), host_.now_ns()});
  }
  send_due();
}

void PodEvents::attempt_ended() {
  --attempts_;
  send_due();
}

void PodEvents::send_due() {
  if (waiting_.empty()) return;
  const uint64_t waited_ms = (host_.now_ns() - waiting_.front().at_ns) / ns_per_ms;
  if (attempts_ == 0 || waited_ms >= longest_wait_ms) {
    send_waiting();
  } else if (!longest_wait_.running()) {
    longest_wait_.start(longest_wait_ms - waited_ms, [this] { send_due(); });
  }
}

bool PodEvents::may_tell(Budget& of_group) {
  const uint64_t now = host_.now_ns();
  if (refused_at_ns_ && now - *refused_at_ns_ > refused_for_ns) refused_at_ns_.reset();
  if (refused_at_ns_ || waiting_.size() >= most_waiting) return false;
  if (of_group.since_ns == 0 || now - of_group.since_ns > minute_ns) of_group = {now, 0};
  return ++of_group.spent <= most_in_a_minute;
}

void PodEvents::send_waiting() {
  while (open_ < most_open && !waiting_.empty()) {
    ++open_;
    const Told& told = waiting_.front();
    std::string body =
        event_body(told.event, {api_.pod_namespace(), instance_, told.unix_us, random_number()});
    waiting_.pop_front();
    api_.create_event(std::move(body),
                      [this](const std::optional<ApiError>& error) { answered(error); });
  }
}

void PodEvents::drop_waiting() {
  for (; !waiting_.empty(); waiting_.pop_front()) {
    host_.count("events_total", "result", "dropped");
  }
}

void PodEvents::answered(const std::optional<ApiError>& error) {
  --open_;
  host_.count("events_total", "result", error ? error->label().c_str() : "ok");
  if (!error) {
    told_refused_ = false;
  } else if (error->kind != ApiError::Kind::forbidden) {
    host_.log(VR_DEBUG, {}, "an Event is lost: {}", error->message);
  } else {
    refused_at_ns_ = host_.now_ns();
    drop_waiting();
    if (!std::exchange(told_refused_, true)) {
      host_.log(VR_INFO, {}, "{}; that is optional, and `events = false` asks for none",
                error->message);
    }
  }
  send_due();
}

}  // namespace reconciler
