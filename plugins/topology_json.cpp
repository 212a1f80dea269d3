#include "plugins/topology_json.h"

#include <string>

namespace reconciler {

cJSON* endpoint_json(const vr_instance& instance) {
  cJSON* json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "host", instance.host);
  cJSON_AddNumberToObject(json, "port", instance.port);
  return json;
}

json::Document topology_json(const vr_topology& topology) {
  json::Document json(cJSON_CreateObject());
  cJSON_AddStringToObject(json.get(), "group", topology.group);
  if (topology.state == VR_PRIMARY_KNOWN) {
    cJSON_AddItemToObject(json.get(), "primary", endpoint_json(*topology.primary));
  } else {
    cJSON_AddNullToObject(json.get(), "primary");
  }
  cJSON* replicas = cJSON_AddArrayToObject(json.get(), "replicas");
  for (std::size_t i = 0; i < topology.replica_count; ++i) {
    cJSON* replica = endpoint_json(*topology.replicas[i]);
    cJSON_AddBoolToObject(replica, "healthy", topology.replicas[i]->healthy);
    cJSON_AddItemToArray(replicas, replica);
  }
  cJSON_AddNumberToObject(json.get(), "era", topology.era);
  // Of a number cJSON prints 15 digits, and takes 2^52 + 1 for its neighbour.
  cJSON_AddRawToObject(json.get(), "epoch", std::to_string(topology.epoch).c_str());
  cJSON_AddNumberToObject(json.get(), "step", topology.step);
  return json;
}

}  // namespace reconciler
