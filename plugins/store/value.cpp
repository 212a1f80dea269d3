#include "plugins/store/value.h"

#include <cmath>
#include <string>

#include <fmt/format.h>

#include "plugins/address.h"
#include "plugins/topology_json.h"

namespace reconciler {

namespace {

constexpr double highest_exact =
    9007199254740992.0;  // 2^53: whole numbers above it are not told apart

template <typename Number>
bool read(const cJSON* value, double limit, Number& into) {
  if (!cJSON_IsNumber(value)) return false;
  const double number = value->valuedouble;
  if (!(number >= 0 && number <= limit) || number != std::floor(number)) return false;
  into = static_cast<Number>(number);
  return true;
}

}  // namespace

Result<std::string> value_of(const vr_topology& topology, const Decision& decision) {
  vr_topology counted = topology;
  counted.era = decision.era;
  counted.epoch = decision.epoch;
  counted.step = decision.step;
  const bool known = topology.state == VR_PRIMARY_KNOWN;
  const json::Document json = topology_json(counted);
  cJSON_AddStringToObject(json.get(), "state", known ? "known" : "suspected");
  cJSON_AddItemToObject(json.get(), "suspected",
                        known ? cJSON_CreateNull() : endpoint_json(*topology.primary));
  std::string text = json::printed(json.get());
  if (held_of_value(text) != held_of(topology, decision)) {
    return Error(fmt::format("a decision that JSON does not hold: primary {}, epoch {}",
                             held_of(topology, decision).primary, decision.epoch));
  }
  return text;
}

std::optional<HeldDecision> held_of_value(std::string_view value) {
  const json::Document json = json::parse(value);
  HeldDecision held;
  if (!read(json::member(json.get(), "era"), UINT32_MAX, held.decision.era) ||
      !read(json::member(json.get(), "epoch"), highest_exact, held.decision.epoch) ||
      !read(json::member(json.get(), "step"), UINT32_MAX, held.decision.step)) {
    return std::nullopt;
  }
  const std::string_view state = json::text(json.get(), "state");
  held.known = state == "known";
  if (!held.known && state != "suspected") return std::nullopt;
  const cJSON* primary = json::member(json.get(), held.known ? "primary" : "suspected");
  const std::string_view host = json::text(primary, "host");
  uint16_t port = 0;
  if (host.empty() || !read(json::member(primary, "port"), UINT16_MAX, port)) return std::nullopt;
  // The other one has to be null: else two could be read out of it.
  if (!cJSON_IsNull(json::member(json.get(), held.known ? "suspected" : "primary")))
    return std::nullopt;
  held.primary = host_and_port(canonical_host(host), port);
  return held;
}

HeldDecision held_of(const vr_topology& topology, const Decision& decision) {
  return {decision, topology.state == VR_PRIMARY_KNOWN,
          host_and_port(canonical_host(topology.primary->host), topology.primary->port)};
}

}  // namespace reconciler
