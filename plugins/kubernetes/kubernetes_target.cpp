#include "plugins/kubernetes/kubernetes_target.h"

#include <algorithm>
#include <utility>

#include "plugins/kubernetes/group_target.h"
#include "plugins/kubernetes/label_syntax.h"
#include "plugins/kubernetes/service_target.h"

namespace reconciler {

namespace {

// A review for each; who grants it as to these has most likely thought of the others.
constexpr size_t most_reviewed = 24;

}  // namespace

Result<std::unique_ptr<KubernetesTarget>> KubernetesTarget::create(Host host, Settings settings) {
  Result<Cluster> cluster = settings.kubeconfig.empty()
                                ? cluster_from_service_account(settings.service_account_dir,
                                                               settings.api_host, settings.api_port)
                                : cluster_from_kubeconfig(settings.kubeconfig);
  if (!cluster) return cluster.error();
  std::string pod_namespace = settings.pod_namespace;
  if (pod_namespace.empty()) pod_namespace = cluster->pod_namespace;
  if (pod_namespace.empty()) pod_namespace = "default";
  Result<void> checked = check_namespace(pod_namespace);
  if (!checked) return checked.error().within(cluster->origin);
  return std::unique_ptr<KubernetesTarget>(
      new KubernetesTarget(host, std::move(settings), *cluster, pod_namespace));
}

KubernetesTarget::KubernetesTarget(Host host, Settings settings, const Cluster& cluster,
                                   const std::string& pod_namespace)
    : host_(host),
      settings_(std::move(settings)),
      api_(host, cluster, pod_namespace, settings_.rule, settings_.request_timeout_ms),
      reach_(host, api_, cluster.origin,
             {.back =
                  [this] {
                    review();
                    watches_.retry_now();
                    for (const auto& group : groups_) group->api_is_back();
                  },
              .watch_silent = [this] { watches_.reconnect(); }}),
      rights_(
          host, api_, rights_needed(settings_),
          [this](const Right& right) { return objects_of(right); }, settings_.review_ms,
          [this] {
            watches_.retry_now();
            for (const auto& group : groups_) group->rights_were_given();
          }),
      events_(host, api_, settings_),
      survey_(host, api_, settings_),
      watches_(host, api_, settings_) {
  if (cluster.endpoint.tls.insecure) {
    host_.log(VR_WARNING, {}, "the certificate of {} is not verified, as {} asks", api_.url(),
              cluster.origin);
  }
  for (size_t group = 0; group < settings_.groups.size(); ++group) {
    if (settings_.publish == Publish::label) {
      groups_.push_back(
          std::make_unique<GroupTarget>(host, api_, events_, settings_, group, watches_));
    } else {
      groups_.push_back(
          std::make_unique<ServiceTarget>(host, api_, events_, settings_, group, watches_));
    }
  }
  watches_.start();
  reach_.start();
  rights_.review();
}

Publisher* KubernetesTarget::find(const char* group) const {
  const auto found = std::find_if(groups_.begin(), groups_.end(), [&](const auto& candidate) {
    return candidate->name() == group;
  });
  return found == groups_.end() ? nullptr : found->get();
}

// What is read is read by a selector, but for the Services of a single group, which are by their names.
std::vector<std::string> KubernetesTarget::objects_of(const Right& right) const {
  const std::string_view verb = right.verb;
  const std::string_view kind = right.resource;
  const bool by_name =
      verb == "patch" || (verb != "create" && kind == services_name.plural && groups_.size() == 1);
  std::vector<std::string> names;
  for (const auto& group : groups_) {
    if (!by_name || names.size() >= most_reviewed) break;
    for (std::string& name : group->names_of(kind)) names.push_back(std::move(name));
  }
  if (names.size() > most_reviewed) names.resize(most_reviewed);
  return names;
}

void KubernetesTarget::apply(const vr_topology& topology, vr_request* request) {
  survey_.end();
  Publisher* group = find(topology.group);
  if (group == nullptr) {
    host_.complete(request, VR_REJECTED, "this target does not serve that group");
    return;
  }
  group->apply(topology, request);
}

void KubernetesTarget::order(const vr_order& order, vr_request* request) {
  Publisher* group = find(order.group);
  if (group == nullptr) {
    host_.complete(request, VR_REJECTED, "this target does not serve that group");
    return;
  }
  group->order(order, request);
}

void KubernetesTarget::cancel(vr_request* request) {
  for (const auto& group : groups_) {
    if (group->cancel(request)) return;
  }
}

void KubernetesTarget::check() {
  review();
  survey_.make();
}

void KubernetesTarget::review() {
  rights_.review();
  events_.try_again();
}

}  // namespace reconciler
