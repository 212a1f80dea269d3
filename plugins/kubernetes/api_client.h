// What the plugin asks of the API server: list, watch and patch pods of one namespace, and whether it is there. Two
// connections keep them out of each other's way: one for changes (patches, and the lists that an attempt waits for),
// one for watches.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/host.h"
#include "plugins/http/http_client.h"
#include "plugins/kubernetes/api_error.h"
#include "plugins/kubernetes/cluster.h"
#include "plugins/kubernetes/credentials.h"
#include "plugins/kubernetes/pod.h"
#include "plugins/kubernetes/rights_needed.h"

namespace reconciler {

struct PodList {
  std::vector<Pod> pods;
  uint64_t version = 0;
  std::string version_text;
};

// Owned by the KubernetesTarget. Destroying it ends what is open and tells nobody; no function given to it is called
// before the call that it was given to has returned.
class ApiClient {
 public:
  using Id = HttpClient::Id;

  struct ListAnswer {
    std::optional<ApiError> error;
    PodList list;
  };
  struct PatchAnswer {
    std::optional<ApiError> error;
    std::optional<Pod> pod;  // as it is now; always one without an error
  };
  struct WatchFunctions {
    std::function<void()> opened;
    std::function<bool(std::string_view line)>
        line;  // false: the watch is to end, and nothing more is told
    std::function<void(const std::optional<ApiError>&)>
        ended;  // no error: as it does every few minutes
  };
  enum class Connection : uint8_t { changes, watches };

  ApiClient(Host host, const Cluster& cluster, std::string pod_namespace, LabelRule rule,
            uint64_t timeout_ms);

  const std::string& pod_namespace() const { return namespace_; }
  const LabelRule& rule() const { return rule_; }
  const std::string& url() const { return url_; }

  // The pods as they are at one moment now, page by page: never from the server's cache.
  void list(const std::string& selector, std::function<void(ListAnswer)> done);

  Id watch(const std::string& selector, const std::string& from_version, WatchFunctions functions);
  void stop_watch(Id id);

  void patch(const std::string& pod, std::string body, uint64_t timeout_ms,
             std::function<void(PatchAnswer)> done);

  // One Event, once: without an answer in time it is lost, and takes nothing else with it.
  void create_event(std::string body, std::function<void(std::optional<ApiError>)> done);

  // Whether the server answers on this connection, and keeps it warm. `false` with a cause also where it says itself
  // that it is about to stop: then an open watch stays open, and silent.
  void check(Connection connection, std::function<void(bool good, std::string cause)> done);

  // Whether this account has a right, as the API server itself reviews it; nothing where it doesn't say.
  void review(const Right& right, std::function<void(std::optional<bool>)> done);

  // Whether a patch or a list is on its way: its answer, or that there is none, tells what a check would.
  bool changing() const { return changes_.busy(); }

  // The watches, and whatever else is on their connection, end; the next one makes a new connection.
  void drop_watch_connection() { watches_.drop_connections(); }

  // Is told whether each request was answered at all (an empty cause) or why not.
  void on_reach(std::function<void(const std::string& cause)> function) {
    reach_ = std::move(function);
  }

  // Is told of each request that was refused for a missing right (403).
  void on_forbidden(std::function<void()> function) { forbidden_ = std::move(function); }

 private:
  struct Listing;
  struct Watching;
  using Answered = std::function<void(HttpResponse)>;

  HttpRequest request_for(const char* method, std::string path) const;
  // Sends it, and once more where the token was refused and the file has a new one.
  // Where `tells_reach`, it says whether the server is there: not so what nobody waits for.
  void send(HttpClient& client, HttpRequest request, Answered done, bool tells_reach = true);
  void list_page(const std::shared_ptr<Listing>& listing);
  void take_page(const std::shared_ptr<Listing>& listing, const HttpResponse& response);
  void note(const HttpResponse& response);
  ApiError failed(const ApiAction& action, const HttpResponse& response);
  ApiError counted(ApiError error);
  std::string pods_path() const;

  Host host_;
  std::string namespace_;
  LabelRule rule_;
  uint64_t timeout_ms_;
  std::string url_;
  bool multiplexes_ = false;
  Credentials credentials_;
  std::function<void(const std::string&)> reach_;
  std::function<void()> forbidden_;
  HttpClient changes_;
  HttpClient watches_;
};

}  // namespace reconciler
