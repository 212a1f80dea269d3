// Kubeconfig files as kubectl merges them, before anything of them is understood.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <yaml-cpp/yaml.h>

#include "common/result.h"

namespace reconciler {

// A piece of YAML with the file that it came from.
struct KubeconfigEntry {
  YAML::Node node;
  std::string file;

  // `what` with file, line and column.
  Error wrong(const std::string& what) const;
  // Nothing where the key is absent, null or empty.
  Result<std::optional<std::string>> text(const char* key) const;
};

struct KubeconfigFiles {
  std::string context;  // `current-context`
  std::string context_file;
  std::map<std::string, KubeconfigEntry> contexts, clusters, users;  // by name
};

// `paths`: one or more by colon. The first to set a value or to name an entry wins; of several, those that don't exist
// are skipped. May throw YAML::Exception.
Result<KubeconfigFiles> read_kubeconfig_files(std::string_view paths);

}  // namespace reconciler
