#include "plugins/store/value.h"

#include <cmath>
#include <memory>
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
  const Json json = topology_json(counted);
  // cJSON prints 15 digits of a number, and takes 2^52 + 1 for its neighbour.
  cJSON_ReplaceItemInObjectCaseSensitive(json.get(), "epoch",
                                         cJSON_CreateRaw(std::to_string(decision.epoch).c_str()));
  cJSON_AddStringToObject(json.get(), "state", known ? "known" : "suspected");
  cJSON_AddItemToObject(json.get(), "suspected",
                        known ? cJSON_CreateNull() : endpoint_json(*topology.primary));
  const std::unique_ptr<char, void (*)(void*)> text(cJSON_PrintUnformatted(json.get()), cJSON_free);
  if (held_of_value(text.get()) != held_of(topology, decision)) {
    return Error(fmt::format("a decision that JSON does not hold: primary {}, epoch {}",
                             held_of(topology, decision).primary, decision.epoch));
  }
  return std::string(text.get());
}

std::optional<HeldDecision> held_of_value(std::string_view value) {
  const Json json = parse_json(value);
  HeldDecision held;
  if (!read(member(json.get(), "era"), UINT32_MAX, held.decision.era) ||
      !read(member(json.get(), "epoch"), highest_exact, held.decision.epoch) ||
      !read(member(json.get(), "step"), UINT32_MAX, held.decision.step)) {
    return std::nullopt;
  }
  const std::string_view state = text_member(json.get(), "state");
  held.known = state == "known";
  if (!held.known && state != "suspected") return std::nullopt;
  const cJSON* primary = member(json.get(), held.known ? "primary" : "suspected");
  const std::string_view host = text_member(primary, "host");
  uint16_t port = 0;
  if (host.empty() || !read(member(primary, "port"), UINT16_MAX, port)) return std::nullopt;
  // The other one has to be null: else two could be read out of it.
  if (!cJSON_IsNull(member(json.get(), held.known ? "suspected" : "primary"))) return std::nullopt;
  held.primary = host_and_port(canonical_host(host), port);
  return held;
}

HeldDecision held_of(const vr_topology& topology, const Decision& decision) {
  return {decision, topology.state == VR_PRIMARY_KNOWN,
          host_and_port(canonical_host(topology.primary->host), topology.primary->port)};
}

}  // namespace reconciler
