#include "supervisor/sentinel_watcher/doubts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace reconciler {

namespace {

using Standing = SentinelView::Standing;
using ipc::Severity;

std::string names(const SentinelView& view) {
  return fmt::format("Sentinel {} names {} under epoch {}", view.sentinel, to_string(view.primary),
                     view.epoch);
}

std::string join(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, "; "));
}

// The views by what is wrong with them, in words.
struct Sorted {
  std::vector<std::string> behind;
  std::vector<std::string> differing;  // under the newest epoch, and not the current primary
  std::vector<std::string> replicas;
  std::vector<std::string> refusals;
  std::vector<std::string> without_group;
  std::size_t heard = 0;
  std::size_t answering = 0;
  std::size_t usable = 0;
};

uint64_t newest_epoch(std::span<const SentinelView> views, const Topology* current) {
  uint64_t newest = current != nullptr ? current->decision.epoch : 0;
  for (const SentinelView& view : views) {
    if (view.standing == Standing::answered && !view.reported_replica)
      newest = std::max(newest, view.epoch);
  }
  return newest;
}

// Before anything is known, those that name one and the same do not differ.
const Endpoint* expected_primary(std::span<const SentinelView> views, const Topology* current,
                                 uint64_t newest) {
  if (current != nullptr) return &current->primary;
  const auto first = std::find_if(views.begin(), views.end(), [&](const SentinelView& view) {
    return view.standing == Standing::answered && !view.reported_replica && view.epoch == newest;
  });
  return first == views.end() ? nullptr : &first->primary;
}

Sorted sort(const DoubtfulPicture& doubtful, uint64_t newest) {
  const auto& views = doubtful.picture.views;
  const Topology* current = doubtful.current;
  const Endpoint* expected = expected_primary(views, current, newest);
  Sorted sorted;
  for (const SentinelView& view : views) {
    if (view.standing > Standing::unheard) ++sorted.heard;
    if (view.standing == Standing::unknown_group) sorted.without_group.emplace_back(view.sentinel);
    if (view.standing == Standing::refused) {
      sorted.refusals.push_back(fmt::format("Sentinel {}: {}", view.sentinel, view.refusal));
    }
    if (view.standing != Standing::answered) continue;
    ++sorted.answering;
    if (view.reported_replica) {
      sorted.replicas.push_back(names(view));
      continue;
    }
    ++sorted.usable;
    if (view.epoch < newest) {
      sorted.behind.push_back(names(view));
    } else if (expected != nullptr && !doubtful.aliases.same(view.primary, *expected)) {
      sorted.differing.push_back(names(view));
    }
  }
  return sorted;
}

Doubt about_reach(const Sorted& sorted, std::size_t known, const Topology* current) {
  if (sorted.answering == 0) {
    std::string message = sorted.heard == 0
                              ? fmt::format("none of {} Sentinels answers", known)
                              : fmt::format("none of {} Sentinels tells of the group", known);
    if (current != nullptr)
      message += fmt::format("; the primary stays {}", to_string(current->primary));
    return {"sentinels-out-of-reach", std::move(message), Severity::blocking, 1'000};
  }
  return {"sentinels-missing",
          fmt::format("only {} of {} Sentinels answer about the group: a failover is followed, but "
                      "no doubt can be "
                      "settled by majority",
                      sorted.answering, known),
          Severity::degraded, 3'000};
}

}  // namespace

std::vector<Doubt> find_doubts(const DoubtfulPicture& doubtful) {
  const Topology* current = doubtful.current;
  const std::size_t known = doubtful.picture.known;
  const uint64_t newest = newest_epoch(doubtful.picture.views, current);
  const Sorted sorted = sort(doubtful, newest);
  std::vector<Doubt> doubts;
  if (!sorted.behind.empty() && !doubtful.began_anew) {
    doubts.push_back(
        {"sentinel-behind",
         fmt::format("{}, older than epoch {}: not believed", join(sorted.behind), newest),
         Severity::degraded, 3'000});
  }
  if (doubtful.provisional) {
    doubts.push_back({"promotion-unconfirmed",
                      fmt::format("{} turned primary in a failover, and no Sentinel names it yet",
                                  to_string(current->primary)),
                      Severity::degraded, 3'000});
  } else if (!sorted.differing.empty()) {
    const std::string kept =
        current != nullptr ? fmt::format("{} under epoch {} stays until a majority says otherwise",
                                         to_string(current->primary), current->decision.epoch)
                           : "another one names another primary under the same epoch";
    doubts.push_back({"sentinels-disagree", fmt::format("{}; {}", join(sorted.differing), kept),
                      current != nullptr ? Severity::degraded : Severity::blocking, 3'000});
  }
  if (!sorted.replicas.empty()) {
    doubts.push_back({"primary-is-replica",
                      fmt::format("{}, which says of itself that it is a replica: not believed",
                                  join(sorted.replicas)),
                      Severity::degraded, 3'000});
  }
  if (!sorted.refusals.empty())
    doubts.push_back({"sentinel-answer", join(sorted.refusals), Severity::degraded, 0});
  if (!sorted.without_group.empty()) {
    doubts.push_back({"no-such-group",
                      fmt::format("unknown to Sentinel {}", fmt::join(sorted.without_group, ", ")),
                      sorted.usable == 0 ? Severity::blocking : Severity::degraded, 1'000});
  }
  if (sorted.answering * 2 <= known) doubts.push_back(about_reach(sorted, known, current));
  if (current == nullptr) {
    doubts.push_back({"primary-unknown", "the Sentinels have not told of a primary yet",
                      Severity::blocking, 1'000});
  }
  return doubts;
}

}  // namespace reconciler
