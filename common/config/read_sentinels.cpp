// `[[sentinel]]` with its groups, and the variables that go over them.
#include "common/config/reading.h"

namespace reconciler {

namespace {

constexpr std::size_t most_sets = 64;

// The variables of a set of Sentinels: of the only one that there is.
struct SentinelVariables {
  std::optional<Written> host;
  std::optional<Written> port;
  AccessVariables access;
  AccessVariables instances;
  std::optional<Written> master_name;
  std::optional<Written> act_on;

  explicit SentinelVariables(Variables& variables)
      : host(variables.take("VALKEY_SENTINEL_HOST", "sentinel.addresses")),
        port(variables.take_port("VALKEY_SENTINEL_PORT", "sentinel.addresses")),
        access{.username = variables.take("VALKEY_SENTINEL_USERNAME", "sentinel.username"),
               .password = variables.take("VALKEY_SENTINEL_PASSWORD", "sentinel.password"),
               .password_file =
                   variables.take("VALKEY_SENTINEL_PASSWORD_FILE", "sentinel.password_file"),
               .tls = variables.take("VALKEY_SENTINEL_TLS", "sentinel.tls"),
               .ca_file = variables.take("VALKEY_SENTINEL_CA_FILE", "sentinel.tls.ca_file")},
        instances{
            .username = variables.take("VALKEY_INSTANCE_USERNAME", "sentinel.instances.username"),
            .password = {},
            .password_file =
                variables.take("VALKEY_INSTANCE_PASSWORD_FILE", "sentinel.instances.password_file"),
            .tls = {},
            .ca_file = {}},
        master_name(variables.take("VALKEY_MASTER_NAME", "sentinel.group.name")),
        act_on(variables.take("VALKEY_ACT_ON", "sentinel.group.act_on")) {}

  std::vector<std::optional<Written>*> all() {
    return {&host,
            &port,
            &access.username,
            &access.password,
            &access.password_file,
            &access.tls,
            &access.ca_file,
            &instances.username,
            &instances.password_file,
            &master_name,
            &act_on};
  }
};

class SentinelReader {
 public:
  explicit SentinelReader(Reading& reading)
      : problems_(reading.problems), reading_(reading), variables_(reading.variables) {}

  std::vector<SentinelSettings> read(TableReader* root) {
    std::vector<TableReader> tables =
        root == nullptr ? std::vector<TableReader>() : root->take_tables("sentinel", most_sets);
    if (tables.size() > 1) refuse_variables(variables_.all(), "[[sentinel]]", tables);
    std::vector<SentinelSettings> sets;
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
  // A variable can't say which of several tables it means.
  void refuse_variables(const std::vector<std::optional<Written>*>& variables,
                        std::string_view heading, const std::vector<TableReader>& tables) {
    for (std::optional<Written>* variable : variables) {
      if (!*variable) continue;
      problems_.add(
          (*variable)->where(), (*variable)->key(),
          fmt::format("goes over the only {}, but there are {}: at {} and {}; expected one, or no "
                      "such variable",
                      heading, tables.size(), to_string(tables[0].where()),
                      to_string(tables[1].where())));
      variable->reset();
    }
  }

  SentinelSettings read_set(TableReader* table) {
    SentinelSettings set;
    set.name = table == nullptr ? "main" : read_name(*table, set_names_, problems_);
    set.addresses = read_addresses(table, variables_.host, variables_.port, problems_);
    set.access = read_access(table, variables_.access, reading_);
    read_instances(table, set);
    read_groups(table, set);
    if (table == nullptr) return set;
    read_durations(*table, sentinel_durations, set, problems_);
    check_order(*table, "backoff_min", set.backoff_min, "backoff_max", set.backoff_max, problems_);
    if (const auto discover = table->take("discover"))
      set.discover = read_boolean(*discover, problems_).value_or(true);
    table->refuse_unknown();
    return set;
  }

  // That the table or a variable is there means that instances are asked, whatever it says.
  void read_instances(TableReader* table, SentinelSettings& set) {
    const AccessVariables& variables = variables_.instances;
    auto instances = table == nullptr ? std::nullopt : table->take_table("instances");
    set.ask_instances = variables.username || variables.password_file ||
                        (table != nullptr && table->take("instances"));
    set.instances = read_access(instances ? &*instances : nullptr, variables, reading_);
    if (instances) instances->refuse_unknown();
  }

  void read_groups(TableReader* table, SentinelSettings& set) {
    const std::size_t before = problems_.count();
    std::vector<TableReader> tables =
        table == nullptr ? std::vector<TableReader>() : table->take_tables("group", most_items);
    if (tables.size() > 1) {
      refuse_variables({&variables_.master_name, &variables_.act_on}, "[[sentinel.group]]", tables);
    }
    for (TableReader& group : tables) read_group(&group, set);
    if (!tables.empty()) return;
    if (table == nullptr || variables_.master_name) {
      read_group(nullptr, set);
    } else if (problems_.count() == before) {
      problems_.add(table->where(), table->path_to("group"),
                    "is missing; expected at least one [[sentinel.group]], or VALKEY_MASTER_NAME");
    }
  }

  // `table`: null where there are variables alone. They may name several groups, which have the rest in common.
  void read_group(TableReader* table, SentinelSettings& set) {
    GroupSettings group;
    read_act_on(layers(table, "act_on", variables_.act_on), set.ask_instances, group);
    for (const Written& layer : layers(table, "demote_on", {})) {
      group.demote_on =
          read_named_choice(layer, {DemoteOn::primary_switch, DemoteOn::odown}, problems_)
              .value_or(group.demote_on);
    }
    if (table != nullptr) read_durations(*table, group_durations, group, problems_);
    read_group_names(table, group, set);
    if (table != nullptr) table->refuse_unknown();
  }

  void read_act_on(const Layers& written, bool ask_instances, GroupSettings& group) {
    for (const Written& layer : written) {
      group.act_on =
          read_named_choice(layer, {ActOn::announcement, ActOn::agreement, ActOn::promotion},
                            problems_)
              .value_or(ActOn::announcement);
    }
    if (group.act_on != ActOn::promotion || ask_instances) return;
    problems_.add(written.back().where(), written.back().key(),
                  "is \"promotion\", for which the instances are asked for their ROLE; expected "
                  "instances = { ... } in the same [[sentinel]], or VALKEY_INSTANCE_USERNAME or "
                  "VALKEY_INSTANCE_PASSWORD_FILE");
  }

  void read_group_names(TableReader* table, const GroupSettings& group, SentinelSettings& set) {
    std::vector<Written> names;
    if (table == nullptr) {
      names.push_back(Written::as_text("sentinel.group.name", "default", "myprimary"));
    } else if (const auto in_file = table->take("name")) {
      names.push_back(*in_file);
    } else {
      problems_.add(table->where(), table->path_to("name"),
                    "is missing; expected the group's name, as Sentinel knows it");
    }
    if (const auto& variable = variables_.master_name) {
      for (const Written& in_file : names) read_group_name(in_file);
      const auto items = read_list(*variable, problems_);
      if (items && items->empty()) {
        problems_.add(variable->where(), variable->key(),
                      "names no group; expected names by comma");
      }
      names = items.value_or(std::vector<Written>());
    }
    for (const Written& written : names) {
      const auto name = read_group_name(written);
      // A topology is known by its group's name alone, so that names differ across sets too.
      if (!name || !group_names_.add(written, *name, problems_)) continue;
      set.groups.push_back(group);
      set.groups.back().name = *name;
    }
  }

  std::optional<std::string> read_group_name(const Written& written) {
    auto name = read_text(written, problems_);
    if (!name || (!name->empty() && *name != "*")) return name;
    problems_.add(
        written.where(), written.key(),
        fmt::format("{} is no group; expected its name, as Sentinel knows it", quote(*name)));
    return std::nullopt;
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
