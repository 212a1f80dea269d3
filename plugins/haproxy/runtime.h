// HAProxy's runtime interface as text: the commands, and what is read out of the answers. Pure.
// Management guide of HAProxy 2.6, sections 9.2 and 9.3 (`show servers state`, `set server`, `set var`).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "plugins/held_decision.h"

namespace reconciler::haproxy {

struct Server {
  std::string name;
  std::string address;  // in canonical form; `-`: not resolved yet
  uint16_t port = 0;
  std::string fqdn;  // the host name of its line, in lower case; empty: it has an address
  bool in_maintenance = false;  // by `set server ... state`, or since it starts so
  bool held_down =
      false;  // in maintenance by HAProxy itself: its name is not resolved, or that of one it tracks
  bool draining = false;  // takes connections of persistent clients only

  bool is_ready() const { return !in_maintenance && !held_down && !draining; }
  friend bool operator==(const Server&, const Server&) = default;
};

struct State {
  std::vector<Server> servers;
  std::optional<HeldDecision> held;

  friend bool operator==(const State&, const State&) = default;
};

// An answer: the state as read by `read_commands` at its end, and what HAProxy had to say of the commands before it.
struct Answer {
  State state;
  std::string remarks;

  bool refuses_rights() const { return remarks.find("Permission denied") != std::string::npos; }
};

enum class Refusal { none, rights, backend };
// `none`: the answer was cut off, or isn't HAProxy's.
struct Unreadable {
  Refusal refusal = Refusal::none;
  std::string message;
};

bool is_proxy_name(std::string_view name);

// The variable of the process that holds the decision; it dies with the process, as the states of the servers do.
std::string variable_of(std::string_view backend);

// Of an announced host, which is anything: no byte of it can end a command or a value.
std::string plain(std::string_view text);

using Commands = std::vector<std::string>;
// `held`: the decision, too.
Commands read_commands(const std::string& backend, bool held);
Commands hold_commands(const std::string& backend, const HeldDecision& held);
std::string state_command(const std::string& backend, const std::string& server, const char* state);
std::string cut_command(const std::string& backend, const std::string& server);
std::string address_command(const std::string& backend, const std::string& server,
                            const std::string& ip, uint16_t port);
// All in one line, which HAProxy carries out in this order.
std::string line_of(const Commands& commands);

// `unreadable` is set where there is no state in it.
std::optional<Answer> read_answer(std::string_view text, const std::string& backend,
                                  Unreadable& unreadable);

}  // namespace reconciler::haproxy
