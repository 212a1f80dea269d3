// Where the configuration comes from: the file that was named, else the system's where there is one, else the environment
// alone.
#pragma once

#include <optional>
#include <string>

#include "common/config/loading.h"
#include "common/result.h"
#include "supervisor/describe.h"

namespace reconciler {

class ConfigurationSource {
 public:
  // `named`: the file, as the user names it; empty: none.
  ConfigurationSource(std::string named, bool dry_run);

  // May take its time: plugins are asked for their schemas.
  Result<Configuration> load(const DescribePlugin& describe = describe_plugin,
                             const SentinelsRead& read = nullptr) const;

  // The file to watch, whether it is there or not.
  std::string watched_file() const;

  // A file that was read once is not done without: that it is gone is no wish for the environment alone.
  void loaded(const Configuration& configuration) { named_ = configuration.file; }

 private:
  std::optional<std::string> file() const;

  std::string named_;
  bool dry_run_;
};

// The log as the configuration wants it, and what there is to note of that.
void begin_log(const Configuration& configuration);

}  // namespace reconciler
