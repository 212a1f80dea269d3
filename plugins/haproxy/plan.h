// What to send so that a backend leads to the primary and to nothing else. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "plugins/haproxy/runtime.h"

namespace reconciler::haproxy {

enum class Publish {
  state,    // one server for each instance: the primary's is ready, all others are in maintenance
  address,  // one server, whose address follows the primary
};

enum class Match { address, name };

// How the servers of one backend are to be read and changed.
struct Rules {
  std::string backend;
  Publish publish = Publish::state;
  Match match = Match::address;  // of Publish::state
  std::string server;            // of Publish::address
  bool cut_sessions = false;
  bool remember = true;  // HAProxy is to hold the decision
};

struct Wanted {
  bool known = true;  // false: nothing is to be published
  std::string host;   // in canonical form
  uint16_t port = 0;
};

// `fence` is sent first, and `promote` only where the state that is read afterwards needs no fence. What is right already
// is in neither.
struct Plan {
  Commands fence;
  Commands promote;
  std::string
      no_server;  // not empty: none can be the primary's; `fence` then withdraws whatever is there
  std::string held_down;  // not empty: it is not ready, and that is not for us to change

  bool is_done() const { return fence.empty() && promote.empty(); }
};

Plan make_plan(const std::vector<Server>& servers, const Wanted& wanted, const Rules& rules);

}  // namespace reconciler::haproxy
