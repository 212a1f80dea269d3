// The supervisor's HTTP, by libmicrohttpd on the supervisor's own loop: GET and HEAD only, few and
// short-lived connections.
#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/result.h"
#include "common/uv/handle.h"

struct MHD_Daemon;

namespace reconciler {

struct HttpAnswer {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones: name, value
};

// Driven by the loop, owned by main.
class HttpServer {
 public:
  using Routes = std::map<std::string, std::function<HttpAnswer()>>;  // by path

  // `listen`: `127.0.0.1:8080`, `[::]:8080` (IPv4 too), or a host name; port 0 takes a free one.
  static Result<std::unique_ptr<HttpServer>> start(uv_loop_t* loop, const std::string& listen,
                                                   Routes routes);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

 private:
  HttpServer(uv_loop_t* loop, Routes routes);

  void run();

  friend struct HttpHandler;
  Routes routes_;
  MHD_Daemon* daemon_ = nullptr;
  uv::Timer timeout_;
  std::optional<uv::Poll> poll_;
};

}  // namespace reconciler
