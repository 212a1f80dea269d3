// The parts of load_configuration, one for each kind of table. Each takes its tables and its variables, and adds to `problems`
// what is wrong with them; what it returns counts only where there was no problem.
#pragma once

#include <fmt/format.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/config/duration_keys.h"
#include "common/config/loading.h"
#include "common/config/table_reader.h"
#include "common/config/values.h"
#include "common/config/variables.h"

namespace reconciler {

// What all of them share.
struct Reading {
  std::string file;    // empty: the environment alone
  std::string folder;  // the file's, absolute; a relative path is relative to it
  Variables& variables;
  Problems& problems;

  // The whole configuration as a place: the file, or the environment.
  Where whole() const { return {file.empty() ? "environment" : file, {}}; }
  // `path`, written at `written`, as an absolute path: a variable's is relative to where the program was started.
  std::string resolve(const Written& written, const std::string& path) const;
};

std::vector<SentinelSettings> read_sentinels(TableReader* root, Reading& reading);

// The variables that go over one access.
struct AccessVariables {
  std::optional<Written> username;
  std::optional<Written> password;
  std::optional<Written> password_file;
  std::optional<Written> tls;
  std::optional<Written> ca_file;
};

// `username`, `password`, `password_file` and `tls` of a table; null: the variables alone.
AccessSettings read_access(TableReader* table, const AccessVariables& variables, Reading& reading);

// A set's `addresses`, with VALKEY_SENTINEL_HOST and VALKEY_SENTINEL_PORT over them. `table`: null without a file.
std::vector<Endpoint> read_addresses(TableReader* table, const std::optional<Written>& host,
                                     const std::optional<Written>& port, Problems& problems);

// `groups`: all that the sets of Sentinels watch. `ready_timeout`: for each plugin, until it is described.
std::vector<TargetSettings> read_targets(TableReader* root, const std::vector<std::string>& groups,
                                         Milliseconds ready_timeout, const DescribePlugin& describe,
                                         Reading& reading);

// `[http]`, `[log]` and `[supervision]`.
void read_sections(TableReader* root, const Environment& environment, Reading& reading,
                   Configuration& configuration);

// What is accepted as it is, but worth a line.
std::vector<std::string> notes_on(const Configuration& configuration);

// The key of the file, if it is there, and the variable over it.
Layers layers(TableReader* table, const std::string& key, std::optional<Written> variable);

// Names that must differ.
class Names {
 public:
  // Adds `name`, written at `written`; where it is there already: false, and a problem that tells where.
  bool add(const Written& written, const std::string& name, Problems& problems);

 private:
  std::map<std::string, Written> written_;  // places are slow to find: only for a message
};

// The name of a set or a target; must be one, and be there.
std::string read_name(TableReader& table, Names& names, Problems& problems);

template <typename Settings, std::size_t size>
void read_durations(TableReader& table, const std::array<DurationKey<Settings>, size>& keys,
                    Settings& settings, Problems& problems) {
  for (const DurationKey<Settings>& key : keys) {
    const auto written = table.take(key.name);
    if (!written) continue;
    if (const auto value = read_duration(*written, {key.minimum, key.maximum}, problems))
      settings.*key.field = *value;
  }
}

// That the duration `high` is not below `least`, which comes from the key `low`.
void check_order(TableReader& table, const std::string& low, Milliseconds least,
                 const std::string& high, Milliseconds value, Problems& problems);

}  // namespace reconciler
