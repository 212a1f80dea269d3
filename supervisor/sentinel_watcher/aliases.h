// Which texts name one instance: Sentinels may announce addresses, host names, or one after the other. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/topology.h"

namespace reconciler {

// An IP address, so that there is nothing to look up.
bool is_address(const std::string& host);

// Filled by the InstanceNames of a set of Sentinels, read by the topology builders of its groups.
class Aliases {
 public:
  // `host` is being looked up for the first time.
  void looking_up(const std::string& host);
  // The addresses that it has, as text. None: it can't be resolved; what was known before stays known.
  void found(const std::string& host, std::vector<std::string> addresses);

  // Never true for different ports. A host name that could not be resolved is only the same as itself.
  bool same(const Endpoint& one, const Endpoint& other) const;

  // Whether `same` may say something else in a moment: a lookup is under way.
  bool unsure(const Endpoint& one, const Endpoint& other) const;

 private:
  struct Name {
    std::vector<std::string> addresses;
    bool pending = true;
  };

  const Name* find(const std::string& host) const;

  std::map<std::string, Name> names_;
};

}  // namespace reconciler
