#include "common/config/plugin_schema.h"

#include <cjson/cJSON.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "common/config/values.h"
#include "common/config/written.h"
#include "common/text.h"

namespace reconciler {

namespace {

constexpr std::array<std::string_view, 5> type_names{"string", "integer", "boolean", "duration",
                                                     "string_list"};
// The labeler's own keys of `[[target]]`.
constexpr std::array<std::string_view, 6> host_keys{"name",     "plugin",    "groups",
                                                    "deadline", "retry_min", "retry_max"};
constexpr std::size_t largest_schema = 256 * 1024;
constexpr std::size_t most_keys = 256;
constexpr std::size_t longest_help = 1024;
constexpr double largest_exact = 9007199254740992.0;  // 2^53: a JSON number beyond it isn't exact

struct CjsonDelete {
  void operator()(cJSON* json) const { cJSON_Delete(json); }
};
using Json = std::unique_ptr<cJSON, CjsonDelete>;

std::string json_texts(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + json_string(text);
  return "[" + out + "]";
}

// Reads the members of one JSON object, each of the type that it must have; keeps the first problem.
class Members {
 public:
  Members(const cJSON* object, std::string what) : object_(object), what_(std::move(what)) {
    if (!cJSON_IsObject(object)) refuse("is no object");
  }

  void text(const char* name, std::string& out) {
    const cJSON* member = find(name);
    if (member == nullptr) return;
    if (!cJSON_IsString(member)) return refuse(fmt::format("has a \"{}\" that is no string", name));
    out = member->valuestring;
    if (out.size() > longest_text)
      refuse(fmt::format("has a \"{}\" of more than {} bytes", name, longest_text));
  }

  void boolean(const char* name, bool& out) {
    const cJSON* member = find(name);
    if (member == nullptr) return;
    if (!cJSON_IsBool(member))
      return refuse(fmt::format("has a \"{}\" that is neither true nor false", name));
    out = cJSON_IsTrue(member) != 0;
  }

  void integer(const char* name, int64_t& out) {
    const cJSON* member = find(name);
    if (member == nullptr) return;
    const double value = member->valuedouble;
    if (!cJSON_IsNumber(member) || std::trunc(value) != value || std::abs(value) > largest_exact) {
      return refuse(fmt::format("has a \"{}\" that is no whole number", name));
    }
    out = static_cast<int64_t>(value);
  }

  void texts(const char* name, std::vector<std::string>& out) {
    const cJSON* member = find(name);
    if (member == nullptr) return;
    if (!cJSON_IsArray(member)) return refuse(fmt::format("has a \"{}\" that is no array", name));
    for (const cJSON* item = member->child; item != nullptr; item = item->next) {
      if (!cJSON_IsString(item))
        return refuse(fmt::format("has a \"{}\" with something else than strings", name));
      out.emplace_back(item->valuestring);
    }
  }

  const cJSON* array(const char* name) {
    const cJSON* member = find(name);
    if (cJSON_IsArray(member)) return member;
    refuse(fmt::format("has no array \"{}\"", name));
    return nullptr;
  }

  // After all members that are known were asked for.
  void refuse_unknown() {
    if (problem_) return;
    std::vector<std::string> seen;
    for (const cJSON* member = object_->child; member != nullptr; member = member->next) {
      const std::string name = member->string;
      if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
        refuse(fmt::format("has an unknown member {}", quote(name)));
      }
      if (std::find(seen.begin(), seen.end(), name) != seen.end())
        refuse(fmt::format("has {} twice", quote(name)));
      seen.push_back(name);
    }
  }

  void refuse(const std::string& problem) {
    if (!problem_) problem_ = Error(what_ + " " + problem);
  }
  const std::optional<Error>& problem() const { return problem_; }

 private:
  const cJSON* find(const char* name) {
    known_.emplace_back(name);
    return problem_ ? nullptr : cJSON_GetObjectItemCaseSensitive(object_, name);
  }

  const cJSON* object_;
  std::string what_;
  std::vector<std::string> known_;
  std::optional<Error> problem_;
};

bool is_key_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 && name[0] >= 'a' && name[0] <= 'z' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

bool is_variable_name(std::string_view name) {
  return name.size() <= 255 && (name[0] < '0' || name[0] > '9') &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos;
}

// What can't be meant, though each member is of its type.
std::string nonsense(const KeySchema& key) {
  if (!is_key_name(key.name)) return "has a name that is not [a-z][a-z0-9_]*";
  if (std::find(host_keys.begin(), host_keys.end(), key.name) != host_keys.end())
    return "has a name that every target has";
  const bool is_text = key.type == SettingType::string;
  const bool has_range = key.type == SettingType::integer || key.type == SettingType::duration;
  if (!key.choices.empty() && !is_text) return "has choices, but is no string";
  if (key.secret && !is_text) return "is secret, but no string";
  if (key.file && !is_text && key.type != SettingType::string_list)
    return "names a file, but is no string";
  if (key.minimum != key.maximum && !has_range) return "has a range, but is no number";
  if (key.type == SettingType::duration && key.minimum < 0)
    return "has a negative duration as its minimum";
  if (!key.environment.empty() && !is_variable_name(key.environment))
    return "has a variable that is not [A-Z_][A-Z0-9_]*";
  if (!is_utf8(key.help) || key.help.size() > longest_help)
    return "has a help that is too long or no text";
  for (const std::string& choice : key.choices) {
    if (choice.empty() || !is_utf8(choice)) return "has a choice that is empty or no text";
  }
  if (key.default_value.empty()) return {};
  Setting setting;
  Problems problems;
  if (read_setting(key, Written::as_text(key.name, "default", key.default_value), setting,
                   problems))
    return {};
  return "has a wrong default: " + problems.error().message();
}

Result<KeySchema> parse_key(const cJSON* json, std::size_t number) {
  Members members(json, fmt::format("key {}", number));
  KeySchema key;
  std::string type;
  members.text("name", key.name);
  members.text("type", type);
  members.boolean("required", key.required);
  members.boolean("secret", key.secret);
  members.boolean("file", key.file);
  members.text("default", key.default_value);
  members.integer("minimum", key.minimum);
  members.integer("maximum", key.maximum);
  members.texts("choices", key.choices);
  members.text("environment", key.environment);
  members.text("help", key.help);
  members.refuse_unknown();
  if (members.problem()) return *members.problem();

  const auto found = std::find(type_names.begin(), type_names.end(), type);
  if (found == type_names.end())
    return Error(fmt::format("key {} has an unknown type {}", quote(key.name), quote(type)));
  key.type = static_cast<SettingType>(found - type_names.begin());
  const std::string wrong = nonsense(key);
  if (!wrong.empty()) return Error(fmt::format("key {} {}", quote(key.name), wrong));
  return key;
}

}  // namespace

std::string to_json(const PluginSchema& schema) {
  std::string keys;
  for (const KeySchema& key : schema.keys) {
    keys +=
        fmt::format(R"({}{{"name":{},"type":"{}","required":{},"secret":{},"file":{},"default":{},)"
                    R"("minimum":{},"maximum":{},"choices":{},"environment":{},"help":{}}})",
                    keys.empty() ? "" : ",", json_string(key.name),
                    type_names[static_cast<std::size_t>(key.type)], key.required, key.secret,
                    key.file, json_string(key.default_value), key.minimum, key.maximum,
                    json_texts(key.choices), json_string(key.environment), json_string(key.help));
  }
  return fmt::format(R"({{"plugin":{},"version":{},"keys":[{}]}})", json_string(schema.plugin),
                     json_string(schema.version), keys);
}

Result<PluginSchema> parse_plugin_schema(std::string_view json) {
  const auto wrong = [](const std::string& problem) {
    return Error("wrong description of a plugin: " + problem);
  };
  if (json.size() > largest_schema)
    return wrong(fmt::format("larger than {} bytes", largest_schema));
  if (!is_utf8(json) || json.find('\0') != std::string_view::npos) return wrong("no text");
  // cJSON turns an escaped NUL into the end of the string.
  if (json.find("\\u0000") != std::string_view::npos) return wrong("a NUL character");
  json = trim(json);
  const char* end = nullptr;
  const Json root(cJSON_ParseWithLengthOpts(json.data(), json.size(), &end, 0));
  if (!root) return wrong("no JSON");
  if (end != json.data() + json.size()) return wrong("something after the JSON object");

  Members members(root.get(), "it");
  PluginSchema schema;
  members.text("plugin", schema.plugin);
  members.text("version", schema.version);
  const cJSON* keys = members.array("keys");
  members.refuse_unknown();
  if (members.problem()) return wrong(members.problem()->message());
  if (!is_name(schema.plugin))
    return wrong(fmt::format("{} is no name of a plugin", quote(schema.plugin)));
  for (const cJSON* item = keys->child; item != nullptr; item = item->next) {
    if (schema.keys.size() == most_keys) return wrong(fmt::format("more than {} keys", most_keys));
    Result<KeySchema> key = parse_key(item, schema.keys.size() + 1);
    if (!key) return wrong(key.error().message());
    for (const KeySchema& before : schema.keys) {
      if (before.name == key->name)
        return wrong(fmt::format("two keys are named {}", quote(key->name)));
      if (!key->environment.empty() && before.environment == key->environment) {
        return wrong(fmt::format("two keys have the variable {}", key->environment));
      }
    }
    schema.keys.push_back(std::move(key).value());
  }
  return schema;
}

}  // namespace reconciler
