// The control socket's other side of the command line: one line of JSON in, one JSON document out, then the end. Few and
// short-lived connections, like the HTTP server's.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/result.h"
#include "common/uv/handle.h"
#include "supervisor/control/control_socket.h"

namespace reconciler {

class ControlConnection;

// Driven by the loop, owned by main; whatever its routes call outlives it.
class ControlServer {
 public:
  // Called once, now or later; not after the connection's time is over.
  using Answer = std::function<void(std::string)>;
  // What a request says beside its `do`; empty where it doesn't.
  struct Request {
    std::string group;
    std::string by;
    std::string reason;
  };
  // By the request's `do`.
  using Routes = std::map<std::string, std::function<void(const Request&, Answer)>>;

  static Result<std::unique_ptr<ControlServer>> start(uv_loop_t* loop, const std::string& path,
                                                      Routes routes);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  ControlServer(uv_loop_t* loop, ControlSocket socket, Routes routes);

  void watch();
  void accept();
  void asked(uint64_t connection, const std::string& line);

  uv_loop_t* loop_;
  ControlSocket socket_;
  Routes routes_;
  uint64_t last_ = 0;  // number of a connection
  std::map<uint64_t, std::unique_ptr<ControlConnection>> connections_;
  uv::Timer again_;  // after a want of descriptors
  uv::Poll poll_;
};

// `{"error":"..."}`.
std::string control_error(const std::string& why);

constexpr std::size_t max_control_connections = 16;
constexpr std::size_t max_control_request = 64 * 1024;
constexpr uint64_t control_timeout_ms =
    5'000;  // until its request is there; until it has read its answer
constexpr uint64_t control_answer_timeout_ms = 15'000;  // between these

}  // namespace reconciler
