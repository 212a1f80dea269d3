// A topology as JSON, in the form that the targets share.
#pragma once

#include <cjson/cJSON.h>

#include "common/json.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

// {"host":"10.0.0.5","port":6379}
cJSON* endpoint_json(const vr_instance& instance);

// {"group","primary","replicas":[{"host","port","healthy"}],"era","epoch","step"}; "primary" is null while it is suspected.
json::Document topology_json(const vr_topology& topology);

}  // namespace reconciler
