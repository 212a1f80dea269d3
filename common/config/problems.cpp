#include "common/config/problems.h"

#include <fmt/format.h>

#include <algorithm>

namespace reconciler {

std::string to_string(const Where& where) {
  if (where.place == Place{}) return where.source;
  return fmt::format("{}:{}:{}", where.source, where.place.line, where.place.column);
}

void Problems::add(const Where& where, std::string_view key, std::string_view message) {
  if (full()) return leave_out();
  entries_.push_back(
      {where, fmt::format("{}: {}{}{}", to_string(where), key, key.empty() ? "" : ": ", message)});
}

Error Problems::error() const {
  std::vector<Entry> sorted = entries_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Entry& a, const Entry& b) { return a.where < b.where; });
  std::string text;
  for (const Entry& entry : sorted) text += (text.empty() ? "" : "\n") + entry.text;
  if (left_out_ > 0) text += fmt::format("\n... and {} more", left_out_);
  return Error(text);
}

}  // namespace reconciler
