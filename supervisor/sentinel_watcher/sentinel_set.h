// A set of Sentinels that watch the same groups: who is heard and asked when.
#pragma once

#include <uv.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/config/configuration.h"
#include "common/topology.h"
#include "common/uv/handle.h"
#include "supervisor/sentinel_watcher/access.h"
#include "supervisor/sentinel_watcher/explanation.h"
#include "supervisor/sentinel_watcher/group_watch.h"
#include "supervisor/sentinel_watcher/instance_names.h"
#include "supervisor/sentinel_watcher/reports.h"
#include "supervisor/sentinel_watcher/sentinel.h"
#include "supervisor/sentinel_watcher/sentinel_roster.h"

namespace reconciler {

// Driven by its roster, timers and Sentinels; owned by the Watcher.
class SentinelSet {
 public:
  SentinelSet(uv_loop_t* loop, const SentinelSettings& settings, Reports& reports);
  ~SentinelSet();
  SentinelSet(const SentinelSet&) = delete;
  SentinelSet& operator=(const SentinelSet&) = delete;

  void start();

  // Null where the group isn't one of this set.
  GroupWatch* group(std::string_view name);

  void add_gauges(std::vector<ipc::Gauge>& gauges) const;
  void add_states(std::vector<SentinelState>& states) const;

 private:
  struct Member {
    explicit Member(uv_loop_t* loop) : poll(loop) {}

    std::unique_ptr<Sentinel> sentinel;
    uv::Timer poll;
    std::size_t unasked = 0;     // groups of which everything is to be asked anew: the last so many
    std::size_t next_group = 0;  // to be polled
    std::size_t next_for_peers = 0;  // the group whose other Sentinels are asked for, if it has one
    bool asked_for_peers = false;
    bool ask_for_peers_again = false;  // somebody came while they were asked for
    bool tilt = false;
    std::optional<uint64_t> unwanted_since;  // it is not on the roster any more
  };

  // Takes up the Sentinels that there should be, and forgets those that are gone for long.
  void gather();
  void count();
  void identify_all();
  void identify(Member& member, const std::vector<SocketAddress>& wanted);
  void add(const SocketAddress& address);
  void forget(std::size_t place, const char* why);
  const Member* member(const Endpoint& endpoint) const;

  void fresh(Member& member);
  void ask_some(Member& member);
  void lost(Member& member);
  bool set_tilt(Member& member, bool tilt);
  void heard(Member& member, const SentinelEvent& event);
  void flush_all();
  void poll(Member& member);
  void ask_id(Member& member);
  void ask_for_peers(Member& member) { ask_for_peers(member, groups_.size()); }
  void ask_for_peers(Member& member, std::size_t tries);
  GroupWatch* group_for_peers(Member& member);

  uv_loop_t* loop_;
  const SentinelSettings settings_;  // without its groups, which know themselves
  Reports& reports_;
  Access access_;
  Access instance_access_;
  InstanceNames names_;
  const GroupWatch::Shared shared_;
  std::vector<std::unique_ptr<GroupWatch>> groups_;  // sorted by name
  std::vector<std::unique_ptr<Member>> members_;     // goes before the groups, which they call
  SentinelRoster roster_;
  uv::Timer discovery_timer_;
};

}  // namespace reconciler
