// The environment while it is read: hands out variables, and afterwards refuses those of our own prefixes that nobody knows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/loading.h"
#include "common/config/problems.h"
#include "common/config/written.h"

namespace reconciler {

class Variables {
 public:
  Variables(const Environment& environment, Problems& problems);

  // The value of `name`, which sets `key`. An empty variable counts as not set.
  std::optional<Written> take(const std::string& name, const std::string& key);
  // For a variable that says something when it is empty.
  std::optional<Written> take_even_empty(const std::string& name, const std::string& key);

  // A port, except where Kubernetes set the variable for a Service whose name happens to make it: that is noted and not taken.
  std::optional<Written> take_port(const std::string& name, const std::string& key);

  // A variable that somebody else reads.
  void leave(const std::string& name) { known_.push_back(name); }

  // To be called when every variable was asked for.
  void refuse_unknown();

  const std::vector<std::string>& notes() const { return notes_; }

 private:
  const Environment* environment_;
  Problems* problems_;
  std::vector<std::string> known_;
  std::vector<std::string> notes_;
};

// Whether Kubernetes sets a variable of this name and value in each pod for a Service of the namespace.
bool is_service_variable(std::string_view name, std::string_view value);

}  // namespace reconciler
