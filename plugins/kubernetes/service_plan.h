// What is to be written so that a Service leads to the primary, for the two ways to publish by one object: an EndpointSlice
// of a Service without selector, or the Service's own selector. The object holds stamp and publication, so that one
// compare-and-swap write switches. Pure, and the only place where that is decided; README.md tells it in words.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "plugins/kubernetes/object_store.h"
#include "plugins/kubernetes/plan.h"
#include "plugins/kubernetes/service.h"

namespace reconciler {

using Slices = ObjectStore<Slice>::Items;

// What the selector says for a primary that is withdrawn: no pod has such a name, which is in lower case.
inline constexpr char nobody[] = "NONE";

std::string slice_name(const std::string& service);

struct ServicePlan {
  enum class Verdict : uint8_t {
    right,        // nothing to do
    change,       // write what follows
    stand_down,   // the object remembers a higher decision
    refused,      // a person has to mend something first
    paused,       // something would be written, but an operator wants the Service left alone
    no_pod,       // the primary can't be published so, and what is published stays as it is
    no_pod_stale  // the same, but that is of a lower epoch: after a while it goes, by what follows
  };

  Verdict verdict = Verdict::right;
  const char* problem = nullptr;  // of all but right and change: its id
  std::string cause;              // for people
  std::string pause;              // the operator's word, whatever the verdict; empty: none
  Claim higher;                   // of stand_down: that decision
  bool newer_format = false;      // of stand_down: a newer version of this program wrote the stamp
  const Pod* primary = nullptr;   // null: none is known

  // of change and no_pod_stale
  StampKind kind = StampKind::promoted;  // fenced: nothing is published
  std::string pod_name;                  // by the selector: what it says of the pod's name
  SliceContent content;                  // by a slice: what it says

  // What else is wrong, beside all this: another slice leads elsewhere.
  std::string others;
};

// What is known of the world. `service` and `slices` are those of one Service.
struct ServiceView {
  std::string pod_namespace;
  std::string service_name;
  const Service* service = nullptr;  // null: there is none
  const Slices* slices = nullptr;    // of a slice only
  const Pods* pods = nullptr;
  std::string service_port;  // which port of the Service is Valkey's; empty: as it can be told
};

ServicePlan plan_selector(const Wanted& wanted, const ServiceView& view);
ServicePlan plan_slice(const Wanted& wanted, const ServiceView& view);

// The slice of the healthy replicas: `wanted` with what plan_slice() has for the primary.
ServicePlan plan_replica_slice(const Wanted& wanted, const ServiceView& view);

// The one stamp that there is, for known_decisions.h.
std::optional<HighestStamp> stamp_of(const Wanted& wanted, const ApiObject* object);

}  // namespace reconciler
