// What one decision of a TopologyBuilder looks at, and what it has come to. For its own sources alone: topology_builder.cpp,
// topology_rules.cpp and unsettled_rules.cpp.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/sentinel_watcher/topology_builder.h"

namespace reconciler {

// The address that most of some views name; the first of equals.
struct Tally {
  const Endpoint* primary = nullptr;  // null: there are no views
  std::size_t votes = 0;
  std::size_t views = 0;

  bool more_than_half() const { return votes * 2 > views; }
};

using Views = std::vector<const SentinelView*>;

template <typename Condition>
Views those(const Views& views, Condition condition) {
  Views chosen;
  std::copy_if(views.begin(), views.end(), std::back_inserter(chosen), condition);
  return chosen;
}

// Its Sentinel neither sees a failover nor has a reason to begin one.
bool is_untroubled(const SentinelView& view);

// `2 of 3 Sentinels name it under epoch 7`.
std::string votes_in_words(std::size_t votes, std::size_t known, uint64_t epoch);

struct TopologyBuilder::Round {
  const Picture& picture;
  const Aliases& aliases;
  Views usable = {};
  Views newest = {};   // of the usable, those under the highest epoch
  uint64_t epoch = 0;  // that one
  bool persists = false;
  Verdict verdict = {};

  // Leaves out a primary that calls itself a replica (demoted, RESET in the midst of a failover, a name that could not be
  // resolved), and a Sentinel in tilt that is behind.
  void sort_views();

  bool is_majority(std::size_t count) const { return count * 2 > picture.known; }
  std::size_t votes_for(const Endpoint& primary, const Views& views) const;
  Tally tally(const Views& views) const;

  InstanceRole::Role role_of(const Endpoint& instance, Milliseconds not_before = 0) const;
  void want_role(const Endpoint& instance);

  void look_again_after(Milliseconds time) {
    verdict.look_again =
        std::min(verdict.look_again.value_or(time), std::max<Milliseconds>(time, 1));
  }
  void doubt(std::string id, std::string message, ipc::Severity severity, Milliseconds patience) {
    verdict.doubts.push_back({std::move(id), std::move(message), severity, patience});
  }
};

}  // namespace reconciler
