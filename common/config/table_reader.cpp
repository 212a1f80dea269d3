#include "common/config/table_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/config/values.h"
#include "common/text.h"

namespace reconciler {

using Kind = TomlValue::Kind;

TableReader::TableReader(TomlValue table, std::string path, Problems& problems)
    : table_(table), path_(std::move(path)), problems_(&problems) {}

std::string TableReader::path_to(std::string_view key) const {
  return fmt::format("{}{}{}", path_, path_.empty() ? "" : ".", key);
}

std::optional<Written> TableReader::take(const std::string& key) {
  known_.push_back(key);
  if (!table_.has(key)) return std::nullopt;
  return Written::in_file(path_to(key), table_.at(key));
}

std::optional<TableReader> TableReader::take_table(const std::string& key) {
  const auto written = take(key);
  if (!written) return std::nullopt;
  if (written->value()->kind() == Kind::table)
    return TableReader(*written->value(), path_to(key), *problems_);
  problems_->add({table_.file(), table_.key_place(key)}, path_to(key),
                 fmt::format("is {}; expected a table, [{}] or {} = {{ ... }}",
                             describe(written->value()->kind()), path_to(key), key));
  return std::nullopt;
}

std::vector<TableReader> TableReader::take_tables(const std::string& key, std::size_t most) {
  std::vector<TableReader> tables;
  const auto written = take(key);
  if (!written) return tables;
  const auto wrong = [&](const std::string& problem) {
    problems_->add({table_.file(), table_.key_place(key)}, path_to(key),
                   fmt::format("{} [[{}]]", problem, path_to(key)));
    return std::vector<TableReader>();
  };
  if (written->value()->kind() != Kind::array) {
    return wrong(
        fmt::format("is {}; expected tables, each headed", describe(written->value()->kind())));
  }
  const std::vector<TomlValue> items = written->value()->items();
  if (items.size() > most)
    return wrong(fmt::format("is there {} times; expected at most {} tables", items.size(), most));
  for (const TomlValue& item : items) {
    if (item.kind() != Kind::table)
      return wrong("is a list of something else; expected tables, each headed");
    tables.emplace_back(item, path_to(key), *problems_);
  }
  return tables;
}

void TableReader::refuse_unknown() {
  std::vector<std::string> known = known_;
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  for (const std::string& key : table_.keys()) {
    if (std::binary_search(known.begin(), known.end(), key)) continue;
    if (problems_->full()) {
      problems_->leave_out();
      continue;
    }
    const std::string suggestion = nearest(key, known);
    std::string expected;
    if (!suggestion.empty()) {
      expected = fmt::format("did you mean \"{}\"? expected", suggestion);
    } else {
      expected = "expected";
    }
    std::string names;
    for (const std::string& name : known) names += (names.empty() ? " " : ", ") + name;
    problems_->add({table_.file(), table_.key_place(key)}, path_to(is_name(key) ? key : quote(key)),
                   fmt::format("unknown key; {} one of{}", expected, names));
  }
}

}  // namespace reconciler
