// One value as it was written, in the file (typed by TOML), in a variable or as a plugin's default (always text), and the
// typed readers that serve every key of every source.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/config/plugin_schema.h"
#include "common/config/problems.h"
#include "common/config/toml_document.h"
#include "common/config/values.h"

namespace reconciler {

// Strings of the configuration are not longer than this, lists not longer than that.
constexpr std::size_t longest_text = 4096;
constexpr std::size_t most_items = 1024;

class Written {
 public:
  static Written in_file(std::string key, TomlValue value);
  // `source`: the variable's name, or whose default it is. Lists are written with commas.
  static Written as_text(std::string key, std::string source, std::string text);

  const std::string& key() const { return key_; }
  Where where() const;
  bool in_file() const { return value_.has_value(); }

  // The file's value, or the text.
  const std::optional<TomlValue>& value() const { return value_; }
  const std::string& text() const { return text_; }

  // The value as messages show it.
  std::string shown() const;
  // From now on messages don't show the value.
  Written& hide() {
    hidden_ = true;
    return *this;
  }

 private:
  Written() = default;

  std::string key_;
  std::string source_;
  std::string text_;
  std::optional<TomlValue> value_;
  bool hidden_ = false;
};

// The last of several layers counts (default, file, variable); each is checked.
using Layers = std::vector<Written>;

struct Range {
  int64_t minimum = 0;  // no bounds where minimum > maximum or both are 0
  int64_t maximum = 0;
};

// Each gives nothing, and adds a problem, where the value is not as it must be.
std::optional<std::string> read_text(const Written& written, Problems& problems);
std::optional<std::string> read_choice(const Written& written,
                                       const std::vector<std::string>& choices, Problems& problems);
// A choice, by the names that to_string has for its values.
template <typename Choice>
std::optional<Choice> read_named_choice(const Written& written,
                                        std::initializer_list<Choice> choices, Problems& problems) {
  std::vector<std::string> names;
  for (const Choice choice : choices) names.emplace_back(to_string(choice));
  const auto text = read_choice(written, names, problems);
  for (const Choice choice : choices) {
    if (text && *text == to_string(choice)) return choice;
  }
  return std::nullopt;
}
std::optional<int64_t> read_integer(const Written& written, Range range, Problems& problems);
std::optional<bool> read_boolean(const Written& written, Problems& problems);
std::optional<Milliseconds> read_duration(const Written& written, Range range, Problems& problems);
std::optional<std::vector<Written>> read_list(const Written& written,
                                              Problems& problems);  // of single texts
std::optional<std::vector<std::string>> read_texts(const Written& written, Problems& problems);

// Reads what `schema` declares into `setting`, except that a path isn't resolved yet. False where there was a problem.
bool read_setting(const KeySchema& schema, const Written& written, Setting& setting,
                  Problems& problems);

}  // namespace reconciler
