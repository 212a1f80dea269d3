// A set of Sentinels that watch the same groups: who belongs to it, and who is asked when.
#pragma once

#include <uv.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/config/configuration.h"
#include "common/topology.h"
#include "common/uv/handle.h"
#include "supervisor/sentinel_watcher/access.h"
#include "supervisor/sentinel_watcher/group_watch.h"
#include "supervisor/sentinel_watcher/host_lookup.h"
#include "supervisor/sentinel_watcher/reports.h"
#include "supervisor/sentinel_watcher/sentinel.h"

namespace reconciler {

// Driven by lookups, timers and its Sentinels; owned by the Watcher.
class SentinelSet {
 public:
  SentinelSet(uv_loop_t* loop, SentinelSettings settings, Reports& reports);
  ~SentinelSet();
  SentinelSet(const SentinelSet&) = delete;
  SentinelSet& operator=(const SentinelSet&) = delete;

  void start();

  // Null where the group isn't one of this set.
  GroupWatch* group(std::string_view name);

 private:
  struct Member {
    explicit Member(uv_loop_t* loop) : poll(loop) {}

    std::unique_ptr<Sentinel> sentinel;
    uv::Timer poll;
    std::size_t next_group = 0;              // to be polled
    std::optional<uint64_t> unwanted_since;  // no name leads to it any more
  };
  struct HostName {
    HostName(uv_loop_t* loop, Endpoint endpoint) : lookup(loop, std::move(endpoint)) {}

    HostLookup lookup;
    std::vector<SocketAddress> addresses;  // of the last lookup that succeeded
    bool looked_up = false;                // one ended, whatever the way
    bool failing = false;                  // the last one failed
  };

  void look_up(HostName& host);
  void look_up_soon();
  void looked_up(HostName& host, Result<std::vector<SocketAddress>> found);
  bool answers_by(const HostName& host, int family) const;
  // Takes up the Sentinels that there should be, and forgets those that are gone for long.
  void gather();
  void add(const SocketAddress& address);
  void forget(std::size_t place);
  void tell_number();

  void fresh(Member& member);
  void lost(Member& member);
  void heard(Member& member, const SentinelEvent& event);
  void poll(Member& member);

  uv_loop_t* loop_;
  const SentinelSettings settings_;
  Reports& reports_;
  Access access_;
  std::vector<std::unique_ptr<GroupWatch>> groups_;
  std::unordered_map<std::string_view, GroupWatch*> groups_by_name_;
  std::vector<SocketAddress> literals_;
  std::vector<std::unique_ptr<HostName>> hosts_;
  std::vector<std::unique_ptr<Member>> members_;  // goes before the groups, which they call
  uv::Timer look_up_timer_;
  uv::Timer look_up_soon_timer_;
};

}  // namespace reconciler
