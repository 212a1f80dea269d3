#include "plugins/kubernetes/service_plan.h"

#include <utility>

#include <fmt/format.h>

#include "plugins/kubernetes/match.h"
#include "plugins/kubernetes/pause.h"
#include "plugins/kubernetes/slice_content.h"

namespace reconciler {

namespace {

// What the one object shows, against what is wanted.
enum class Shown : uint8_t { nothing, wanted, other };

struct Holder {
  const StampReading& stamp;
  Shown shown;
  std::string name;  // for people
};

std::vector<const Pod*> pointers(const Pods& pods) {
  std::vector<const Pod*> all;
  all.reserve(pods.size());
  for (const auto& [name, pod] : pods) all.push_back(&pod);
  return all;
}

Match find_primary(const Wanted& wanted, const ServiceView& view) {
  return find_instance(pointers(*view.pods), wanted.host, wanted.port, view.pod_namespace);
}

void refuse(ServicePlan& plan, const char* problem, std::string cause) {
  plan.verdict = ServicePlan::Verdict::refused;
  plan.problem = problem;
  plan.cause = std::move(cause);
}

std::string service_of(const ServiceView& view) {
  return "Service " + view.pod_namespace + "/" + view.service_name;
}

// True where there is a Service that may be written for.
bool admit(ServicePlan& plan, const ServiceView& view) {
  if (view.service == nullptr) {
    refuse(plan, "no-service", "there is no " + service_of(view));
    return false;
  }
  return true;
}

ServicePlan unless_paused(ServicePlan plan, const ServiceView& view) {
  if (view.service == nullptr || view.service->paused().empty()) return plan;
  plan.pause = fmt::format("paused by the annotation {} of {}: {}", pause_annotation,
                           service_of(view), view.service->paused());
  const bool writes = plan.verdict == ServicePlan::Verdict::change ||
                      plan.verdict == ServicePlan::Verdict::no_pod_stale;
  if (!writes) return plan;
  plan.verdict = ServicePlan::Verdict::paused;
  plan.problem = "paused";
  plan.cause = plan.pause;
  return plan;
}

void stand_down(ServicePlan& plan, const Claim& higher, std::string cause) {
  plan.verdict = ServicePlan::Verdict::stand_down;
  plan.problem = plan.newer_format ? "newer-stamp" : "higher-decision";
  plan.higher = higher;
  plan.cause = std::move(cause);
}

// Before what stands above: whoever decided higher may have decided the same.
void decide_below(ServicePlan& plan, const Wanted& wanted, const Holder& holder) {
  const Claim& known = holder.stamp.stamp->claim;
  const Decision& ours = wanted.claim.decision;
  const bool withdrawn_already = holder.shown == Shown::nothing && !known.decision.settled() &&
                                 known.decision.era == ours.era &&
                                 known.decision.epoch == ours.epoch &&
                                 known.address == wanted.claim.address;
  const bool promoted_already =
      holder.shown == Shown::wanted && holder.stamp.stamp->kind == StampKind::promoted;
  if (wanted.withdrawn ? withdrawn_already : promoted_already) return;
  stand_down(plan, known,
             fmt::format("{} remembers {}, and this is {}", holder.name, describe(known),
                         describe(wanted.claim)));
}

void decide_withdrawal(ServicePlan& plan, const Wanted& wanted, const Holder& holder) {
  const StampReading& stamp = holder.stamp;
  const bool same = stamp.state == StampReading::State::read && stamp.stamp->claim == wanted.claim;
  if (same && stamp.stamp->kind == StampKind::promoted) {
    // Two programs that count differently: one of them must give way, or they would go on for ever.
    stand_down(plan, wanted.claim,
               fmt::format("{} was promoted under {}, which is a suspicion here", holder.name,
                           describe(wanted.claim)));
    return;
  }
  if (same && holder.shown == Shown::nothing) return;
  plan.verdict = ServicePlan::Verdict::change;
  plan.kind = StampKind::fenced;
}

// `unpublishable`: why the primary can't be published; empty: it can.
void decide(ServicePlan& plan, const Wanted& wanted, const Holder& holder,
            const std::string& unpublishable) {
  const StampReading& stamp = holder.stamp;
  const bool is_read = stamp.state == StampReading::State::read;
  if (stamp.state == StampReading::State::newer_format) {
    plan.newer_format = true;
    stand_down(plan, {}, holder.name + ": " + *stamp.problem);
  } else if (is_read && stamp.stamp->group != wanted.group) {
    refuse(plan, "other-group",
           fmt::format("{} belongs to group {} by its stamp; where that group is no more, "
                       "overwrite its annotation {}",
                       holder.name, stamp.stamp->group, stamp_annotation));
  } else if (is_read && stamp.stamp->claim > wanted.claim) {
    decide_below(plan, wanted, holder);
  } else if (wanted.withdrawn) {
    decide_withdrawal(plan, wanted, holder);
  } else if (!unpublishable.empty()) {
    // Only what was published by a decision of ours, under a lower epoch, is known to be out of date: a wrong host name
    // must not cost a good one.
    const auto epoch = [](const Decision& decision) {
      return std::pair(decision.era, decision.epoch);
    };
    const bool stale = is_read && holder.shown != Shown::nothing &&
                       epoch(stamp.stamp->claim.decision) < epoch(wanted.claim.decision);
    plan.verdict = stale ? ServicePlan::Verdict::no_pod_stale : ServicePlan::Verdict::no_pod;
    plan.problem = "no-pod";
    plan.cause = unpublishable;
    plan.kind = StampKind::fenced;
  } else {
    const bool right = holder.shown == Shown::wanted && is_read &&
                       stamp.stamp->claim == wanted.claim &&
                       stamp.stamp->kind == StampKind::promoted;
    if (!right) plan.verdict = ServicePlan::Verdict::change;
  }
}

const Slice* own_slice(const ServiceView& view) {
  const auto found = view.slices->find(slice_name(view.service_name));
  return found == view.slices->end() ? nullptr : &found->second;
}

// True where there is a Service without selector whose ports are known.
bool admit_slice(ServicePlan& plan, const Wanted& wanted, const ServiceView& view) {
  if (!admit(plan, view)) return false;
  const Service& service = *view.service;
  if (service.is_external_name) {
    refuse(plan, "no-service", service_of(view) + " is of type ExternalName and has no endpoints");
    return false;
  }
  if (!service.selector.empty()) {
    refuse(plan, "service-has-selector",
           service_of(view) +
               " has a selector, by which Kubernetes itself fills in endpoints: "
               "take the selector off, or publish in another way");
    return false;
  }
  Result<const ServicePort*> port =
      valkey_port(service, view.service_port, wanted.port, plan.primary);
  if (!port) {
    refuse(plan, "no-service-port", service_of(view) + " " + port.error().message());
    return false;
  }
  plan.content.ports = slice_ports(service, *port, wanted.port, plan.primary, own_slice(view));
  return true;
}

// Not where its owner is a Service of that name that was there before: it would be collected.
bool is_of_service(const Slice& slice, const Service& service) {
  return slice.service == service.name && slice.managed_by == managed_by_us &&
         slice.owner_uid == service.uid;
}

Shown shown_by(const Slice* slice, const SliceContent& wanted, const ServiceView& view) {
  if (slice == nullptr) return Shown::other;
  const bool is_ours = is_of_service(*slice, *view.service);
  if (slice->content.endpoints.empty() && is_ours) return Shown::nothing;
  return is_ours && says_the_same(slice->content, wanted) ? Shown::wanted : Shown::other;
}

// Why the Service's selector, narrowed to the pod, would select nothing; empty: it would not.
std::string unselectable(const Pod& pod, const ServiceView& view) {
  if (pod_name_label_of(pod).empty()) {
    return fmt::format("pod {} has no label {}, by which it could be selected", pod.name,
                       pod_name_label);
  }
  for (const auto& [key, value] : view.service->selector) {
    if (key == pod_name_label) continue;
    if (label_of(pod, key) != value) {
      return fmt::format("pod {} has no label {}={}, by which {} selects, too", pod.name, key,
                         value, service_of(view));
    }
  }
  return {};
}

// Another slice of this Service that leads elsewhere.
std::string other_slices(const ServiceView& view, const SliceContent& content) {
  for (const auto& [name, slice] : *view.slices) {
    if (slice.service != view.service_name || name == slice_name(view.service_name)) continue;
    for (const SliceEndpoint& endpoint : slice.content.endpoints) {
      if (!content.endpoints.empty() && content.endpoints[0].address == endpoint.address) continue;
      return fmt::format(
          "EndpointSlice {}/{}{}{} leads {} to {}, too: whoever made it has to "
          "remove it",
          view.pod_namespace, name, slice.managed_by.empty() ? "" : " of ", slice.managed_by,
          service_of(view), endpoint.address);
    }
  }
  return {};
}

ServicePlan for_selector(const Wanted& wanted, const ServiceView& view) {
  ServicePlan plan;
  Match match = find_primary(wanted, view);
  plan.primary = match.pod;
  if (!admit(plan, view)) return plan;
  const Service& service = *view.service;
  const bool narrowed_alone =
      service.selector.size() == 1 && service.selector.contains(pod_name_label);
  if (service.selector.empty() || narrowed_alone) {
    refuse(plan, "service-without-selector",
           service_of(view) + " has no selector of its own that could be narrowed to one pod");
    return plan;
  }
  std::string unpublishable = std::move(match.cause);
  if (match.pod != nullptr) unpublishable = unselectable(*match.pod, view);
  const auto says = service.selector.find(pod_name_label);
  Shown shown = Shown::other;
  if (says != service.selector.end()) {
    if (says->second == nobody) shown = Shown::nothing;
    if (unpublishable.empty() && says->second == pod_name_label_of(*match.pod))
      shown = Shown::wanted;
  }
  decide(plan, wanted, {service.stamp, shown, service_of(view)}, unpublishable);
  plan.pod_name = plan.kind == StampKind::fenced || !unpublishable.empty()
                      ? nobody
                      : pod_name_label_of(*match.pod);
  return plan;
}

ServicePlan for_slice(const Wanted& wanted, const ServiceView& view) {
  ServicePlan plan;
  const Match match = find_primary(wanted, view);
  plan.primary = match.pod;
  if (!admit_slice(plan, wanted, view)) return plan;
  const Slice* slice = own_slice(view);
  const AddressFamilies families(*view.service, slice);
  std::string unpublishable;
  Result<std::string> address = families.address_of(wanted.host, match.pod);
  if (address) {
    plan.content.endpoints = {endpoint_of(*address, match.pod, slice)};
    plan.content.address_type = family_of(*address);
  } else {
    unpublishable = match.pod == nullptr && !canonical_ip(wanted.host) ? match.cause
                                                                       : address.error().message();
    plan.content.address_type = families.preferred();
  }
  static const StampReading none;
  decide(plan, wanted,
         {slice == nullptr ? none : slice->stamp, shown_by(slice, plan.content, view),
          "EndpointSlice " + view.pod_namespace + "/" + slice_name(view.service_name)},
         unpublishable);
  if (plan.kind == StampKind::fenced) plan.content.endpoints.clear();
  plan.others = other_slices(view, plan.content);
  return plan;
}

ServicePlan for_replica_slice(const Wanted& wanted, const ServiceView& view) {
  ServicePlan plan;
  plan.primary = find_primary(wanted, view).pod;  // whose containers' ports have the names
  if (!admit_slice(plan, wanted, view)) return plan;
  const Slice* slice = own_slice(view);
  const StampReading none;
  const StampReading& stamp = slice == nullptr ? none : slice->stamp;
  const bool is_read = stamp.state == StampReading::State::read;
  if (stamp.state == StampReading::State::newer_format ||
      (is_read && (stamp.stamp->group != wanted.group || stamp.stamp->claim > wanted.claim))) {
    return plan;  // theirs to write
  }
  const AddressFamilies families(*view.service, slice);
  plan.content.address_type = families.preferred();
  const std::vector<const Pod*> pods = pointers(*view.pods);
  for (const InstanceAddress& replica : wanted.replicas) {
    const Match match = find_instance(pods, replica.host, replica.port, view.pod_namespace);
    Result<std::string> address = families.address_of(replica.host, match.pod);
    // All endpoints of a slice have its ports.
    if (!address || replica.host == wanted.host || replica.port != wanted.port) continue;
    if (plan.content.endpoints.empty()) plan.content.address_type = family_of(*address);
    if (family_of(*address) != plan.content.address_type) continue;
    plan.content.endpoints.push_back(endpoint_of(*address, match.pod, slice));
  }
  const bool same = slice != nullptr && is_of_service(*slice, *view.service) &&
                    says_the_same(slice->content, plan.content);
  if (!same || !is_read || stamp.stamp->claim != wanted.claim) {
    plan.verdict = ServicePlan::Verdict::change;
  }
  return plan;
}

}  // namespace

std::string slice_name(const std::string& service) { return service + "-valkey-reconciler"; }

std::optional<HighestStamp> stamp_of(const Wanted& wanted, const ApiObject* object) {
  if (object == nullptr || object->stamp.state != StampReading::State::read) return std::nullopt;
  const Stamp& stamp = *object->stamp.stamp;
  if (stamp.group != wanted.group) return std::nullopt;
  if (stamp.kind == StampKind::promoted) return HighestStamp{stamp.claim, Intent::promotion};
  // Nothing is published also where no pod was the primary, and of settled decisions for no other reason.
  const bool suspected = !stamp.claim.decision.settled();
  return HighestStamp{stamp.claim, suspected ? Intent::withdrawal : Intent::unknown};
}

ServicePlan plan_selector(const Wanted& wanted, const ServiceView& view) {
  return unless_paused(for_selector(wanted, view), view);
}

ServicePlan plan_slice(const Wanted& wanted, const ServiceView& view) {
  return unless_paused(for_slice(wanted, view), view);
}

ServicePlan plan_replica_slice(const Wanted& wanted, const ServiceView& view) {
  return unless_paused(for_replica_slice(wanted, view), view);
}

}  // namespace reconciler
