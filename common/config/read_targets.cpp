// `[[target]]`, with the keys that its plugin declares and the variables that go over them.
#include <algorithm>
#include <map>
#include <utility>

#include "common/config/reading.h"
#include "common/text.h"

namespace reconciler {

namespace {

constexpr std::size_t most_targets = 64;  // each is a process

// The program's other processes: status, metrics and log tell all of them by their names.
bool is_taken(const std::string& name) {
  return name == "supervisor" || name == "sentinel-watcher";
}

// A target while it is read.
struct Draft {
  TableReader* table = nullptr;  // null: made of the variables alone
  Where where;
  TargetSettings settings;
  const PluginSchema* schema = nullptr;  // null: not known, which is a problem already
};

class TargetReader {
 public:
  TargetReader(const std::vector<std::string>& groups, Milliseconds ready_timeout,
               const DescribePlugin& describe, Reading& reading)
      : groups_(groups),
        ready_timeout_(ready_timeout),
        describe_(describe),
        reading_(reading),
        problems_(reading.problems) {}

  std::vector<TargetSettings> read(TableReader* root) {
    const std::size_t before = problems_.count();
    std::vector<TableReader> tables =
        root == nullptr ? std::vector<TableReader>() : root->take_tables("target", most_targets);
    std::vector<Draft> drafts;
    drafts.reserve(tables.size() + 1);
    for (TableReader& table : tables) drafts.push_back(begin(table));
    if (root == nullptr) drafts.push_back(made_of_variables());
    if (drafts.empty() && problems_.count() == before) {
      problems_.add(reading_.whole(), "target", "is missing; expected at least one [[target]]");
    }
    const auto variables = plugin_variables(drafts);
    std::vector<TargetSettings> targets;
    for (Draft& draft : drafts) {
      if (draft.schema != nullptr) read_settings(draft, variables);
      targets.push_back(std::move(draft.settings));
    }
    return targets;
  }

 private:
  Draft made_of_variables() {
    Draft draft;
    draft.where = reading_.whole();
    draft.settings.name = "kubernetes";
    draft.settings.plugin = "kubernetes";
    draft.settings.groups = groups_;
    draft.schema = schema_of("kubernetes", draft.where);
    return draft;
  }

  // The keys that every target has.
  Draft begin(TableReader& table) {
    Draft draft;
    draft.table = &table;
    draft.where = table.where();
    draft.settings.name = read_name(table, names_, problems_);
    if (is_taken(draft.settings.name)) {
      problems_.add(table.take("name")->where(), table.path_to("name"),
                    fmt::format("{} is another process of the program; expected a name of its own",
                                quote(draft.settings.name)));
    }
    if (const auto plugin = table.take("plugin")) {
      read_plugin(*plugin, draft);
    } else {
      problems_.add(
          table.where(), table.path_to("plugin"),
          "is missing; expected the name of a plugin, such as \"kubernetes\", or its path");
    }
    draft.settings.groups = groups_;
    if (const auto groups = table.take("groups")) draft.settings.groups = read_groups(*groups);
    read_durations(table, target_durations, draft.settings, problems_);
    check_order(table, "retry_min", draft.settings.retry_min, "retry_max", draft.settings.retry_max,
                problems_);
    return draft;
  }

  void read_plugin(const Written& written, Draft& draft) {
    const auto plugin = read_text(written, problems_);
    if (!plugin) return;
    const bool is_path = plugin->find('/') != std::string::npos;
    if (!is_path && !is_name(*plugin)) {
      problems_.add(
          written.where(), written.key(),
          fmt::format(
              "{} is no plugin; expected a name such as \"kubernetes\", or a path with a '/'",
              quote(*plugin)));
      return;
    }
    draft.settings.plugin = is_path ? reading_.resolve(written, *plugin) : *plugin;
    draft.schema = schema_of(draft.settings.plugin, written.where());
  }

  // Asks each plugin once.
  const PluginSchema* schema_of(const std::string& plugin, const Where& where) {
    auto found = schemas_.find(plugin);
    if (found == schemas_.end())
      found = schemas_.emplace(plugin, describe_(plugin, ready_timeout_)).first;
    if (found->second) return &*found->second;
    // What the labeler said may have several lines.
    std::string cause = found->second.error().message();
    std::replace(cause.begin(), cause.end(), '\n', ' ');
    problems_.add(where, "target.plugin",
                  fmt::format("{}: {}; expected a plugin that can be loaded", quote(plugin),
                              printable(cause)));
    return nullptr;
  }

  std::vector<std::string> read_groups(const Written& written) {
    std::vector<std::string> out;
    const auto items = read_list(written, problems_);
    if (!items) return out;
    if (items->empty())
      problems_.add(written.where(), written.key(),
                    "names no group; expected names, or [\"*\"] for all");
    Names seen;
    for (const Written& item : *items) {
      const auto name = read_text(item, problems_);
      if (!name) continue;
      if (*name == "*" && items->size() == 1) return groups_;
      if (groups_.empty()) continue;  // that is told already
      if (std::find(groups_.begin(), groups_.end(), *name) == groups_.end()) {
        unknown_group(item, *name);
      } else if (seen.add(item, *name, problems_)) {
        out.push_back(*name);
      }
    }
    return out;
  }

  void unknown_group(const Written& written, const std::string& name) {
    const std::string suggestion = nearest(name, groups_);
    std::string problem = fmt::format("{} is no group of any [[sentinel]]", quote(name));
    if (name == "*") problem = "\"*\" stands beside other groups";
    if (!suggestion.empty() && name != "*")
      problem += fmt::format("; did you mean {}?", quote(suggestion));
    problems_.add(written.where(), written.key(),
                  problem + "; expected names of groups, or [\"*\"] for all");
  }

  // The variables that the plugins' keys have. One that would go over the file in several places, or over one
  // target's alone among several, is refused.
  std::map<std::string, Written> plugin_variables(const std::vector<Draft>& drafts) {
    struct Use {
      std::string key;
      int targets = 0;                   // that have this key
      std::vector<std::string> in_file;  // where the file has this key
    };
    std::map<std::string, Use> uses;
    for (const Draft& draft : drafts) {
      if (draft.schema == nullptr) continue;
      for (const KeySchema& key : draft.schema->keys) {
        if (key.environment.empty()) continue;
        Use& use = uses[key.environment];
        use.key = "target." + key.name;
        ++use.targets;
        const auto written = draft.table == nullptr ? std::nullopt : draft.table->take(key.name);
        if (written) use.in_file.push_back(to_string(written->where()));
      }
    }
    std::map<std::string, Written> variables;
    for (const auto& [name, use] : uses) {
      const auto written = reading_.variables.take(name, use.key);
      if (!written) continue;
      if (use.in_file.size() > 1 && !is_from_cluster(*written)) {
        problems_.add(written->where(), written->key(),
                      fmt::format("goes over the only such key, but there are {}: at {} and {}; "
                                  "expected one, or no such variable",
                                  use.in_file.size(), use.in_file[0], use.in_file[1]));
        continue;
      }
      if (use.in_file.size() == 1 && use.targets > 1 && !is_from_cluster(*written)) {
        problems_.add(
            written->where(), written->key(),
            fmt::format("goes for all {} targets that have such a key, also over the one at "
                        "{}; expected it in none of them, or no such variable",
                        use.targets, use.in_file[0]));
        continue;
      }
      variables.emplace(name, *written);
    }
    return variables;
  }

  // What every pod is given (KUBERNETES_SERVICE_HOST) is nobody's wish: the file goes over it.
  static bool is_from_cluster(const Written& variable) {
    return is_service_variable(variable.where().source, variable.text());
  }

  static Layers setting_layers(Draft& draft, const KeySchema& schema,
                               const std::map<std::string, Written>& variables) {
    const auto found = variables.find(schema.environment);
    Layers out = layers(draft.table, schema.name,
                        found == variables.end() ? std::nullopt : std::optional(found->second));
    if (out.size() == 2 && is_from_cluster(out[1])) std::swap(out[0], out[1]);
    if (schema.secret) std::for_each(out.begin(), out.end(), [](Written& layer) { layer.hide(); });
    return out;
  }

  void read_settings(Draft& draft, const std::map<std::string, Written>& variables) {
    for (const KeySchema& schema : draft.schema->keys) {
      Setting setting;
      setting.name = schema.name;
      setting.type = schema.type;
      setting.secret = schema.secret;
      read_default(schema, setting);
      const Layers written = setting_layers(draft, schema, variables);
      for (const Written& layer : written) {
        setting.given = read_setting(schema, layer, setting, problems_);
        if (setting.given && schema.file) resolve(layer, setting);
      }
      const bool empty =
          setting.string.empty() && setting.list.empty() &&
          (schema.type == SettingType::string || schema.type == SettingType::string_list);
      if (schema.required && (written.empty() || (setting.given && empty)))
        missing(draft, schema, written);
      draft.settings.settings.push_back(std::move(setting));
    }
    if (draft.table != nullptr) draft.table->refuse_unknown();
  }

  // parse_plugin_schema has checked that the default is of the type.
  static void read_default(const KeySchema& schema, Setting& setting) {
    if (schema.default_value.empty()) return;
    Problems none;
    read_setting(schema, Written::as_text(schema.name, "default", schema.default_value), setting,
                 none);
  }

  void resolve(const Written& written, Setting& setting) const {
    setting.string = reading_.resolve(written, setting.string);
    for (std::string& path : setting.list) path = reading_.resolve(written, path);
  }

  void missing(const Draft& draft, const KeySchema& schema, const Layers& written) {
    const std::string variable =
        schema.environment.empty() ? "" : fmt::format(", or {}", schema.environment);
    const std::string help =
        schema.help.empty() ? "" : fmt::format(" ({})", printable(schema.help));
    problems_.add(written.empty() ? draft.where : written.back().where(), "target." + schema.name,
                  fmt::format("is {}; plugin {} needs it: expected a value{}{}",
                              written.empty() ? "missing" : "empty", quote(draft.settings.plugin),
                              variable, help));
  }

  const std::vector<std::string>& groups_;
  const Milliseconds ready_timeout_;
  const DescribePlugin& describe_;
  Reading& reading_;
  Problems& problems_;
  std::map<std::string, Result<PluginSchema>> schemas_;
  Names names_;
};

}  // namespace

std::vector<TargetSettings> read_targets(TableReader* root, const std::vector<std::string>& groups,
                                         Milliseconds ready_timeout, const DescribePlugin& describe,
                                         Reading& reading) {
  return TargetReader(groups, ready_timeout, describe, reading).read(root);
}

}  // namespace reconciler
