// How the API server is reached, and as whom: read from KUBECONFIG files or from a pod's service account.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "plugins/http/http_client.h"

namespace reconciler {

struct Cluster {
  HttpEndpoint endpoint;
  std::string token;
  std::string token_file;     // goes before `token`
  std::string pod_namespace;  // of the context or the service account; may be empty
  std::string origin;         // for people: `context lab of /etc/kubeconfig`
};

// `paths`: one or more files by colon, merged as kubectl does (the first to set a value or name an entry wins; files
// that don't exist are skipped where there are several).
Result<Cluster> cluster_from_kubeconfig(std::string_view paths);

// The files of a service account in `directory`; `host` and `port` are KUBERNETES_SERVICE_HOST and _PORT.
Result<Cluster> cluster_from_service_account(const std::string& directory, const std::string& host,
                                             int64_t port);

}  // namespace reconciler
