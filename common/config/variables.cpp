#include "common/config/variables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/config/values.h"
#include "common/text.h"

namespace reconciler {

namespace {

constexpr std::array<std::string_view, 3> own_prefixes{"VALKEY_SENTINEL_", "VALKEY_RECONCILER_",
                                                       "VALKEY_INSTANCE_"};

bool is_url_of_service(std::string_view value) {
  return value.starts_with("tcp://") || value.starts_with("udp://") || value.starts_with("sctp://");
}

// `_PORT_26379_TCP`, `_PORT_26379_TCP_ADDR`: what comes after `_PORT_`.
bool is_port_part(std::string_view part) {
  const std::size_t digits = part.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return false;
  part.remove_prefix(digits);
  for (const std::string_view protocol : {"_TCP", "_UDP", "_SCTP"}) {
    if (!part.starts_with(protocol)) continue;
    const std::string_view what = part.substr(protocol.size());
    return what.empty() || what == "_PROTO" || what == "_PORT" || what == "_ADDR";
  }
  return false;
}

}  // namespace

bool is_service_variable(std::string_view name, std::string_view value) {
  if (name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT")) return true;
  if (name.find("_SERVICE_PORT_") != std::string_view::npos) return true;
  if (name.ends_with("_PORT") && is_url_of_service(value)) return true;
  constexpr std::string_view port = "_PORT_";
  const std::size_t at = name.find(port);
  return at != std::string_view::npos && is_port_part(name.substr(at + port.size()));
}

Variables::Variables(const Environment& environment, Problems& problems)
    : environment_(&environment), problems_(&problems) {}

std::optional<Written> Variables::take_even_empty(const std::string& name, const std::string& key) {
  known_.push_back(name);
  const auto found = environment_->find(name);
  if (found == environment_->end()) return std::nullopt;
  return Written::as_text(key, name, found->second);
}

std::optional<Written> Variables::take(const std::string& name, const std::string& key) {
  auto written = take_even_empty(name, key);
  if (written && written->text().empty()) return std::nullopt;
  return written;
}

std::optional<Written> Variables::take_port(const std::string& name, const std::string& key) {
  auto written = take(name, key);
  if (!written || !is_service_variable(name, written->text())) return written;
  notes_.push_back(fmt::format(
      "{}={} was set by Kubernetes for a Service of that name and is not taken as the port", name,
      printable(written->text())));
  return std::nullopt;
}

void Variables::refuse_unknown() {
  for (const auto& variable : *environment_) {
    const std::string& name = variable.first;
    const bool ours =
        std::any_of(own_prefixes.begin(), own_prefixes.end(),
                    [&](std::string_view prefix) { return name.starts_with(prefix); });
    if (!ours || is_service_variable(name, variable.second)) continue;
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    const std::string suggestion = nearest(name, known_);
    problems_->add({printable(name), {}}, "",
                   suggestion.empty()
                       ? "unknown variable; expected one that the documentation names"
                       : fmt::format("unknown variable; did you mean {}? expected one that the "
                                     "documentation names",
                                     suggestion));
  }
}

}  // namespace reconciler
