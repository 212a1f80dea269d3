// Keeps a line of the log from being written again and again: the first at once, then a count for each minute.
// Pure, but for the two functions at
// the end: the clock is an argument.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/log.h"

namespace reconciler::log {

// One line with the texts of its own. One that comes again is of the same level, message, group and target; it may differ
// in the numbers, and in its cause.
struct Line {
  Line(Level of_level, std::string_view of_message, const Fields& of_fields);
  // Fields that view this line's texts.
  Fields fields() const;
  bool repeats(const Line& other) const;
  // The same of another group, perhaps.
  bool is_like(const Line& other) const;

  Level level;
  std::string message;
  std::string group;
  std::string target;
  std::string error;
  std::optional<uint64_t> epoch;
  std::optional<uint64_t> revision;
  std::optional<int64_t> pid;
};

// A line that was held back, with the numbers that it had last.
struct Repeated {
  Line line;
  uint64_t count;
  int64_t seconds;  // within which
};

class Repetition {
 public:
  static constexpr int64_t window_ms = 60'000;
  static constexpr std::size_t most_remembered = 256;
  static constexpr std::size_t many_groups = 8;  // in the same trouble
  // Another cause is written at once, too. Some causes have a part that is never the same, such as a temporary file's name.
  static constexpr std::size_t most_causes = 3;

  // Whether the line is to be written now; else it is counted. What is due by then goes to `due`. Where as many are remembered
  // as may be, and of many groups such a line, those of further groups count as one, of no group.
  bool first(Line line, int64_t now_ms, std::vector<Repeated>& due);

  // Whose minute is over. A line that did not come again in it is forgotten, and is a first one then.
  std::vector<Repeated> due(int64_t now_ms);

  // All counts, and nothing is remembered any more.
  std::vector<Repeated> forget(int64_t now_ms);

 private:
  struct Remembered {
    Line line;
    int64_t since_ms;
    uint64_t count;
    std::vector<std::string> causes;  // that were written
  };

  // Of how many groups such a line is remembered.
  std::size_t groups_of(const Line& line) const;
  std::list<Remembered>::iterator find(const Line& line);
  static std::optional<Repeated> counted(Remembered& remembered, int64_t now_ms);

  std::list<Remembered> remembered_;  // by the begin of their minute, the oldest first
};

// Of this process's log, as render() of log.h; the count stands behind the message, as JSON in fields of its own.
std::string render(Format format, std::string_view process, int64_t unix_us,
                   const Repeated& repeated);

// Writes the counts whose minute is over. To be called once in a while, also while nothing happens.
void write_due_counts();

// Writes all counts, and whatever comes next is a first one: for the end of a process, and where a new chapter begins.
void write_all_counts();

}  // namespace reconciler::log
