#include "plugins/exec/told.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

#include "plugins/topology_json.h"

namespace reconciler::exec {

namespace {

constexpr std::array passed_variables{"PATH", "LANG", "LC_ALL", "TZ"};

// Empty where there is none.
struct Written {
  std::string host;
  std::string port;
};

Written written(const std::optional<Endpoint>& endpoint) {
  if (!endpoint) return {};
  return {endpoint->host, std::to_string(endpoint->port)};
}

}  // namespace

std::vector<std::string> environment_of(const Told& told) {
  const vr_topology& topology = told.topology;
  const bool known = topology.state == VR_PRIMARY_KNOWN;
  const Endpoint named{topology.primary->host, topology.primary->port};
  const Written primary = known ? written(named) : Written{};
  const Written suspected = known ? Written{} : written(named);
  const Written previous = written(told.previous);
  std::string replicas;
  for (std::size_t i = 0; i < topology.replica_count; ++i) {
    const vr_instance& replica = *topology.replicas[i];
    if (replica.healthy == 0) continue;
    if (!replicas.empty()) replicas += ' ';
    replicas += to_string(Endpoint{replica.host, replica.port});
  }
  std::vector<std::string> environment{"VR_TARGET=" + told.target,
                                       fmt::format("VR_GROUP={}", topology.group),
                                       fmt::format("VR_STATE={}", known ? "known" : "suspected"),
                                       "VR_PRIMARY_HOST=" + primary.host,
                                       "VR_PRIMARY_PORT=" + primary.port,
                                       "VR_SUSPECTED_HOST=" + suspected.host,
                                       "VR_SUSPECTED_PORT=" + suspected.port,
                                       "VR_PREVIOUS_HOST=" + previous.host,
                                       "VR_PREVIOUS_PORT=" + previous.port,
                                       "VR_REPLICAS=" + replicas,
                                       fmt::format("VR_ERA={}", topology.era),
                                       fmt::format("VR_EPOCH={}", topology.epoch),
                                       fmt::format("VR_STEP={}", topology.step),
                                       fmt::format("VR_CAUSE={}", topology.cause),
                                       fmt::format("VR_EVENT_UNIX_US={}", topology.event_unix_us)};
  for (const char* name : passed_variables) {
    if (const char* value = std::getenv(name))
      environment.push_back(fmt::format("{}={}", name, value));
  }
  return environment;
}

std::string input_of(const Told& told) {
  const vr_topology& topology = told.topology;
  const bool known = topology.state == VR_PRIMARY_KNOWN;
  const json::Document json = topology_json(topology);
  cJSON_AddStringToObject(json.get(), "target", told.target.c_str());
  cJSON_AddStringToObject(json.get(), "state", known ? "known" : "suspected");
  cJSON_AddItemToObject(json.get(), "suspected",
                        known ? cJSON_CreateNull() : endpoint_json(*topology.primary));
  cJSON* previous = cJSON_CreateNull();
  if (told.previous) {
    cJSON_Delete(previous);
    previous =
        endpoint_json({sizeof(vr_instance), told.previous->host.c_str(), told.previous->port, 0});
  }
  cJSON_AddItemToObject(json.get(), "previous", previous);
  cJSON_AddStringToObject(json.get(), "cause", topology.cause);
  cJSON_AddNumberToObject(json.get(), "event_unix_us", static_cast<double>(topology.event_unix_us));
  return json::printed(json.get()) + "\n";
}

std::vector<std::string> sentinel_arguments(const Told& told) {
  const Endpoint to{told.topology.primary->host, told.topology.primary->port};
  const Endpoint from = told.previous.value_or(to);
  return {told.topology.group,    "leader", "start", from.host, std::to_string(from.port), to.host,
          std::to_string(to.port)};
}

}  // namespace reconciler::exec
