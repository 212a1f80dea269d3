#include "plugins/kubernetes/pod_events.h"

#include <unistd.h>

#include <array>
#include <chrono>

#include "common/random.h"

namespace reconciler {

namespace {

constexpr uint64_t minute_ns = 60ull * 1000000000;
constexpr int most_in_a_minute = 20;
constexpr size_t most_open = 64;
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
      instance_(settings.node_name.empty() ? machine_name() : settings.node_name) {}

void PodEvents::tell(const std::string& group, const std::vector<PodEvent>& events) {
  if (!wanted_) return;
  for (const PodEvent& event : events) {
    if (!may_send(group)) {
      host_.count("events_total", "result", "dropped");
      continue;
    }
    ++open_;
    api_.create_event(
        event_body(event, {api_.pod_namespace(), instance_, unix_us(), random_number()}),
        [this](const std::optional<ApiError>& error) { answered(error); });
  }
}

bool PodEvents::may_send(const std::string& group) {
  const uint64_t now = host_.now_ns();
  if (refused_at_ns_ && now - *refused_at_ns_ > refused_for_ns) refused_at_ns_.reset();
  if (refused_at_ns_ || open_ >= most_open) return false;
  Budget& budget = budgets_[group];
  if (budget.since_ns == 0 || now - budget.since_ns > minute_ns) budget = {now, 0};
  return ++budget.spent <= most_in_a_minute;
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
    if (told_refused_) return;
    told_refused_ = true;
    host_.log(VR_INFO, {}, "{}; that is optional, and `events = false` asks for none",
              error->message);
  }
}

}  // namespace reconciler
