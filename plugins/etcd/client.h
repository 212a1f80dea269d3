// Calls to etcd's JSON gateway, under the token of one user where one is configured.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "common/result.h"
#include "plugins/etcd/settings.h"
#include "plugins/host.h"
#include "plugins/http/http_servers.h"

namespace reconciler::etcd {

// Owned by the plugin's instance and shared by its groups' stores.
class Client {
 public:
  using Id = uint64_t;
  using OnBody = std::function<void(Result<std::string>)>;

  Client(Host host, const Settings& settings);

  // `on_body` is told what came with a 200; never from within call().
  Id call(const char* path, std::string body, OnBody on_body);
  void cancel(Id id);
  // It has waited for too long: what comes next is asked of another server.
  void give_up(Id id);

 private:
  struct Call {
    const char* path = nullptr;
    std::string body;
    OnBody on_body;
    HttpServers::Id sent = 0;  // 0: waits for a token
    bool is_second_try = false;
  };

  void send(Id id);
  void on_response(Id id, const std::string& token, const HttpResponse& response);
  void authenticate();
  void on_authenticated(const HttpResponse& response);
  HttpRequest request(const char* path, const std::string& body) const;

  const Settings& settings_;
  Secret password_;
  HttpServers servers_;
  std::map<Id, Call> calls_;
  std::string token_;  // empty: none yet, or not known to etcd any more
  bool is_authenticating_ = false;
  Id last_id_ = 0;
};

}  // namespace reconciler::etcd
