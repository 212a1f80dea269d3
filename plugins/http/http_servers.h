// Several servers of one service, asked in their order until one answers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plugins/host.h"
#include "plugins/http/http_client.h"

namespace reconciler {

// Driven by the host's loop. Owned by a plugin's target; the rules of HttpClient hold here, too.
class HttpServers {
 public:
  using Id = uint64_t;

  HttpServers(Host host, const std::vector<std::string>& urls, const HttpTls& tls);

  // `on_done` is told the first answer that is one. 429 and 5xx are none: another server may do better. Where no server
  // has one: status 0, and `error` says what became of each. A request that changes something may be carried out by
  // several of them.
  Id send(HttpRequest request);
  void cancel(Id id);
  // The same, of one that has waited for too long: what comes next is asked of the server after the one that is silent.
  void give_up(Id id);

 private:
  struct Server {
    std::string url;
    std::unique_ptr<HttpClient> client;
  };
  struct Asking {
    HttpRequest request;
    size_t server = 0;
    size_t failed = 0;
    HttpClient::Id id = 0;
    std::string faults;
  };

  void ask(Id id);
  void on_response(Id id, HttpResponse response);

  std::vector<Server> servers_;
  size_t preferred_ = 0;  // the one that answered last
  std::map<Id, Asking> asking_;
  Id last_id_ = 0;
};

// `HTTP 503: <the body's first line>`, or why there was no answer. For people.
std::string fault_of(const HttpResponse& response);

}  // namespace reconciler
