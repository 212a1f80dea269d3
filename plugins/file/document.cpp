#include "plugins/file/document.h"

#include <fmt/format.h>

#include <cmath>

#include "common/log.h"
#include "common/text.h"
#include "plugins/count_ahead.h"
#include "plugins/topology_json.h"

namespace reconciler::file {

namespace {

// cJSON's numbers are doubles: whole up to here.
constexpr double largest_number = 9007199254740992.0;

// nullptr where it is no JSON, or more than that.
json::Document parse(std::string_view document) {
  const char* end = nullptr;
  json::Document json(cJSON_ParseWithLengthOpts(document.data(), document.size(), &end, 0));
  if (json && !trim(document.substr(static_cast<std::size_t>(end - document.data()))).empty()) {
    json.reset();
  }
  return json;
}

Result<uint64_t> number_of(const cJSON* json, const char* key) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(json, key);
  if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > largest_number ||
      std::floor(item->valuedouble) != item->valuedouble) {
    return Error(fmt::format("\"{}\" is no whole number", key));
  }
  return static_cast<uint64_t>(item->valuedouble);
}

}  // namespace

std::string file_stem(std::string_view group) {
  std::string name;
  for (const char c : group) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || (c == '.' && !name.empty());
    if (plain) {
      name += c;
    } else {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return name;
}

std::string render(const vr_topology& topology, int64_t unix_us) {
  const json::Document json = topology_json(topology);
  cJSON_AddStringToObject(json.get(), "time", log::format_time(unix_us).c_str());
  return json::printed(json.get()) + "\n";
}

Result<Held> read_held(std::string_view document) {
  const json::Document json = parse(document);
  if (!cJSON_IsObject(json.get())) return Error("no JSON object");
  auto era = number_of(json.get(), "era");
  if (!era) return era.error();
  auto epoch = number_of(json.get(), "epoch");
  if (!epoch) return epoch.error();
  auto step = number_of(json.get(), "step");
  if (!step) return step.error();
  if (*era > UINT32_MAX || *step > UINT32_MAX) return Error("\"era\" or \"step\" is too large");
  const cJSON* primary = cJSON_GetObjectItemCaseSensitive(json.get(), "primary");
  const cJSON* host = cJSON_GetObjectItemCaseSensitive(primary, "host");
  auto port = number_of(primary, "port");
  return Held{{static_cast<uint32_t>(*era), *epoch, static_cast<uint32_t>(*step)},
              cJSON_IsString(host) && port ? fmt::format("{} {}", host->valuestring, *port)
                                           : std::string()};
}

bool says(std::string_view document, const vr_topology& topology) {
  const json::Document json = parse(document);
  if (!cJSON_IsObject(json.get())) return false;
  cJSON_DeleteItemFromObjectCaseSensitive(json.get(), "time");
  const json::Document told = parse(json::printed(topology_json(topology).get()));
  return cJSON_Compare(json.get(), told.get(), /*case_sensitive=*/1) != 0;
}

std::optional<Decision> placed(const Held& held, const vr_topology& topology) {
  const Decision ours{topology.era, topology.epoch, topology.step};
  const Decision& known = held.decision;
  if (known <= ours) return ours;
  const bool withdrawn = topology.state != VR_PRIMARY_KNOWN;
  const std::string primary = fmt::format("{} {}", topology.primary->host, topology.primary->port);
  const bool same_era = known.era == ours.era;
  if (known.epoch != ours.epoch) return std::nullopt;
  // The very decision. Whose suspicion it was the file doesn't tell, so under another era it proves nothing.
  const bool same = known.settled() == ours.settled() &&
                    (withdrawn ? held.primary.empty() && same_era : held.primary == primary);
  if (same) return known;
  // A settled decision for another primary is one that this program's Sentinels don't know of.
  if (!same_era || (known.settled() && held.primary != primary)) return std::nullopt;
  return above(known, ours.settled());
}

}  // namespace reconciler::file
