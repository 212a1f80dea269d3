// The supervisor's HTTP, by libmicrohttpd on the supervisor's own loop: GET and HEAD only, one
// request for each connection, few and short-lived ones. README.md has the bounds.
#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/result.h"
#include "common/uv/handle.h"
#include "supervisor/http/http_answer.h"

struct MHD_Connection;
struct MHD_Daemon;

namespace reconciler {

// Driven by the loop, owned by main.
class HttpServer {
 public:
  using Routes = std::map<std::string, std::function<HttpAnswer()>>;  // by path

  // `listen`: an IP address and a port, `127.0.0.1:8080` or `[::]:8080` (IPv4 too); port 0 takes a free one.
  static Result<std::unique_ptr<HttpServer>> start(uv_loop_t* loop, const std::string& listen,
                                                   Routes routes);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

 private:
  // libmicrohttpd's own time-out counts from the last byte: one byte a second would hold a
  // connection for ever.
  struct Open {
    int fd = -1;
    uint64_t opened_ms = 0;
    uint64_t deadline_ms = 0;
  };

  HttpServer(uv_loop_t* loop, Routes routes);

  void watch();
  void run();
  void drop_overdue();
  SharedAnswer answer_of(const std::string& path);

  friend struct HttpCallbacks;
  Routes routes_;
  SharedAnswers answers_;
  std::map<MHD_Connection*, Open> open_;
  uint64_t accepted_ = 0;
  uint64_t ended_ = 0;
  MHD_Daemon* daemon_ = nullptr;
  uv::Timer timeout_;
  uv::Timer clean_up_;
  uv::Timer again_;
  std::optional<uv::Poll> poll_;
};

}  // namespace reconciler
