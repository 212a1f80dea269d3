// Loads the configuration anew: asked by SIGHUP, or because its file is another one than before.
#pragma once

#include <uv.h>

#include <functional>
#include <optional>
#include <string>

#include "common/config/configuration.h"
#include "common/result.h"
#include "supervisor/pool_work.h"
#include "supervisor/reload_watch.h"

namespace reconciler {

// Driven by the loop, owned by main. Loads on a thread of libuv's pool: plugins are asked for their
// schemas, and no failover waits for that.
class Reload {
 public:
  using Load = std::function<Result<Configuration>()>;
  using Done = std::function<void(Result<Configuration>)>;

  // `load` is called on the other thread. `file`: what is watched; `text`: what was in it before the configuration
  // in effect was loaded.
  Reload(uv_loop_t* loop, const std::string& file, FileText text, Load load, Done done);

  // From now on the file is watched.
  void watch() { watch_.start(); }

  // Asked by somebody: also where nothing has changed.
  void start() { watch_.look_at_once(); }

  // A thread of libuv's pool is at work for it.
  bool running() const { return work_.running() || watch_.running(); }

 private:
  void load();
  void finish();

  Load load_;
  Done done_;
  std::optional<Result<Configuration>> result_;
  bool again_ = false;
  PoolWork work_;
  FileWatch watch_;
};

}  // namespace reconciler
