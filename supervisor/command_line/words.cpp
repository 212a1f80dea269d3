#include "supervisor/command_line/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "common/text.h"

namespace reconciler::command_line {

namespace {

std::string_view escape_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::good:
      return "\x1b[32m";
    case Tone::bad:
      return "\x1b[31m";
    case Tone::doubtful:
      return "\x1b[33m";
    case Tone::heading:
      break;
  }
  return "\x1b[1m";
}

// Characters, of which a name in another script has fewer than bytes.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
  }));
}

}  // namespace

Words::Words(std::string_view outside, Tone as) : text(printable(outside)), tone(as) {}
Words::Words(const char* shown, Tone as) : Words(std::string_view(shown), as) {}
Words::Words(const std::string& shown, Tone as) : Words(std::string_view(shown), as) {}

std::string painted(const Words& words, bool color) {
  if (!color || words.tone == Tone::plain || words.text.empty()) return words.text;
  return fmt::format("{}{}\x1b[0m", escape_of(words.tone), words.text);
}

Table::Table(const std::vector<std::string>& headings) {
  auto& row = rows_.emplace_back();
  for (const std::string& heading : headings) row.emplace_back(heading, Tone::heading);
}

std::string Table::text(bool color) const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(row[i].text));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += (i == 0 ? "  " : "") + painted(row[i], color);
      if (i + 1 < row.size()) line.append(widths[i] - width(row[i].text) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::optional<int64_t> parse_time(std::string_view text) {
  const std::string whole(text);
  std::tm time{};
  const char* rest = ::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (rest == nullptr || *rest != '.') return std::nullopt;
  int64_t fraction = 0;
  int digits = 0;
  for (++rest; *rest >= '0' && *rest <= '9' && digits < 6; ++rest, ++digits)
    fraction = fraction * 10 + (*rest - '0');
  if (digits != 6 || *rest != 'Z') return std::nullopt;
  return int64_t{::timegm(&time)} * 1'000'000 + fraction;
}

std::string duration(double seconds) {
  if (seconds < 0) seconds = 0;
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1'000);
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7'200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{:.0f} h", seconds / 3'600);
  return fmt::format("{:.0f} d", seconds / 86'400);
}

}  // namespace reconciler::command_line
