#include "supervisor/sentinel_watcher/shown_doubts.h"

#include <algorithm>
#include <utility>

#include "common/log.h"

namespace reconciler {

namespace {

// A doubt that is a problem at once, such as that at every start, is no line of the log before this.
constexpr Milliseconds log_patience = 1'000;

}  // namespace

std::optional<Milliseconds> ShownDoubts::show(Entry& entry, const std::string& group,
                                              Milliseconds lasted, Reports& reports) {
  const Doubt& doubt = entry.doubt;
  if (lasted < doubt.patience) return doubt.patience - lasted;
  entry.shown = true;
  reports.problem_set(group, doubt.id, doubt.message, doubt.severity);
  if (entry.logged) return {};
  if (lasted < log_patience) return log_patience - lasted;
  entry.logged = true;
  log::warning(doubt.message, {.group = group});
  return {};
}

std::optional<Milliseconds> ShownDoubts::update(const std::string& group, std::vector<Doubt> doubts,
                                                Milliseconds now, Reports& reports) {
  std::vector<Entry> entries;
  std::optional<Milliseconds> next;
  for (Doubt& doubt : doubts) {
    const auto before = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return entry.doubt.id == doubt.id;
    });
    Entry entry{{}, now};
    if (before != entries_.end()) {
      entry = std::move(*before);
      entries_.erase(before);
    }
    entry.doubt = std::move(doubt);
    if (const auto wait = show(entry, group, now - entry.since, reports))
      next = std::min(next.value_or(*wait), *wait);
    entries.push_back(std::move(entry));
  }
  for (const Entry& gone : entries_) {
    if (gone.shown) reports.problem_clear(group, gone.doubt.id);
    if (gone.logged) log::info("no longer so: " + gone.doubt.message, {.group = group});
  }
  entries_ = std::move(entries);
  return next;
}

}  // namespace reconciler
