// Which events of a connection are worth a line in the log: the first of a kind, then counts. No clock of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/config/configuration.h"

namespace reconciler {

// Driven and owned by a Sentinel. Times are milliseconds of a clock that only grows.
class ConnectionHistory {
 public:
  // `cannot reach Sentinel 10.0.0.7:26379`, and what comes behind the line.
  struct Line {
    bool warning = false;
    std::string remark;  // ` (37 times)`, ` again after 12.3 s`; mostly empty
  };

  // An attempt failed, or the connection was lost.
  std::optional<Line> failed(const std::string& cause, Milliseconds now);

  // All is well; the first time at once, later when it has been so for `settled_after`.
  std::optional<Line> came_up(Milliseconds now);

  bool was_ever_up() const { return ever_up_; }

 private:
  bool ever_up_ = false;
  bool trouble_said_ = false;  // the last line was about trouble
  std::optional<Milliseconds> trouble_since_;
  std::optional<Milliseconds> last_said_;  // a line about trouble
  std::string last_cause_;
  uint64_t unsaid_ = 0;  // failures since that line
};

// A connection that ends sooner is not worth a line.
constexpr Milliseconds settled_after = 1'000;
// The same trouble is said again after this, another cause after that.
constexpr Milliseconds reminder_interval = 60'000;
constexpr Milliseconds new_cause_interval = 5'000;

}  // namespace reconciler
