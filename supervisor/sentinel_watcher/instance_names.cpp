#include "supervisor/sentinel_watcher/instance_names.h"

#include <utility>
#include <vector>

namespace reconciler {

namespace {

// Each of a thousand groups has some; more are a Sentinel's that says another one each time.
constexpr std::size_t most_names = 10'000;

}  // namespace

InstanceNames::InstanceNames(uv_loop_t* loop, Milliseconds resolve_interval,
                             std::function<void()> found)
    : loop_(loop), resolve_interval_(resolve_interval), found_(std::move(found)) {}

void InstanceNames::compare(const Endpoint& one, const Endpoint& other) {
  if (one.host == other.host || (is_address(one.host) && is_address(other.host))) return;
  look_up(one);
  look_up(other);
}

void InstanceNames::look_up(const Endpoint& endpoint) {
  if (is_address(endpoint.host)) return;
  if (names_.size() >= most_names && !names_.contains(endpoint.host)) return;
  const uint64_t now = uv_now(loop_);
  Name& name = names_[endpoint.host];
  if (name.lookup && now - name.begun < static_cast<uint64_t>(resolve_interval_)) return;
  if (!name.lookup) name.lookup = std::make_unique<HostLookup>(loop_, endpoint);
  name.begun = now;
  aliases_.looking_up(endpoint.host);
  name.lookup->start([this, host = endpoint.host](const Result<std::vector<SocketAddress>>& found) {
    std::vector<std::string> addresses;
    if (found) {
      for (const SocketAddress& address : *found) addresses.push_back(address.endpoint.host);
    }
    aliases_.found(host, std::move(addresses));
    found_();
  });
}

}  // namespace reconciler
