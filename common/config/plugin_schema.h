// What a plugin declares of its keys (vr_key of plugins/valkey_reconciler_plugin.h), as `labeler
// --describe PLUGIN` prints it and the configuration check reads it. The supervisor never loads a
// plugin itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace reconciler {

enum class SettingType : uint8_t {
  string = 0,
  integer = 1,
  boolean = 2,
  duration = 3,
  string_list = 4
};

struct KeySchema {
  std::string name = {};
  SettingType type = SettingType::string;
  bool required = false;
  bool secret = false;
  bool file = false;               // names a file that the plugin reads
  std::string default_value = {};  // as it would be written, without quotes
  int64_t minimum = 0;             // integer, duration (ms); no bounds where both are 0
  int64_t maximum = 0;
  std::vector<std::string> choices = {};  // empty: any
  std::string environment = {};           // empty: none
  std::string help = {};
};

struct PluginSchema {
  std::string plugin;  // the plugin's own name
  std::string version;
  std::vector<KeySchema> keys;
};

// JSON, one object: {"plugin":"file","version":"0.1.0","keys":[{"name":...,"type":"string",...}]}.
std::string to_json(const PluginSchema& schema);
Result<PluginSchema> parse_plugin_schema(std::string_view json);

// Gets a plugin's schema by the name or path that a target gives. The real one runs `labeler --describe`, and waits for it
// no longer than `within_ms`.
using DescribePlugin =
    std::function<Result<PluginSchema>(const std::string& plugin, int64_t within_ms)>;

}  // namespace reconciler
