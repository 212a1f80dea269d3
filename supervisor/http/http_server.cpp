#include "supervisor/http/http_server.h"

#include <fmt/format.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/descriptor.h"

namespace reconciler {

namespace {

// One client can't take all of them: the kubelet's probe must get in.
constexpr unsigned max_connections = 64;
constexpr unsigned max_connections_of_one_address = 16;
// From the first byte of the connection's life until its request is there, and until it has read
// the answer.
constexpr uint64_t request_deadline_ms = 3'000;
constexpr unsigned answer_deadline_ms = 10'000;
constexpr int send_buffer = 64 * 1024;
constexpr uint64_t clean_up_ms = 250;
// Without a free descriptor whoever waits to be accepted would be reported again and again.
constexpr uint64_t again_ms = 100;
// The request's header included: what is longer is answered with 431.
constexpr std::size_t connection_memory = 16 * 1024;

uint64_t now_ms() { return uv_hrtime() / 1'000'000; }

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
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
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
  // Inherited by its connections: what a reader does not take is not to pile up in the kernel, and
  // goes from there with it.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &answer_deadline_ms,
               sizeof answer_deadline_ms);
  if (::bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0 ||
      ::listen(socket.get(), 64) != 0) {
    return Error(fmt::format("{}: {}", listen, std::strerror(errno)));
  }
  return socket;
}

MHD_Result send(MHD_Connection* connection, SharedAnswer answer) {
  const unsigned status = answer->status;
  auto held = std::make_unique<SharedAnswer>(std::move(answer));
  const HttpAnswer& said = **held;
  MHD_Response* response = MHD_create_response_from_buffer_with_free_callback_cls(
      said.body.size(), const_cast<char*>(said.body.data()),
      [](void* sent) { delete static_cast<SharedAnswer*>(sent); }, held.get());
  if (response == nullptr) return MHD_NO;
  static_cast<void>(held.release());  // the response's now
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, said.content_type.c_str());
  MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : said.headers)
    MHD_add_response_header(response, name.c_str(), value.c_str());
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
  if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  const MHD_Result queued = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return queued;
}

SharedAnswer plain(unsigned status, const char* text) {
  return std::make_shared<const HttpAnswer>(HttpAnswer{status, "text/plain; charset=utf-8", text});
}

}  // namespace

// libmicrohttpd's callbacks, with a look at HttpServer's inside.
struct HttpCallbacks {
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
                               const char* method, const char* /*version*/, const char* /*upload*/,
                               std::size_t* /*upload_size*/, void** /*request*/) {
    auto& server = *static_cast<HttpServer*>(self);
    if (const auto open = server.open_.find(connection); open != server.open_.end())
      open->second.deadline_ms = open->second.opened_ms + answer_deadline_ms;
    const std::string_view verb = method;
    if (verb != MHD_HTTP_METHOD_GET && verb != MHD_HTTP_METHOD_HEAD)
      return send(connection, plain(MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n"));
    SharedAnswer answer = server.answer_of(url);
    return send(connection,
                answer ? std::move(answer) : plain(MHD_HTTP_NOT_FOUND, "no such page\n"));
  }

  static void on_connection(void* self, MHD_Connection* connection, void** /*context*/,
                            MHD_ConnectionNotificationCode what) {
    auto& server = *static_cast<HttpServer*>(self);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
      server.open_.erase(connection);
      ++server.ended_;
      return;
    }
    const auto* socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (socket == nullptr) return;
    const uint64_t now = now_ms();
    ++server.accepted_;
    server.open_[connection] = {socket->connect_fd, now, now + request_deadline_ms};
  }
};

HttpServer::HttpServer(uv_loop_t* loop, Routes routes)
    : routes_(std::move(routes)), timeout_(loop), clean_up_(loop), again_(loop) {}

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
      MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, nullptr, nullptr, &HttpCallbacks::on_request,
      server.get(), MHD_OPTION_LISTEN_SOCKET, socket->get(), MHD_OPTION_CONNECTION_LIMIT,
      max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, max_connections_of_one_address,
      MHD_OPTION_NOTIFY_CONNECTION, &HttpCallbacks::on_connection, server.get(),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory, MHD_OPTION_EXTERNAL_LOGGER,
      +[](void*, const char*, va_list) {}, nullptr, MHD_OPTION_END);
  if (server->daemon_ == nullptr)
    return Error(fmt::format("{}: libmicrohttpd did not start", listen));
  socket->release();  // the daemon closes it

  const MHD_DaemonInfo* epoll = MHD_get_daemon_info(server->daemon_, MHD_DAEMON_INFO_EPOLL_FD);
  if (epoll == nullptr) return Error("libmicrohttpd has no epoll descriptor");
  server->poll_.emplace();
  if (auto opened = server->poll_->open(loop, epoll->epoll_fd); !opened) return opened.error();
  server->watch();
  return server;
}

SharedAnswer HttpServer::answer_of(const std::string& path) {
  const auto route = routes_.find(path);
  if (route == routes_.end()) return nullptr;
  if (SharedAnswer again = answers_.again(path, now_ms())) return again;
  return answers_.made(path, route->second(), now_ms());
}

void HttpServer::watch() {
  poll_->start(UV_READABLE, [this](int, int) {
    const bool idle = open_.empty();
    const uint64_t accepted = accepted_;
    run();
    if (!idle || accepted_ != accepted) return;
    poll_->stop();
    again_.start(again_ms, [this] { watch(); });
  });
}

void HttpServer::run() {
  // With all connections taken, or no descriptor left for another, libmicrohttpd leaves off listening;
  // it takes that up again when it is run after one has gone, of which no descriptor tells.
  const uint64_t ended = ended_;
  MHD_run(daemon_);
  if (ended_ != ended) MHD_run(daemon_);
  MHD_UNSIGNED_LONG_LONG wait_ms = 0;
  if (MHD_get_timeout(daemon_, &wait_ms) == MHD_YES) {
    timeout_.start(wait_ms, [this] { run(); });
  } else {
    timeout_.stop();
  }
  if (!clean_up_.active() && !(open_.empty() && answers_.empty()))
    clean_up_.start_repeating(clean_up_ms, [this] { drop_overdue(); });
}

void HttpServer::drop_overdue() {
  const uint64_t now = now_ms();
  bool dropped = false;
  for (const auto& [connection, open] : open_) {
    if (now <= open.deadline_ms) continue;
    // What the reader has not taken would stay in the kernel for minutes: reset, not closed.
    const linger at_once{1, 0};
    ::setsockopt(open.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    // libmicrohttpd sees the end and closes it.
    dropped |= ::shutdown(open.fd, SHUT_RDWR) == 0;
  }
  if (dropped) run();
  answers_.forget(now);
  if (open_.empty() && answers_.empty()) clean_up_.stop();
}

}  // namespace reconciler
