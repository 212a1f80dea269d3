// A JSON Patch (RFC 6902) of an object that may bear a stamp. Pure.
#pragma once

#include <string>
#include <string_view>

#include "plugins/kubernetes/api_object.h"

namespace reconciler {

// A key as one step of a JSON Pointer (RFC 6901): `~` and `/` escaped.
std::string pointer_step(std::string_view key);

class PatchDocument {
 public:
  // `value`, which is taken over.
  void add(const char* operation, const std::string& path, cJSON* value);
  void text(const char* operation, const std::string& path, const std::string& value);
  void test_absent(const std::string& path);  // by JSON's null
  void remove(const std::string& path);

  // Where the parent object is absent, a path below it can be neither tested nor written: the parent is.
  void write_below(bool has_parent, const std::string& parent, const std::string& key,
                   const std::string& value);

  // That the object is the one that was seen: its uid and its whole stamp.
  void require_as_seen(const ApiObject& seen);
  // Besides, that nobody has paused or resumed it since: a view that is behind must not write to what is paused.
  void require_pause_as_seen(const ApiObject& seen);
  void write_stamp(const ApiObject& seen, const Stamp& stamp);

  std::string str() const { return "[" + operations_ + "]"; }

 private:
  // `value` as JSON; empty: none.
  void operation(const char* name, const std::string& path, const std::string& value);

  std::string operations_;
};

}  // namespace reconciler
