#include "plugins/kubernetes/rights.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/random.h"

namespace reconciler {

namespace {

// A server that has just started doesn't know all roles yet: what it refuses is asked again before it is told.
constexpr uint64_t review_doubt_ms = 2000;
// While one is missing, or the server doesn't say.
constexpr uint64_t review_missing_ms = 30000;
// Between reviews that refused requests bring about.
constexpr uint64_t review_refused_ms = 5000;

std::string resource_of(const Right& right) {
  const std::string group = right.api_group;
  return group.empty() ? right.resource : right.resource + ("." + group);
}

}  // namespace

std::string forbidden_message(const std::vector<Right>& missing, const std::string& pod_namespace) {
  std::string message = "forbidden: cannot ";
  for (size_t i = 0; i < missing.size(); ++i) {
    if (i > 0) message += ", ";
    message += missing[i].verb;
    const std::string resource = resource_of(missing[i]);
    const bool last_of_resource =
        i + 1 == missing.size() || resource_of(missing[i + 1]) != resource;
    if (last_of_resource) message += " " + resource;
  }
  return message + " in namespace " + pod_namespace;
}

Rights::Rights(Host host, ApiClient& api, std::vector<Right> needed, Objects objects,
               uint64_t every_ms, std::function<void()> given)
    : host_(host),
      api_(api),
      needed_(std::move(needed)),
      objects_(std::move(objects)),
      every_ms_(every_ms),
      given_(std::move(given)),
      again_(host),
      soon_(host) {
  api_.on_forbidden([this] { refused(); });
}

void Rights::review() {
  if (open_ > 0) return;
  soon_.stop();
  open_ = needed_.size();
  by_name_ = unanswered_ = false;
  begun_ns_ = host_.now_ns();
  missing_.assign(needed_.size(), false);
  for (size_t right = 0; right < needed_.size(); ++right) {
    api_.review(needed_[right], {},
                [this, right](std::optional<bool> allowed) { answered(right, allowed); });
  }
}

void Rights::review_by_name() {
  std::vector<std::pair<size_t, std::string>> asked;
  for (size_t right = 0; right < needed_.size() && !unanswered_; ++right) {
    if (!missing_[right]) continue;
    for (std::string& object : objects_(needed_[right]))
      asked.emplace_back(right, std::move(object));
  }
  if (asked.empty()) return finished();
  by_name_ = true;
  open_ = asked.size();
  for (const auto& [right, object] : asked) {
    missing_[right] = false;
    api_.review(needed_[right], object,
                [this, right = right](std::optional<bool> allowed) { answered(right, allowed); });
  }
}

void Rights::refused() {
  if (open_ > 0 || soon_.running()) return;
  const uint64_t since_ms = (host_.now_ns() - begun_ns_) / 1000000;
  const uint64_t wait_ms = since_ms < review_refused_ms ? review_refused_ms - since_ms : 0;
  soon_.start(wait_ms, [this] { review(); });
}

void Rights::answered(size_t right, std::optional<bool> allowed) {
  unanswered_ |= !allowed.has_value();
  if (allowed && !*allowed) missing_[right] = true;
  if (--open_ > 0) return;
  by_name_ ? finished() : review_by_name();
}

void Rights::finished() {
  if (unanswered_) {
    plan(review_missing_ms);
    return;
  }
  std::vector<Right> missing;
  for (size_t i = 0; i < needed_.size(); ++i) {
    if (missing_[i]) missing.push_back(needed_[i]);
  }
  const std::string message =
      missing.empty() ? "" : forbidden_message(missing, api_.pod_namespace());
  if (!missing.empty() && std::exchange(doubted_, message) != message) {
    again_.start(review_doubt_ms, [this] { review(); });
    return;
  }
  show(missing, message);
  plan(missing.empty() ? every_ms_ : std::min(every_ms_, review_missing_ms));
}

void Rights::show(const std::vector<Right>& missing, const std::string& message) {
  const bool fewer = missing.size() < std::exchange(told_missing_, missing.size());
  const bool other = std::exchange(told_, message) != message;
  doubted_ = message;
  if (missing.empty()) {
    if (other) host_.clear_problem({}, "rights-missing");
    if (other) host_.log(VR_INFO, {}, "all rights are there");
  } else {
    const bool blocking = std::any_of(missing.begin(), missing.end(),
                                      [](const Right& right) { return right.blocking; });
    if (blocking) {
      host_.set_blocking({}, "rights-missing", message);
    } else {
      host_.set_degraded({}, "rights-missing", message);
    }
    if (other) host_.log(blocking ? VR_ERROR : VR_WARNING, {}, "{}", message);
  }
  if (fewer) given_();
}

void Rights::plan(uint64_t after_ms) {
  again_.start(after_ms - after_ms / 10 + random_between(0, after_ms / 5), [this] { review(); });
}

}  // namespace reconciler
