// `[[sentinel]]` with its groups, and the variables that go over them.
#include <algorithm>
#include <utility>

#include "common/config/reading.h"
#include "common/text.h"

namespace reconciler {

namespace {

constexpr std::size_t most_sets = 64;

// The variables of a set of Sentinels: of the only one that there is.
struct SentinelVariables {
  std::optional<Written> host;
  std::optional<Written> port;
  std::optional<Written> username;
  std::optional<Written> password;
  std::optional<Written> password_file;
  std::optional<Written> master_name;

  explicit SentinelVariables(Variables& variables)
      : host(variables.take("VALKEY_SENTINEL_HOST", "sentinel.addresses")),
        port(variables.take_port("VALKEY_SENTINEL_PORT", "sentinel.addresses")),
        username(variables.take("VALKEY_SENTINEL_USERNAME", "sentinel.username")),
        password(variables.take("VALKEY_SENTINEL_PASSWORD", "sentinel.password")),
        password_file(variables.take("VALKEY_SENTINEL_PASSWORD_FILE", "sentinel.password_file")),
        master_name(variables.take("VALKEY_MASTER_NAME", "sentinel.group.name")) {}

  std::array<std::optional<Written>*, 6> all() {
    return {&host, &port, &username, &password, &password_file, &master_name};
  }
};

class SentinelReader {
 public:
  explicit SentinelReader(Reading& reading)
      : problems_(reading.problems), reading_(reading), variables_(reading.variables) {}

  std::vector<SentinelSettings> read(TableReader* root) {
    std::vector<TableReader> tables =
        root == nullptr ? std::vector<TableReader>() : root->take_tables("sentinel", most_sets);
    if (tables.size() > 1) refuse_variables(tables);
    std::vector<SentinelSettings> sets;
    sets.reserve(tables.size());
    sets.reserve(tables.size());
    for (TableReader& table : tables) sets.push_back(read_set(&table));
    if (!tables.empty()) return sets;
    if (variables_.host) {
      sets.push_back(read_set(nullptr));
    } else if (root == nullptr) {
      problems_.add({"VALKEY_SENTINEL_HOST", {}}, "sentinel.addresses",
                    "is not set, and there is no configuration file; expected the host of a "
                    "Sentinel, or several by comma");
    } else if (problems_.count() == 0) {
      problems_.add(reading_.whole(), "sentinel",
                    "is missing; expected at least one [[sentinel]], or VALKEY_SENTINEL_HOST");
    }
    return sets;
  }

 private:
  // A variable can't say which of several sets it means.
  void refuse_variables(std::vector<TableReader>& tables) {
    for (std::optional<Written>* variable : variables_.all()) {
      if (!*variable) continue;
      problems_.add(
          (*variable)->where(), (*variable)->key(),
          fmt::format("goes over the only [[sentinel]], but there are {}: at {} and {}; expected "
                      "one, or no such variable",
                      tables.size(), to_string(tables[0].where()), to_string(tables[1].where())));
      variable->reset();
    }
  }

  SentinelSettings read_set(TableReader* table) {
    SentinelSettings set;
    set.name = table == nullptr ? "main" : read_name(*table, set_names_, problems_);
    set.addresses = read_addresses(table, variables_.host, variables_.port, problems_);
    read_credentials(table, set);
    read_groups(table, set);
    if (table == nullptr) return set;
    read_durations(*table, sentinel_durations, set, problems_);
    check_order(*table, "backoff_min", set.backoff_min, "backoff_max", set.backoff_max, problems_);
    const auto is_false = [](const TomlValue& value) {
      return value.kind() == TomlValue::Kind::boolean && !value.boolean();
    };
    table->take_later("tls", [&](const TomlValue& value) {
      return value.kind() == TomlValue::Kind::table && value.has("enabled") &&
             is_false(value.at("enabled"));
    });
    table->take_later("instances", [](const TomlValue&) { return false; });
    table->take_later("discover", is_false);
    table->refuse_unknown();
    return set;
  }

  void read_credentials(TableReader* table, SentinelSettings& set) {
    for (const Written& layer : layers(table, "username", variables_.username)) {
      set.access.username = read_text(layer, problems_).value_or("");
    }
    const auto in_file = [&](const std::string& key) {
      return table == nullptr ? std::nullopt : table->take(key);
    };
    const auto password = in_file("password");
    const auto password_file = in_file("password_file");
    // Of the two kinds, the variables go over the file's; within one source there is one of them.
    read_password(password, password_file, set);
    read_password(variables_.password, variables_.password_file, set);
  }

  void read_password(const std::optional<Written>& password, const std::optional<Written>& file,
                     SentinelSettings& set) {
    std::string text;
    std::string path;
    if (password) text = read_secret(*password);
    if (file) path = reading_.resolve(*file, read_text(*file, problems_).value_or(""));
    if (!text.empty() && !path.empty()) {
      problems_.add(file->where(), file->key(),
                    fmt::format("is there beside the password at {}; expected one of the two",
                                to_string(password->where())));
    }
    if (text.empty() && path.empty()) return;
    set.access.password = text;
    set.access.password_file = path;
  }

  // Any bytes from a variable; never shown.
  std::string read_secret(const Written& written) {
    if (written.in_file()) return read_text(written, problems_).value_or("");
    if (written.text().size() <= longest_text) return written.text();
    problems_.add(written.where(), written.key(),
                  fmt::format("is too long; expected at most {} bytes", longest_text));
    return {};
  }

  void read_groups(TableReader* table, SentinelSettings& set) {
    std::vector<TableReader> tables =
        table == nullptr ? std::vector<TableReader>() : table->take_tables("group", most_items);
    const std::size_t before = problems_.count();
    Names written_names;  // of this set's tables, where a variable replaces them
    for (TableReader& group : tables) {
      read_group(group, variables_.master_name ? written_names : group_names_, set);
    }
    if (!variables_.master_name) {
      if (table == nullptr) set.groups.push_back({.name = "myprimary"});
      if (table != nullptr && tables.empty() && problems_.count() == before) {
        problems_.add(
            table->where(), table->path_to("group"),
            "is missing; expected at least one [[sentinel.group]], or VALKEY_MASTER_NAME");
      }
      return;
    }
    if (tables.size() > 1) {
      problems_.add(
          variables_.master_name->where(), variables_.master_name->key(),
          fmt::format("goes over the only [[sentinel.group]], but there are {}: at {} and {}; "
                      "expected one, or no "
                      "such variable",
                      tables.size(), to_string(tables[0].where()), to_string(tables[1].where())));
      return;
    }
    set.groups.clear();
    const auto items = read_list(*variables_.master_name, problems_);
    if (items && items->empty()) {
      problems_.add(variables_.master_name->where(), variables_.master_name->key(),
                    "names no group; expected names by comma");
    }
    for (const Written& item : items.value_or(std::vector<Written>()))
      add_group(item, group_names_, set);
  }

  void read_group(TableReader& table, Names& names, SentinelSettings& set) {
    if (const auto name = table.take("name")) {
      add_group(*name, names, set);
    } else {
      problems_.add(table.where(), table.path_to("name"),
                    "is missing; expected the group's name, as Sentinel knows it");
    }
    const auto is = [](std::string_view today) {
      return [today](const TomlValue& value) {
        return value.kind() == TomlValue::Kind::string && value.string() == today;
      };
    };
    table.take_later("act_on", is("announcement"));
    table.take_later("demote_on", is("switch"));
    table.take_later("reset_after", [](const TomlValue&) { return false; });
    table.refuse_unknown();
  }

  // A topology is known by its group's name alone, so that names differ across sets too.
  void add_group(const Written& written, Names& names, SentinelSettings& set) {
    const auto name = read_text(written, problems_);
    if (!name) return;
    if (name->empty() || *name == "*") {
      problems_.add(
          written.where(), written.key(),
          fmt::format("{} is no group; expected its name, as Sentinel knows it", quote(*name)));
      return;
    }
    if (names.add(written, *name, problems_)) set.groups.push_back({.name = *name});
  }

  Problems& problems_;
  Reading& reading_;
  SentinelVariables variables_;
  Names set_names_;
  Names group_names_;
};

}  // namespace

std::vector<SentinelSettings> read_sentinels(TableReader* root, Reading& reading) {
  return SentinelReader(reading).read(root);
}

}  // namespace reconciler
