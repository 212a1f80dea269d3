// Asks a plugin for its configuration schema through `labeler --describe`: a plugin's code never
// runs in this process.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/config/plugin_schema.h"
#include "common/result.h"
#include "supervisor/process.h"

namespace reconciler {

// Blocks for 5 s at most. May be called from any thread.
Result<PluginSchema> describe_plugin(const std::string& plugin);

// The same at the start of the program, by labelers that go on to serve: so a plugin and its libraries
// are loaded once on the way to the first label (measured for kubernetes: a quarter of that way).
class WaitingLabelers {
 public:
  WaitingLabelers() = default;
  // Ends those that nobody took.
  ~WaitingLabelers() { end_all(); }
  WaitingLabelers(WaitingLabelers&& other) noexcept : waiting_(std::exchange(other.waiting_, {})) {}
  WaitingLabelers& operator=(WaitingLabelers&& other) noexcept;

  // Only from the main thread: it takes its children along when it ends.
  Result<PluginSchema> describe(const std::string& plugin);

  // The one that has described this plugin; each once.
  std::optional<StartedProcess> take(const std::string& plugin);

 private:
  void end_all();

  std::map<std::string, StartedProcess> waiting_;  // by plugin
};

}  // namespace reconciler
