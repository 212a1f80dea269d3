// One table of the file while it is read: hands out its keys, and afterwards refuses those that nobody asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/problems.h"
#include "common/config/toml_document.h"
#include "common/config/written.h"

namespace reconciler {

class TableReader {
 public:
  // `path`: as messages name the table, `sentinel.group`; empty for the whole file.
  TableReader(TomlValue table, std::string path, Problems& problems);

  std::optional<Written> take(const std::string& key);

  // The table of that name, and the tables of an array `[[key]]`; of another kind: a problem.
  std::optional<TableReader> take_table(const std::string& key);
  std::vector<TableReader> take_tables(const std::string& key, std::size_t most);

  // To be called when every key was asked for.
  void refuse_unknown();

  Where where() const { return {table_.file(), table_.place()}; }
  std::string path_to(std::string_view key) const;

 private:
  TomlValue table_;
  std::string path_;
  std::vector<std::string> known_;
  Problems* problems_;
};

}  // namespace reconciler
