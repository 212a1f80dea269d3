// Words, tables and colours for a person at a terminal. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reconciler::command_line {

enum class Tone : uint8_t { plain, good, bad, doubtful, heading };

// One text in one tone. What came from outside is made printable here, and nowhere else.
struct Words {
  Words(std::string_view outside, Tone as = Tone::plain);  // NOLINT: implicit on purpose
  Words(const char* text, Tone as = Tone::plain);          // NOLINT: implicit on purpose
  Words(const std::string& text, Tone as = Tone::plain);   // NOLINT: implicit on purpose

  std::string text;
  Tone tone;
};

std::string painted(const Words& words, bool color);

// Columns of their widest cell, two spaces apart; the last one is as wide as it likes.
class Table {
 public:
  explicit Table(const std::vector<std::string>& headings);
  void add(std::vector<Words> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.size() == 1; }
  std::string text(bool color) const;

 private:
  std::vector<std::vector<Words>> rows_;
};

// Microseconds since 1970 of `2026-11-23T15:45:49.123456Z`; nothing where it is no such time.
std::optional<int64_t> parse_time(std::string_view text);

// `340 ms`, `12 s`, `7 min`, `3 h`, `4 d`.
std::string duration(double seconds);

}  // namespace reconciler::command_line
