#include "common/config/written.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "common/config/values.h"
#include "common/text.h"

namespace reconciler {

namespace {

using Kind = TomlValue::Kind;

bool bounded(Range range) {
  return range.minimum <= range.maximum && (range.minimum != 0 || range.maximum != 0);
}

// Whether the value has the type that is wanted; where it was written as text, the text tells later.
bool has_kind(const Written& written, Kind wanted, std::string_view expected, Problems& problems) {
  if (!written.in_file() || written.value()->kind() == wanted) return true;
  problems.add(written.where(), written.key(),
               fmt::format("is {}; expected {}", describe(written.value()->kind()), expected));
  return false;
}

void add(const Written& written, const Error& error, Problems& problems) {
  problems.add(written.where(), written.key(), error.message());
}

std::string any_of(const std::vector<std::string>& choices) {
  std::string out;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i != 0) out += i + 1 == choices.size() ? " or " : ", ";
    out += json_string(choices[i]);
  }
  return out;
}

template <typename Format>
bool in_range(const Written& written, int64_t value, Range range, Format format,
              Problems& problems) {
  if (!bounded(range) || (value >= range.minimum && value <= range.maximum)) return true;
  const std::string_view which = value < range.minimum ? "too small" : "too large";
  problems.add(written.where(), written.key(),
               fmt::format("{} is {}; expected {} to {}", written.shown(), which,
                           format(range.minimum), format(range.maximum)));
  return false;
}

}  // namespace

Written Written::in_file(std::string key, TomlValue value) {
  Written written;
  written.key_ = std::move(key);
  written.value_ = value;
  if (value.kind() == Kind::string) written.text_ = value.string();
  return written;
}

Written Written::as_text(std::string key, std::string source, std::string text) {
  Written written;
  written.key_ = std::move(key);
  written.source_ = std::move(source);
  written.text_ = std::move(text);
  return written;
}

Where Written::where() const {
  if (value_) return {value_->file(), value_->place()};
  return {source_, {}};
}

std::string Written::shown() const {
  if (hidden_) return "the value";
  if (!value_ || value_->kind() == Kind::string) return quote(text_);
  if (value_->kind() == Kind::integer) return std::to_string(value_->integer());
  if (value_->kind() == Kind::boolean) return value_->boolean() ? "true" : "false";
  return std::string(describe(value_->kind()));
}

std::optional<std::string> read_text(const Written& written, Problems& problems) {
  if (!has_kind(written, Kind::string, "a text in quotes", problems)) return std::nullopt;
  const std::string& text = written.text();
  std::string wrong;
  if (text.size() > longest_text) {
    wrong = fmt::format("has {} bytes; expected at most {}", text.size(), longest_text);
  } else if (text.find('\0') != std::string::npos) {
    wrong = "has a NUL character; expected text without it";
  } else if (!is_utf8(text)) {
    wrong = "is no text: it has bytes that are not UTF-8; expected UTF-8";
  }
  if (wrong.empty()) return text;
  problems.add(written.where(), written.key(), wrong);
  return std::nullopt;
}

std::optional<std::string> read_choice(const Written& written,
                                       const std::vector<std::string>& choices,
                                       Problems& problems) {
  auto text = read_text(written, problems);
  if (!text || std::find(choices.begin(), choices.end(), *text) != choices.end()) return text;
  const std::string suggestion = nearest(*text, choices);
  problems.add(
      written.where(), written.key(),
      fmt::format("is {};{} expected {}", written.shown(),
                  suggestion.empty() ? "" : fmt::format(" did you mean {}?", quote(suggestion)),
                  any_of(choices)));
  return std::nullopt;
}

std::optional<int64_t> read_integer(const Written& written, Range range, Problems& problems) {
  if (!has_kind(written, Kind::integer, "a whole number", problems)) return std::nullopt;
  const Result<int64_t> value = written.in_file() ? Result<int64_t>(written.value()->integer())
                                                  : parse_integer(written.text());
  if (!value) {
    add(written, value.error(), problems);
    return std::nullopt;
  }
  // toml11 3 makes the largest number of one that doesn't fit.
  if (*value == std::numeric_limits<int64_t>::max() ||
      *value == std::numeric_limits<int64_t>::min()) {
    problems.add(written.where(), written.key(),
                 "does not fit into 64 bits; expected a smaller number");
    return std::nullopt;
  }
  const auto format = [](int64_t bound) { return std::to_string(bound); };
  return in_range(written, *value, range, format, problems) ? std::optional(*value) : std::nullopt;
}

std::optional<bool> read_boolean(const Written& written, Problems& problems) {
  if (!has_kind(written, Kind::boolean, "true or false", problems)) return std::nullopt;
  if (written.in_file()) return written.value()->boolean();
  if (written.text() == "true") return true;
  if (written.text() == "false") return false;
  problems.add(written.where(), written.key(),
               fmt::format("is {}; expected true or false", written.shown()));
  return std::nullopt;
}

std::optional<Milliseconds> read_duration(const Written& written, Range range, Problems& problems) {
  if (!has_kind(written, Kind::string,
                R"(a duration in quotes such as "250ms", "10s", "5m" or "1h")", problems)) {
    return std::nullopt;
  }
  const Result<Milliseconds> value = parse_duration(written.text());
  if (!value) {
    add(written, value.error(), problems);
    return std::nullopt;
  }
  return in_range(written, *value, range, format_duration, problems) ? std::optional(*value)
                                                                     : std::nullopt;
}

std::optional<std::vector<Written>> read_list(const Written& written, Problems& problems) {
  if (!has_kind(written, Kind::array, "a list of texts in quotes", problems)) return std::nullopt;
  const std::vector<TomlValue> in_file =
      written.in_file() ? written.value()->items() : std::vector<TomlValue>();
  const std::vector<std::string> in_text =
      written.in_file() ? std::vector<std::string>() : split(written.text(), ',');
  const std::size_t count = in_file.size() + in_text.size();
  if (count > most_items) {
    problems.add(written.where(), written.key(),
                 fmt::format("has {} entries; expected at most {}", count, most_items));
    return std::nullopt;
  }
  std::vector<Written> items;
  items.reserve(count);
  for (const TomlValue& item : in_file) items.push_back(Written::in_file(written.key(), item));
  for (const std::string& item : in_text)
    items.push_back(Written::as_text(written.key(), written.where().source, item));
  return items;
}

std::optional<std::vector<std::string>> read_texts(const Written& written, Problems& problems) {
  const auto items = read_list(written, problems);
  if (!items) return std::nullopt;
  std::vector<std::string> texts;
  for (const Written& item : *items) {
    if (auto text = read_text(item, problems)) texts.push_back(std::move(*text));
  }
  return texts.size() == items->size() ? std::optional(std::move(texts)) : std::nullopt;
}

bool read_setting(const KeySchema& schema, const Written& written, Setting& setting,
                  Problems& problems) {
  const Range range{schema.minimum, schema.maximum};
  const auto take = [](auto& field, auto value) {
    if (value) field = std::move(*value);
    return value.has_value();
  };
  switch (schema.type) {
    case SettingType::string:
      return take(setting.string, schema.choices.empty()
                                      ? read_text(written, problems)
                                      : read_choice(written, schema.choices, problems));
    case SettingType::integer:
      return take(setting.integer, read_integer(written, range, problems));
    case SettingType::boolean:
      return take(setting.integer, read_boolean(written, problems));
    case SettingType::duration:
      return take(setting.integer, read_duration(written, range, problems));
    case SettingType::string_list:
      return take(setting.list, read_texts(written, problems));
  }
  return false;
}

}  // namespace reconciler
