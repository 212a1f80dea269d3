// A group's decisions in the count of those who stamped before this program began to count, and the patience with which a
// settled decision goes above one that stands before it by a mere count. README.md has the reasons.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "plugins/count_ahead.h"
#include "plugins/host.h"
#include "plugins/kubernetes/known_decisions.h"

namespace reconciler {

// Owned by whatever publishes one group, and driven by it: told() with each topology, learn() before each decision,
// takes_over() where that is to stand down.
class DecisionCount {
 public:
  // `look_again`: both sides have stood for long, if nothing changed meanwhile.
  DecisionCount(Host host, std::string group, std::function<void()> look_again);

  // What a topology's decision is in the stamps' count, as far as is known.
  Decision told(const Decision& decision);

  // The stamps may know the very decision under a higher era or step: then `wanted` takes that.
  void learn(Wanted& wanted, const std::optional<HighestStamp>& highest);

  // Whether `wanted` went above what stands before it: both sides have stood so for long.
  bool takes_over(Wanted& wanted, const std::optional<HighestStamp>& highest);
  void forget_behind();

  // For people, to be added to why it stands down; empty where that won't change by itself.
  std::string patience() const;

 private:
  void count_as(Wanted& wanted, const Decision& known);

  Host host_;
  const std::string group_;
  const std::function<void()> look_again_;
  Decision told_;
  CountAhead ahead_;

  // What stands above the newest topology by a mere count, and since when.
  struct Behind {
    Claim wanted;
    Claim known;
    uint64_t since_ns = 0;
  };
  std::optional<Behind> behind_;
  Timer timer_;
};

}  // namespace reconciler
