#include "supervisor/control/control_server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "common/json.h"
#include "common/text.h"
#include "supervisor/control/control_connection.h"

namespace reconciler {

namespace {

// So many at the most before other descriptors have their turn.
constexpr int burst = 64;
// Without a free descriptor the one that waits would be reported again and again.
constexpr uint64_t again_ms = 100;

}  // namespace

std::string control_error(const std::string& why) {
  return fmt::format(R"({{"error":{}}})", json_string(why));
}

ControlServer::ControlServer(uv_loop_t* loop, ControlSocket socket, Routes routes)
    : loop_(loop), socket_(std::move(socket)), routes_(std::move(routes)), again_(loop) {}

ControlServer::~ControlServer() = default;

Result<std::unique_ptr<ControlServer>> ControlServer::start(uv_loop_t* loop,
                                                            const std::string& path,
                                                            Routes routes) {
  auto socket = ControlSocket::listen(path);
  if (!socket) return socket.error();
  std::unique_ptr<ControlServer> server(
      new ControlServer(loop, std::move(*socket), std::move(routes)));
  if (auto opened = server->poll_.open(loop, server->socket_.fd()); !opened) return opened.error();
  server->watch();
  return server;
}

void ControlServer::watch() {
  poll_.start(UV_READABLE, [this](int, int) { accept(); });
}

void ControlServer::accept() {
  for (int i = 0; i < burst; ++i) {
    Descriptor descriptor(::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!descriptor.valid()) {
      if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
      poll_.stop();
      return again_.start(again_ms, [this] { watch(); });
    }
    if (connections_.size() >= max_control_connections) {
      const std::string full =
          control_error(fmt::format("{} others are being answered", max_control_connections)) +
          "\n";
      // It fits, or the other end is none: nobody waits for it.
      static_cast<void>(
          ::send(descriptor.get(), full.data(), full.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
      continue;
    }
    const uint64_t number = ++last_;
    auto connection = std::make_unique<ControlConnection>(
        loop_, std::move(descriptor),
        ControlConnection::Handlers{
            .on_line = [this, number](const std::string& line) { asked(number, line); },
            .on_end = [this, number] { connections_.erase(number); }});
    if (connection->start()) connections_.emplace(number, std::move(connection));
  }
}

void ControlServer::asked(uint64_t connection, const std::string& line) {
  const Answer answer = [this, connection](std::string document) {
    const auto waiting = connections_.find(connection);
    if (waiting != connections_.end()) waiting->second->answer(std::move(document));
  };
  const json::Document request = json::parse(line);
  const std::string wish(json::text(request.get(), "do"));
  const auto route = routes_.find(wish);
  if (route != routes_.end())
    return route->second({std::string(json::text(request.get(), "group")),
                          std::string(json::text(request.get(), "by")),
                          std::string(json::text(request.get(), "reason"))},
                         answer);
  std::string known;
  for (const auto& [name, called] : routes_) known += (known.empty() ? "" : ", ") + name;
  answer(control_error(fmt::format(
      R"(expected one line of JSON with "do", one of {}, such as {{"do": "status"}})", known)));
}

}  // namespace reconciler
