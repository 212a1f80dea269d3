#include "supervisor/labeler/plugin_library.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/installation.h"
#include "common/text.h"

namespace reconciler::labeler {

namespace {

// What a description carries exactly (JSON).
constexpr int64_t largest_bound = int64_t{1} << 53;

// Whoever may write the file or its folder could run code with the target's credentials.
Result<void> refuse_if_others_may_write(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return Error(fmt::format("{}: {}", path, std::strerror(errno)));
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    return Error(
        fmt::format("{} belongs to user {}, who is neither root nor the user of this process ({})",
                    path, status.st_uid, ::geteuid()));
  }
  const bool foreign_group = status.st_gid != 0 && status.st_gid != ::getegid();
  // In a folder with the sticky bit nobody can replace another one's file.
  const bool sticky_folder = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
  const bool others = (status.st_mode & S_IWOTH) != 0 && !sticky_folder;
  if (others || (foreign_group && (status.st_mode & S_IWGRP) != 0)) {
    return Error(fmt::format("{} may be written by others (mode {:04o}); chmod go-w it", path,
                             status.st_mode & 07777));
  }
  return {};
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The major version of the entry that the object has instead of ours; 0 where it has none.
int other_version(void* object) {
  for (int version = 0; version < 100; ++version) {
    const std::string symbol = fmt::format("valkey_reconciler_plugin_v{}", version);
    if (version != VR_PLUGIN_VERSION && ::dlsym(object, symbol.c_str()) != nullptr) return version;
  }
  return 0;
}

Result<void> check_functions(const vr_plugin& plugin) {
  // Up to the last field of the first version: this header's own size may have grown since.
  if (!VR_HAS(&plugin, check)) {
    return Error(fmt::format("its vr_plugin has {} bytes, where the first version has {}",
                             plugin.size, offsetof(vr_plugin, check) + sizeof plugin.check));
  }
  if (plugin.name == nullptr || *plugin.name == '\0') return Error("it has no name");
  if (plugin.version == nullptr) return Error("it has no version");
  if (plugin.key_count > 0 && plugin.keys == nullptr) return Error("it counts keys and has none");
  const std::array<std::pair<const char*, bool>, 4> functions{
      {{"create", plugin.create != nullptr},
       {"destroy", plugin.destroy != nullptr},
       {"apply", plugin.apply != nullptr},
       {"cancel", plugin.cancel != nullptr}}};
  for (const auto& [name, present] : functions) {
    if (!present) return Error(fmt::format("the function {} is missing", name));
  }
  return {};
}

bool is_key_name(std::string_view name) {
  if (name.empty() || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string text_of(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

Result<KeySchema> key_of(const vr_key& key) {
  const std::string name = text_of(key.name);
  if (!is_key_name(name)) return Error(fmt::format("{} is no name of a key", json_string(name)));
  constexpr std::array reserved{"name", "plugin", "groups", "deadline", "retry_min", "retry_max"};
  if (std::find(reserved.begin(), reserved.end(), name) != reserved.end()) {
    return Error(fmt::format("the key {} is the host's own", name));
  }
  if (key.type < VR_STRING || key.type > VR_STRING_LIST) {
    return Error(fmt::format("the key {} has the type {}, which isn't known", name,
                             static_cast<int>(key.type)));
  }
  if (key.minimum > key.maximum)
    return Error(fmt::format("the key {} has its minimum above its maximum", name));

  KeySchema schema;
  schema.name = name;
  schema.type = static_cast<SettingType>(key.type);
  schema.required = (key.flags & VR_KEY_REQUIRED) != 0;
  schema.secret = (key.flags & VR_KEY_SECRET) != 0;
  schema.file = (key.flags & VR_KEY_FILE) != 0;
  schema.default_value = text_of(key.default_value);
  schema.minimum = std::max(key.minimum, -largest_bound);
  schema.maximum = std::min(key.maximum, largest_bound);
  schema.choices = split(text_of(key.choices), ',');
  schema.environment = text_of(key.environment);
  schema.help = text_of(key.help);
  return schema;
}

}  // namespace

std::string plugin_path(const std::string& plugin) {
  if (plugin.find('/') != std::string::npos) return plugin;
  return installation::plugins_folder() + "/" + plugin + ".so";
}

Result<const vr_plugin*> load_plugin(const std::string& path) {
  const Error refusal("plugin " + path);
  for (const std::string& checked : {path, folder_of(path)}) {
    if (auto trusted = refuse_if_others_may_write(checked); !trusted) {
      return trusted.error().within(refusal.message());
    }
  }
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) return Error(::dlerror()).within(refusal.message());

  void* symbol = ::dlsym(object, VR_PLUGIN_SYMBOL);
  if (symbol == nullptr) {
    if (const int version = other_version(object); version != 0) {
      return Error(fmt::format(
                       "it speaks version {} of the plugin interface, this program version {}",
                       version, VR_PLUGIN_VERSION))
          .within(refusal.message());
    }
    return Error(fmt::format("it exports no {}", VR_PLUGIN_SYMBOL)).within(refusal.message());
  }
  const vr_plugin* plugin = reinterpret_cast<vr_plugin_entry>(symbol)();
  if (plugin == nullptr)
    return Error(fmt::format("{} returned NULL", VR_PLUGIN_SYMBOL)).within(refusal.message());
  if (auto whole = check_functions(*plugin); !whole) return whole.error().within(refusal.message());
  return plugin;
}

Result<PluginSchema> schema_of(const vr_plugin& plugin) {
  PluginSchema schema{plugin.name, plugin.version, {}};
  for (std::size_t i = 0; i < plugin.key_count; ++i) {
    const vr_key* key = plugin.keys[i];
    // A key's struct may come from an older or a newer header; all fields of the first version must
    // be there.
    if (key == nullptr || !VR_HAS(key, help)) {
      return Error(fmt::format("plugin {}: key number {} is not filled in", plugin.name, i));
    }
    auto read = key_of(*key);
    if (!read) return read.error().within(fmt::format("plugin {}", plugin.name));
    for (const KeySchema& other : schema.keys) {
      if (other.name == read->name)
        return Error(fmt::format("plugin {}: the key {} twice", plugin.name, read->name));
    }
    schema.keys.push_back(std::move(*read));
  }
  return schema;
}

}  // namespace reconciler::labeler
