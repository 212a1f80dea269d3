#include "common/config/values.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <strings.h>

#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "common/text.h"

namespace reconciler {

namespace {

constexpr std::size_t longest_quote = 80;

constexpr std::string_view address_forms = R"(expected "host", "host:port" or "[IPv6]:port")";
constexpr std::string_view listen_forms = R"(expected "127.0.0.1:8080", "[::]:8080" or the like)";

struct Unit {
  std::string_view name;
  Milliseconds milliseconds;
};
constexpr std::array<Unit, 4> units{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool only_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The canonical text of an IP address of `family`, or nothing.
std::optional<std::string> ip_address(int family, std::string_view text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  if (::inet_pton(family, std::string(text).c_str(), bytes.data()) != 1) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> out{};
  return std::string(::inet_ntop(family, bytes.data(), out.data(), out.size()));
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
    return false;
  for (const char c : label) {
    if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_') return false;
  }
  return true;
}

// RFC 1123, with the underscore that names within clusters have. A last label of digits alone is a mistyped IP address.
bool is_host_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return !only_digits(text);
    text.remove_prefix(dot + 1);
  }
}

// The two halves of `host:port`, `[IPv6]:port` and so on; the port is nothing where there is none.
struct Halves {
  std::string_view host;
  std::optional<std::string_view> port;
  bool bracketed = false;
};
std::optional<Halves> halves(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (rest.empty()) return Halves{host, std::nullopt, true};
    if (rest.front() != ':') return std::nullopt;
    return Halves{host, rest.substr(1), true};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return Halves{text, std::nullopt};
  if (text.find(':', colon + 1) != std::string_view::npos) return Halves{text, std::nullopt};
  return Halves{text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

std::string quote(std::string_view text) {
  if (text.size() <= longest_quote) return json_string(text);
  std::size_t end = longest_quote;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return json_string(text.substr(0, end)) + "...";
}

Result<Milliseconds> parse_duration(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return Error(fmt::format(R"({} {}; expected a duration such as "250ms", "10s", "5m" or "1h")",
                             quote(text), what));
  };
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return wrong("is no duration");
  if (digits == text.size()) return wrong("has no unit");
  for (const Unit& unit : units) {
    if (text.substr(digits) != unit.name) continue;
    Milliseconds count = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + digits, count);
    if (parsed.ec != std::errc() ||
        count > std::numeric_limits<Milliseconds>::max() / unit.milliseconds) {
      return wrong("is too long");
    }
    return count * unit.milliseconds;
  }
  return wrong("has no unit that is known");
}

std::string format_duration(Milliseconds duration) {
  for (const Unit& unit : units) {
    if (duration != 0 && duration % unit.milliseconds == 0) {
      return fmt::format("{}{}", duration / unit.milliseconds, unit.name);
    }
  }
  return "0s";
}

std::string_view to_string(ActOn act_on) {
  switch (act_on) {
    case ActOn::announcement:
      return "announcement";
    case ActOn::agreement:
      return "agreement";
    case ActOn::promotion:
      break;
  }
  return "promotion";
}

std::string_view to_string(DemoteOn demote_on) {
  return demote_on == DemoteOn::odown ? "odown" : "switch";
}

Result<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end) {
    return Error(fmt::format("{} is no whole number; expected digits such as 10", quote(text)));
  }
  return value;
}

Result<uint16_t> parse_port(std::string_view text) {
  uint32_t port = 0;
  if (only_digits(text) && text.size() <= 5)
    std::from_chars(text.data(), text.data() + text.size(), port);
  if (port < 1 || port > 65'535) {
    return Error(fmt::format("{} is no port; expected a port from 1 to 65535", quote(text)));
  }
  return static_cast<uint16_t>(port);
}

Result<Address> parse_address(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return Error(fmt::format("{} {}; {}", quote(text), what, address_forms));
  };
  if (text.empty()) return Error(fmt::format("is empty; {}", address_forms));
  if (text.find("://") != std::string_view::npos) return wrong("is a URL");

  const std::optional<Halves> parts = halves(text);
  if (!parts) return wrong("has brackets that do not match");
  Address address;
  if (parts->host.empty()) return wrong("has no host");
  if (const auto ipv6 = ip_address(AF_INET6, parts->host)) {
    address.host = *ipv6;
  } else if (parts->bracketed || parts->host.find(':') != std::string_view::npos) {
    return wrong("is no IPv6 address");
  } else if (const auto ipv4 = ip_address(AF_INET, parts->host)) {
    address.host = *ipv4;
  } else if (is_host_name(parts->host)) {
    address.host = parts->host;
  } else {
    return wrong("has a host that is neither a name nor an IP address");
  }
  if (parts->port) {
    Result<uint16_t> port = parse_port(*parts->port);
    if (!port) return port.error().within(quote(text));
    address.port = *port;
  }
  return address;
}

Result<std::string> parse_listen_address(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return Error(fmt::format("{} {}; {}", quote(text), what, listen_forms));
  };
  const std::optional<Halves> parts = halves(text);
  if (!parts || !parts->port) return wrong("is not an IP address with a port");
  const auto host = ip_address(parts->bracketed ? AF_INET6 : AF_INET, parts->host);
  if (!host) return wrong("has a host that is no IP address");
  const Result<uint16_t> port = parse_port(*parts->port);
  if (!port) return port.error().within(quote(text));
  return to_string(Endpoint{*host, *port});
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 63 || (!is_letter(text[0]) && !is_digit(text[0]))) return false;
  for (const char c : text) {
    if (!is_letter(c) && !is_digit(c) && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

bool same_host(std::string_view one, std::string_view other) {
  if (one.ends_with('.')) one.remove_suffix(1);
  if (other.ends_with('.')) other.remove_suffix(1);
  return one.size() == other.size() && ::strncasecmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace reconciler
