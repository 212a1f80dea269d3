// The doubts about one group, as problems and log lines: shown when they last, taken back when they are gone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "supervisor/sentinel_watcher/doubts.h"
#include "supervisor/sentinel_watcher/reports.h"

namespace reconciler {

// Owned by a GroupWatch, told after each decision. Times are milliseconds of a clock that only grows.
class ShownDoubts {
 public:
  // Gives how long until a doubt that is there now has lasted long enough for the next step.
  std::optional<Milliseconds> update(const std::string& group, std::vector<Doubt> doubts,
                                     Milliseconds now, Reports& reports);

  struct Entry {
    Doubt doubt;
    Milliseconds since = 0;
    bool shown = false;
    bool logged = false;
  };
  // Those that are there, shown or not yet.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  static std::optional<Milliseconds> show(Entry& entry, const std::string& group,
                                          Milliseconds lasted, Reports& reports);

  std::vector<Entry> entries_;
};

}  // namespace reconciler
