#include "plugins/kubernetes/match.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "plugins/address.h"

namespace reconciler {

namespace {

// The next label of a host name, which is taken off its front.
std::string_view take_label(std::string_view& name) {
  const size_t dot = name.find('.');
  const std::string_view label = name.substr(0, dot);
  name = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
  return label;
}

bool names_pod_in_dns(std::string_view host, const Pod& pod, std::string_view pod_namespace) {
  // Without spec.hostname a pod's host name is its own name.
  if (take_label(host) != (pod.hostname.empty() ? pod.name : pod.hostname)) return false;
  if (host.empty()) return true;
  if (pod.subdomain.empty() || take_label(host) != pod.subdomain) return false;
  if (host.empty()) return true;
  if (take_label(host) != pod_namespace) return false;
  return host.empty() || take_label(host) == "svc";
}

// How good a candidate is, best first.
int rank(const Pod& pod) {
  if (pod.finished) return 3;
  if (pod.terminating) return 2;
  return pod.ready ? 0 : 1;
}

bool declares(const Pod& pod, uint16_t port) {
  return std::find(pod.ports.begin(), pod.ports.end(), port) != pod.ports.end();
}

}  // namespace

bool names_pod(std::string_view host, const Pod& pod, std::string_view pod_namespace) {
  if (std::find(pod.addresses.begin(), pod.addresses.end(), host) != pod.addresses.end()) {
    return true;
  }
  return host == pod.name || names_pod_in_dns(host, pod, pod_namespace);
}

Match find_instance(const std::vector<const Pod*>& pods, std::string_view host, uint16_t port,
                    std::string_view pod_namespace) {
  std::vector<const Pod*> named;
  std::copy_if(pods.begin(), pods.end(), std::back_inserter(named),
               [&](const Pod* pod) { return names_pod(host, *pod, pod_namespace); });
  const bool declared =
      std::any_of(named.begin(), named.end(), [&](const Pod* pod) { return declares(*pod, port); });
  std::vector<const Pod*> best;
  for (const Pod* pod : named) {
    // Who declares other ports is another instance on this address (hostNetwork), however well it is.
    if (declared && !pod->ports.empty() && !declares(*pod, port)) continue;
    if (!best.empty() && rank(*pod) > rank(*best.front())) continue;
    if (!best.empty() && rank(*pod) < rank(*best.front())) best.clear();
    best.push_back(pod);
  }
  if (best.empty()) {
    return {nullptr, fmt::format("no pod of the group is {}", host_and_port(host, port))};
  }
  if (best.size() > 1) {
    const auto undeclared = [&](const Pod* pod) { return !declares(*pod, port); };
    const auto others = static_cast<size_t>(std::count_if(best.begin(), best.end(), undeclared));
    if (others + 1 == best.size()) std::erase_if(best, undeclared);
  }
  if (best.size() > 1) {
    return {nullptr, fmt::format("pods {} and {} both are {}", best[0]->name, best[1]->name,
                                 host_and_port(host, port))};
  }
  return {best.front(), {}};
}

}  // namespace reconciler
