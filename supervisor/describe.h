// Asks a plugin for its configuration schema through `labeler --describe`: a plugin's code never
// runs in this process.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/config/configuration.h"
#include "common/config/plugin_schema.h"
#include "common/result.h"
#include "supervisor/process.h"

namespace reconciler {

// Blocks for `within_ms` at most. May be called from any thread.
Result<PluginSchema> describe_plugin(const std::string& plugin, int64_t within_ms);

// What the watcher has to know of it.
WatcherSettings watcher_settings(const Configuration& configuration);

// The number of a child that was configured by WaitingChildren.
inline constexpr uint64_t first_generation = 1;

// Children that are started before there is a configuration, and wait for it: a plugin and its libraries are loaded once on
// the way to the first label (measured for kubernetes: a quarter of that way), and the watcher's beside them.
// All is called from the main thread: it takes its children along when it ends.
class WaitingChildren {
 public:
  WaitingChildren() = default;
  // Ends those that nobody took.
  ~WaitingChildren() { end_all(); }
  WaitingChildren(WaitingChildren&& other) noexcept;
  WaitingChildren& operator=(WaitingChildren&& other) noexcept;

  // Where it can't be started now, whoever wants it starts it later.
  void start_watcher();
  // It begins at once, while the plugins are asked: it takes as long to hear of a primary as a labeler to list the pods.
  void configure_watcher(const Configuration& configuration);

  // By a labeler that goes on to serve.
  Result<PluginSchema> describe(const std::string& plugin, int64_t within_ms);
  // Some plugin could not be asked, or did not answer in time: that is the machine's affair, and may pass.
  bool unasked() const { return unasked_; }

  // Each once.
  std::optional<StartedProcess> take_watcher() { return std::exchange(watcher_, std::nullopt); }
  // The one that has described this plugin.
  std::optional<StartedProcess> take_labeler(const std::string& plugin);

 private:
  void end_all();

  Result<std::string> ask(const std::string& plugin, int64_t within_ms);

  bool unasked_ = false;
  std::optional<StartedProcess> watcher_;
  std::map<std::string, StartedProcess> labelers_;  // by plugin
};

}  // namespace reconciler
