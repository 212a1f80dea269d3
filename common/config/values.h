// Texts of the configuration that mean something: durations, addresses, names. Pure. The errors quote what was
// written and say what was expected; the caller adds place and key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/config/configuration.h"
#include "common/result.h"

namespace reconciler {

// `"text"`, with control characters escaped and cut where it is long: for messages.
std::string quote(std::string_view text);

// `250ms`, `10s`, `5m`, `1h`.
Result<Milliseconds> parse_duration(std::string_view text);
std::string format_duration(Milliseconds duration);  // in the largest unit that divides it

// As the configuration writes them: "announcement", "switch".
std::string_view to_string(ActOn act_on);
std::string_view to_string(DemoteOn demote_on);

// A whole number, as a variable has it.
Result<int64_t> parse_integer(std::string_view text);

Result<uint16_t> parse_port(std::string_view text);

// `host`, `host:port`, `[IPv6]:port`, `[IPv6]` or a bare IPv6 address. IP addresses come back in their canonical form.
struct Address {
  std::string host;
  std::optional<uint16_t> port;
};
Result<Address> parse_address(std::string_view text);

// Where to listen: an IP address and a port, `127.0.0.1:8080` or `[::]:8080`. Comes back in its canonical form.
Result<std::string> parse_listen_address(std::string_view text);

// Whether `text` may name a set of Sentinels or a target: 1 to 63 letters, digits, '.', '_' and '-', a letter or digit first.
bool is_name(std::string_view text);

// Whether both mean the same host: letters of either case, with or without the dot at the end.
bool same_host(std::string_view one, std::string_view other);

}  // namespace reconciler
