#include "supervisor/http_server.h"

#include <fmt/format.h>
#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/descriptor.h"

namespace reconciler {

namespace {

constexpr unsigned max_connections = 64;
constexpr unsigned connection_timeout_s = 5;
constexpr std::size_t connection_memory = 16 * 1024;

struct HostPort {
  std::string host;
  std::string port;
};

Result<HostPort> split_listen(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos || colon + 1 == listen.size())
    return Error(fmt::format("{}: no port", listen));
  std::string host = listen.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  return HostPort{host, listen.substr(colon + 1)};
}

// A kernel may be built or started without it.
bool has_ipv6() { return Descriptor(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)).valid(); }

Result<Descriptor> listening_socket(const std::string& listen) {
  auto parts = split_listen(listen);
  if (!parts) return parts.error();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(parts->host.empty() ? nullptr : parts->host.c_str(),
                                    parts->port.c_str(), &hints, &found);
  if (failure != 0) return Error(fmt::format("{}: {}", listen, ::gai_strerror(failure)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);

  const addrinfo& address = *found;
  if (parts->host == "::" && !has_ipv6()) return listening_socket("0.0.0.0:" + parts->port);
  Descriptor socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  const int off = 0;
  if (!socket.valid()) return Error(fmt::format("{}: {}", listen, std::strerror(errno)));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ai_family == AF_INET6)
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0 ||
      ::listen(socket.get(), 64) != 0) {
    return Error(fmt::format("{}: {}", listen, std::strerror(errno)));
  }
  return socket;
}

MHD_Result answer(MHD_Connection* connection, const HttpAnswer& said) {
  MHD_Response* response = MHD_create_response_from_buffer(
      said.body.size(), const_cast<char*>(said.body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, said.content_type.c_str());
  MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  for (const auto& [name, value] : said.headers)
    MHD_add_response_header(response, name.c_str(), value.c_str());
  const MHD_Result queued = MHD_queue_response(connection, said.status, response);
  MHD_destroy_response(response);
  return queued;
}

}  // namespace

// The C callback, with a look at HttpServer's routes.
struct HttpHandler {
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
                               const char* method, const char* /*version*/, const char* /*upload*/,
                               std::size_t* /*upload_size*/, void** /*request*/) {
    const std::string_view verb = method;
    if (verb != MHD_HTTP_METHOD_GET && verb != MHD_HTTP_METHOD_HEAD) {
      return answer(connection,
                    {MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", "GET only\n"});
    }
    const auto& routes = static_cast<HttpServer*>(self)->routes_;
    const auto route = routes.find(url);
    if (route == routes.end()) {
      return answer(connection,
                    {MHD_HTTP_NOT_FOUND, "text/plain; charset=utf-8", "no such page\n"});
    }
    return answer(connection, route->second());
  }
};

HttpServer::HttpServer(uv_loop_t* loop, Routes routes)
    : routes_(std::move(routes)), timeout_(loop) {}

HttpServer::~HttpServer() {
  poll_.reset();
  if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(uv_loop_t* loop, const std::string& listen,
                                                      Routes routes) {
  auto socket = listening_socket(listen);
  if (!socket) return socket.error();
  std::unique_ptr<HttpServer> server(new HttpServer(loop, std::move(routes)));
  server->daemon_ = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, nullptr, nullptr, &HttpHandler::on_request,
      server.get(), MHD_OPTION_LISTEN_SOCKET, socket->get(), MHD_OPTION_CONNECTION_LIMIT,
      max_connections, MHD_OPTION_CONNECTION_TIMEOUT, connection_timeout_s,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory, MHD_OPTION_EXTERNAL_LOGGER,
      +[](void*, const char*, va_list) {}, nullptr, MHD_OPTION_END);
  if (server->daemon_ == nullptr)
    return Error(fmt::format("{}: libmicrohttpd did not start", listen));
  socket->release();  // the daemon closes it

  const MHD_DaemonInfo* epoll = MHD_get_daemon_info(server->daemon_, MHD_DAEMON_INFO_EPOLL_FD);
  if (epoll == nullptr) return Error("libmicrohttpd has no epoll descriptor");
  server->poll_.emplace();
  if (auto opened = server->poll_->open(loop, epoll->epoll_fd); !opened) return opened.error();
  HttpServer* raw = server.get();
  raw->poll_->start(UV_READABLE, [raw](int, int) { raw->run(); });
  return server;
}

void HttpServer::run() {
  MHD_run(daemon_);
  MHD_UNSIGNED_LONG_LONG wait_ms = 0;
  if (MHD_get_timeout(daemon_, &wait_ms) == MHD_YES) {
    timeout_.start(wait_ms, [this] { run(); });
  } else {
    timeout_.stop();
  }
}

}  // namespace reconciler
