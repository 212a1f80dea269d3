#include "supervisor/sentinel_watcher/instance_roles.h"

#include <algorithm>
#include <utility>

namespace reconciler {

namespace {

// A connection outlives its need for a while: what is unsure is often so again at once.
constexpr uint64_t linger_ms = 1'000;
// A group has few; a Sentinel that names another one with each word must not use up all descriptors.
constexpr std::size_t most_asked = 32;

}  // namespace

InstanceRoles::InstanceRoles(uv_loop_t* loop, const SentinelSettings& settings, Access& access,
                             std::function<void(const InstanceRole&)> heard)
    : loop_(loop), settings_(settings), access_(access), heard_(std::move(heard)), sweep_(loop) {}

void InstanceRoles::want(const std::vector<Endpoint>& instances) {
  for (Asked& asked : asked_) {
    const bool wanted = std::find(instances.begin(), instances.end(),
                                  asked.watch->role().instance) != instances.end();
    if (wanted) {
      asked.unwanted_since.reset();
    } else if (!asked.unwanted_since) {
      asked.unwanted_since = uv_now(loop_);
    }
  }
  for (const Endpoint& instance : instances) {
    const bool known = std::any_of(asked_.begin(), asked_.end(), [&](const Asked& asked) {
      return asked.watch->role().instance == instance;
    });
    if (known || asked_.size() >= most_asked) continue;
    auto watch =
        std::make_unique<InstanceWatch>(loop_, settings_, access_, instance, [this, instance] {
          const auto place = std::find_if(asked_.begin(), asked_.end(), [&](const Asked& asked) {
            return asked.watch->role().instance == instance;
          });
          if (!place->unwanted_since) heard_(place->watch->role());
        });
    watch->start();
    asked_.push_back({std::move(watch), {}});
  }
  // Not here: one of them may be what called.
  if (!asked_.empty() && !sweep_.active()) sweep_.start(linger_ms, [this] { sweep(); });
}

void InstanceRoles::sweep() {
  const uint64_t now = uv_now(loop_);
  std::erase_if(asked_, [&](const Asked& asked) {
    return asked.unwanted_since && now - *asked.unwanted_since >= linger_ms;
  });
  if (!asked_.empty()) sweep_.start(linger_ms, [this] { sweep(); });
}

std::vector<InstanceRole> InstanceRoles::roles() const {
  std::vector<InstanceRole> roles;
  roles.reserve(asked_.size());
  for (const Asked& asked : asked_) roles.push_back(asked.watch->role());
  return roles;
}

}  // namespace reconciler
