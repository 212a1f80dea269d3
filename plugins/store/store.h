// A place that keeps one value for a group and changes it by compare-and-set. What GroupValue drives.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/result.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

// The value as it was read.
struct Stored {
  std::string value;
  uint64_t version = 0;  // of the value, never twice the same but for 0: there is none
  bool is_whole = true;  // what the store keeps beside the value is as the value wants it
  // And as our settings want it. No reason to write by itself: others have settings of their own.
  bool is_as_set = true;
};

// One for each group, owned by its GroupValue. At most one read or write is open; its function is called once, never
// from within read() or write(), and not at all after stop().
class Store {
 public:
  using OnRead = std::function<void(Result<Stored>)>;
  using OnWritten =
      std::function<void(Result<bool>)>;  // false: the value was not `expected` any more

  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  virtual void read(OnRead on_read) = 0;
  // All or nothing. `topology` is what `value` says; after an error it may or may not have been written.
  virtual void write(const std::string& value, const vr_topology& topology, const Stored& expected,
                     OnWritten on_written) = 0;
  virtual void stop() = 0;

  // The value as it was last read or written is agreed, or it isn't. `lost` is called where it is known to be gone; never
  // from within.
  virtual void keep(bool /*agreed*/, const std::function<void()>& /*lost*/) {}
};

}  // namespace reconciler
