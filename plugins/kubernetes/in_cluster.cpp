#include <fmt/format.h>

#include "plugins/address.h"
#include "plugins/kubernetes/cluster.h"
#include "plugins/kubernetes/credentials.h"

namespace reconciler {

Result<Cluster> cluster_from_service_account(const std::string& directory, const std::string& host,
                                             int64_t port) {
  if (host.empty()) {
    return Error(
        "neither `kubeconfig` (KUBECONFIG) is given nor does this run in a pod of a cluster "
        "(KUBERNETES_SERVICE_HOST is not set)");
  }
  Cluster cluster;
  cluster.endpoint.url = "https://" + host_and_port(host, static_cast<uint16_t>(port));
  cluster.endpoint.tls.ca_file = directory + "/ca.crt";
  cluster.token_file = directory + "/token";
  cluster.origin = "service account in " + directory;
  for (const std::string& file : {cluster.endpoint.tls.ca_file, cluster.token_file}) {
    Result<std::string> text = read_small_file(file);
    if (!text) return text.error().within("service account");
    if (text->empty()) return Error(fmt::format("service account: {}: empty", file));
  }
  // Optional, as in client-go.
  if (Result<std::string> name = read_small_file(directory + "/namespace", 253)) {
    cluster.pod_namespace = *name;
  }
  return cluster;
}

}  // namespace reconciler
