// Addresses as text in one form, so that equal ones are equal strings. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reconciler {

// `10.0.0.7`, `fd00::7` in the form of inet_ntop; an IPv4 address mapped into IPv6 becomes plain IPv4. Nothing
// where the text is no address.
std::optional<std::string> canonical_ip(std::string_view text);

// The host of a topology: an address in canonical form, or a name in lower case without the root's dot.
std::string canonical_host(std::string_view host);

// `10.0.0.7:6379`, `[fd00::7]:6379`, `valkey-0.valkey:6379`; `host` in canonical form.
std::string host_and_port(std::string_view host, uint16_t port);

}  // namespace reconciler
