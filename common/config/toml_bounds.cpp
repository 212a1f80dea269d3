#include "common/config/toml_bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "common/config/toml_document.h"
#include "common/text.h"

namespace reconciler {

namespace {

// How many bytes of `line` are UTF-8 before the first that is not.
std::size_t utf8_prefix(std::string_view line) {
  std::size_t good = line.size();
  while (!is_utf8(line.substr(0, good))) --good;
  return good;
}

// The first control character of `line`, but for a tab and the CR of a line end. TOML forbids them all.
std::size_t find_control(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto found = std::find_if(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
  });
  return found == line.end() ? std::string_view::npos
                             : static_cast<std::size_t>(found - line.begin());
}

// Walks over TOML as far as is needed to count brackets and the dots of keys outside strings and comments. Where the text is no
// TOML, the parser stops at that point, and what this class thinks of the rest does not matter.
class NestingScan {
 public:
  explicit NestingScan(std::string_view text) : rest_(text) {}

  // Where the text nests deeper than is allowed: how many bytes are left from there, else nothing.
  std::optional<std::size_t> find_too_deep() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
        continue;
      }
      if (c == '[' || c == '{') ++brackets_;
      if ((c == ']' || c == '}') && brackets_ > 0) --brackets_;
      if (c == '.') ++dots_;
      if (c == '=' || c == ',' || c == '{' || c == '\n') dots_ = 0;
      if (brackets_ > deepest_nesting || dots_ > deepest_nesting) return rest_.size();
      rest_.remove_prefix(1);
    }
    return std::nullopt;
  }

 private:
  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool many_lines = rest_.starts_with(three);
    rest_.remove_prefix(many_lines ? 3 : 1);
    while (!rest_.empty()) {
      if (quote == '"' && rest_.front() == '\\') {
        rest_.remove_prefix(std::min<std::size_t>(2, rest_.size()));
      } else if (many_lines && rest_.starts_with(three)) {
        rest_.remove_prefix(3);
        // Up to two quotes before the closing three belong to the string.
        while (rest_.starts_with(quote)) rest_.remove_prefix(1);
        return;
      } else if (!many_lines && (rest_.front() == quote || rest_.front() == '\n')) {
        if (rest_.front() == quote) rest_.remove_prefix(1);
        return;
      } else {
        rest_.remove_prefix(1);
      }
    }
  }

  std::string_view rest_;
  std::size_t brackets_ = 0;
  std::size_t dots_ = 0;
};

}  // namespace

Result<void> check_toml_bounds(std::string_view text, const std::string& file) {
  if (text.size() > largest_file) {
    return Error(fmt::format("{}: is larger than 1 MiB; expected at most {} bytes of TOML", file,
                             largest_file));
  }
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t length = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, length);
    ++number;
    const auto wrong = [&](std::size_t offset, std::string_view what) {
      return Error(fmt::format("{}:{}:{}: {}", file, number, place_at(line, offset).column, what));
    };
    if (number > most_lines) {
      return wrong(0, fmt::format("the file is too long; expected at most {} lines", most_lines));
    }
    if (length > longest_line) {
      return wrong(0,
                   fmt::format("the line has {} bytes; expected at most {}", length, longest_line));
    }
    if (const std::size_t control = find_control(line); control != std::string_view::npos) {
      return wrong(control,
                   fmt::format("is no text: control character 0x{:02x}; expected TOML in UTF-8",
                               static_cast<unsigned char>(line[control])));
    }
    if (const std::size_t good = utf8_prefix(line); good < length) {
      return wrong(good,
                   fmt::format("is no text: byte 0x{:02x} is not UTF-8; expected TOML in UTF-8",
                               static_cast<unsigned char>(line[good])));
    }
    rest.remove_prefix(std::min(length + 1, rest.size()));
  }
  if (const auto left = NestingScan(text).find_too_deep()) {
    const Place place = place_at(text, text.size() - *left);
    return Error(
        fmt::format("{}:{}:{}: brackets or dotted keys nest too deep; expected at most {} levels",
                    file, place.line, place.column, deepest_nesting));
  }
  return {};
}

}  // namespace reconciler
