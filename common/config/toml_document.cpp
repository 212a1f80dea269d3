#include "common/config/toml_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <optional>
#include <sstream>
#include <toml.hpp>
#include <tuple>
#include <utility>
#include <variant>

#include "common/config/toml_bounds.h"
#include "common/text.h"

namespace reconciler {

namespace {

using Node = toml::value;

// What a parser complains of. `column` counts bytes; a line of 0 means that the parser did not say where.
struct SyntaxError {
  std::size_t line = 0;
  std::size_t column = 0;
  std::string title;
};

#if TOML11_VERSION_MAJOR >= 4

const std::string& string_of(const Node& node) { return node.as_string(); }

SyntaxError place_of(const Node& node) {
  const toml::source_location location = node.location();
  return {location.first_line_number(), location.first_column_number(), {}};
}

std::variant<Node, SyntaxError> parse_with_toml11(std::istream& input, const std::string& file) {
  auto parsed = toml::try_parse(input, file);
  if (parsed.is_ok()) return std::move(parsed.unwrap());
  // The first error is the cause, the others follow from it. Of its places the last in the file is where it went wrong.
  const toml::error_info& first = parsed.unwrap_err().at(0);
  SyntaxError error{0, 0, first.title()};
  for (const auto& [location, comment] : first.locations()) {
    if (location.file_name() != file) continue;  // an unpacked escape is "internal temporary"
    const std::pair place(location.first_line_number(), location.first_column_number());
    if (place > std::pair(error.line, error.column)) std::tie(error.line, error.column) = place;
  }
  return error;
}

#else

const std::string& string_of(const Node& node) { return node.as_string().str; }

SyntaxError place_of(const Node& node) {
  const toml::source_location location = node.location();
  return {location.line(), location.column(), {}};
}

// toml11 3 tells the places of an error in its text alone: a line ` 12 | the line`, then one with `^` or `~` below the column.
SyntaxError read_report(const std::string& report) {
  SyntaxError error;
  std::istringstream lines(report);
  std::getline(lines, error.title);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t bar = line.find(" | ");
    if (bar == std::string::npos) continue;
    const std::string_view margin = trim(std::string_view(line).substr(0, bar));
    if (!margin.empty() && margin.find_first_not_of("0123456789") == std::string_view::npos) {
      number = std::stoul(std::string(margin));
    } else if (margin.empty() && number != 0) {
      const std::size_t mark = line.find_first_of("^~", bar);
      if (mark == std::string::npos) continue;
      const std::pair place(number, mark - bar - 2);
      if (place > std::pair(error.line, error.column)) std::tie(error.line, error.column) = place;
      number = 0;
    }
  }
  return error;
}

std::variant<Node, SyntaxError> parse_with_toml11(std::istream& input, const std::string& file) {
  try {
    return toml::parse(input, file);
  } catch (const std::exception& error) {
    return read_report(error.what());
  }
}

#endif

const Node& node_of(const void* node) { return *static_cast<const Node*>(node); }

// `[error] toml::parse_array: missing separator` without what is of no use to a reader.
std::string_view plain(std::string_view title) {
  for (const std::string_view prefix : {"[error] ", "toml::"}) {
    if (title.starts_with(prefix)) title.remove_prefix(prefix.size());
  }
  const std::size_t colon = title.find(": ");
  if (colon != std::string_view::npos && title.find(' ') > colon) title.remove_prefix(colon + 2);
  while (title.ends_with('.')) title.remove_suffix(1);
  return title;
}

// The key that a line sets or the table that it begins; empty where it does neither.
std::string_view key_of(std::string_view line) {
  line = trim(line);
  if (line.starts_with('[')) {
    const std::size_t first = line.find_first_not_of('[');
    const std::size_t end = line.find_first_of("] \t#\"'", first);
    return first == std::string_view::npos ? line : line.substr(first, end - first);
  }
  const std::size_t end = line.find_first_of("= \t");
  const std::string_view key = line.substr(0, end);
  for (const char c : key) {
    const bool bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-' || c == '.';
    if (!bare) return {};
  }
  return end == std::string_view::npos ? std::string_view() : key;
}

// What would have been right on a line that is no TOML.
std::string_view expectation(std::string_view line, std::string_view title) {
  line = trim(line);
  if (title.find("already") != std::string_view::npos) return "expected it once";
  const std::size_t equals = line.find('=');
  if (line.starts_with('[')) return "expected [table] or [[table]]";
  if (equals == std::string_view::npos) return "expected KEY = VALUE";
  const std::string_view value = trim(line.substr(equals + 1));
  if (value.empty()) return "expected a value after '='";
  if (value.starts_with('"') &&
      (value.size() == 1 || value.find('"', 1) == std::string_view::npos)) {
    return "expected a closing quote on the same line";
  }
  if (value.starts_with('{') && value.find('}') == std::string_view::npos) {
    return "expected the closing '}' on the same line";
  }
  if ((value[0] >= 'a' && value[0] <= 'z') || (value[0] >= 'A' && value[0] <= 'Z')) {
    return "expected a text in quotes, a number, true or false";
  }
  return "expected KEY = VALUE, [table] or [[table]], each on a line of its own";
}

}  // namespace

Place place_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t newline = before.rfind('\n');
  const std::string_view line =
      newline == std::string_view::npos ? before : before.substr(newline + 1);
  const auto characters = std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  });
  return {static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<std::size_t>(characters) + 1};
}

std::string_view describe(TomlValue::Kind kind) {
  switch (kind) {
    case TomlValue::Kind::string:
      return "a text";
    case TomlValue::Kind::integer:
      return "an integer";
    case TomlValue::Kind::boolean:
      return "a boolean";
    case TomlValue::Kind::floating:
      return "a number with a point";
    case TomlValue::Kind::time:
      return "a date or time";
    case TomlValue::Kind::array:
      return "a list";
    case TomlValue::Kind::table:
      break;
  }
  return "a table";
}

TomlValue::Kind TomlValue::kind() const {
  switch (node_of(node_).type()) {
    case toml::value_t::string:
      return Kind::string;
    case toml::value_t::integer:
      return Kind::integer;
    case toml::value_t::boolean:
      return Kind::boolean;
    case toml::value_t::floating:
      return Kind::floating;
    case toml::value_t::array:
      return Kind::array;
    case toml::value_t::table:
      return Kind::table;
    case toml::value_t::offset_datetime:
    case toml::value_t::local_datetime:
    case toml::value_t::local_date:
    case toml::value_t::local_time:
    case toml::value_t::empty:
      break;
  }
  return Kind::time;
}

Place TomlValue::place() const {
  const SyntaxError at = place_of(node_of(node_));
  return {at.line, place_at(document_->line(at.line), at.column - 1).column};
}

const std::string& TomlValue::file() const { return document_->file(); }
const std::string& TomlValue::string() const { return string_of(node_of(node_)); }
int64_t TomlValue::integer() const { return node_of(node_).as_integer(); }
bool TomlValue::boolean() const { return node_of(node_).as_boolean(); }

std::vector<TomlValue> TomlValue::items() const {
  std::vector<TomlValue> out;
  for (const Node& item : node_of(node_).as_array()) out.push_back(TomlValue(document_, &item));
  return out;
}

std::vector<std::string> TomlValue::keys() const {
  std::vector<std::string> out;
  for (const auto& [key, value] : node_of(node_).as_table()) out.push_back(key);
  std::sort(out.begin(), out.end());
  return out;
}

bool TomlValue::has(const std::string& key) const {
  return node_of(node_).as_table().count(key) != 0;
}

TomlValue TomlValue::at(const std::string& key) const {
  const auto& table = node_of(node_).as_table();
  const auto found = table.find(key);
  if (found == table.end()) abort_with("a key of a TOML table that is not there");
  return TomlValue(document_, &found->second);
}

Place TomlValue::key_place(const std::string& key) const {
  // toml11 knows where the value is; its key stands before it, if it stands on that line at all.
  const SyntaxError value = place_of(node_of(at(key).node_));
  const std::string_view line = document_->line(value.line);
  const std::size_t before = line.substr(0, value.column - 1).rfind(key);
  if (key.empty() || before == std::string_view::npos) return at(key).place();
  return {value.line, place_at(line, before).column};
}

struct TomlDocument::Tree {
  Node root;
};

TomlDocument::TomlDocument(std::string text, std::string file)
    : text_(std::move(text)), file_(std::move(file)) {}
TomlDocument::~TomlDocument() = default;

TomlValue TomlDocument::root() const { return TomlValue(this, &tree_->root); }

std::string_view TomlDocument::line(std::size_t number) const {
  std::string_view rest = text_;
  for (std::size_t i = 1; i < number; ++i) {
    rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
  }
  return rest.substr(0, rest.find('\n'));
}

Result<std::unique_ptr<TomlDocument>> TomlDocument::parse(std::string text, std::string file) {
  if (const auto bounded = check_toml_bounds(text, file); !bounded) return bounded.error();
  std::unique_ptr<TomlDocument> document(new TomlDocument(std::move(text), std::move(file)));
  std::istringstream input(document->text_);
  auto parsed = parse_with_toml11(input, document->file_);
  if (const auto* error = std::get_if<SyntaxError>(&parsed)) {
    const std::string_view line = document->line(error->line);
    const std::string_view key = key_of(line);
    const std::size_t column = std::clamp<std::size_t>(error->column, 1, line.size() + 1);
    return Error(fmt::format(
        "{}:{}:{}: {}{}no valid TOML: {}; {}", document->file_,
        std::max<std::size_t>(error->line, 1), place_at(line, column - 1).column, printable(key),
        key.empty() ? "" : ": ", printable(plain(error->title)), expectation(line, error->title)));
  }
  document->tree_ = std::make_unique<Tree>(Tree{std::get<Node>(std::move(parsed))});
  return document;
}

}  // namespace reconciler
