#include "plugins/http/http_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/result.h"

namespace reconciler {

namespace {

constexpr long keepalive_idle_s = 10;
constexpr long keepalive_interval_s = 5;
constexpr unsigned unacknowledged_ms = 15000;
constexpr long connections_kept = 8;
constexpr long oldest_connection_s = 600;

void set_blob(CURL* easy, CURLoption option, const std::string& text) {
  curl_blob blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};  // NOLINT
  curl_easy_setopt(easy, option, &blob);
}

// A PEM text where there is one, else a file, else curl's default.
void set_pem(CURL* easy, CURLoption blob, const std::string& pem, CURLoption file,
             const std::string& path) {
  if (!pem.empty()) {
    set_blob(easy, blob, pem);
  } else if (!path.empty()) {
    curl_easy_setopt(easy, file, path.c_str());
  }
}

}  // namespace

struct HttpClient::Socket {
  HttpClient* client;
  curl_socket_t fd;
  vr_watch* watch;

  static void ready(void* data, uint32_t events) {
    const auto* socket = static_cast<Socket*>(data);
    int mask = 0;
    if ((events & VR_READABLE) != 0) mask |= CURL_CSELECT_IN;
    if ((events & VR_WRITABLE) != 0) mask |= CURL_CSELECT_OUT;
    socket->client->drive(socket->fd, mask);
  }
};

struct HttpClient::Transfer {
  Transfer(HttpClient& owner, Id number, HttpRequest what)
      : client(owner), id(number), request(std::move(what)), deadline(owner.host_) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (easy != nullptr) {
      curl_multi_remove_handle(client.multi_, easy);
      curl_easy_cleanup(easy);
    }
    curl_slist_free_all(headers);
  }

  bool streams() const { return request.on_data && response.status / 100 == 2; }

  HttpClient& client;
  Id id;
  HttpRequest request;
  HttpResponse response;
  Timer deadline;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};
  std::string arrived;  // of a stream, not passed on yet
  bool opened = false;  // of a stream: its 2xx headers are whole
  bool told_open = false;
  bool finished = false;
  bool queued = false;
};

HttpClient::HttpClient(Host host, HttpEndpoint endpoint)
    : host_(host),
      endpoint_(std::move(endpoint)),
      multi_(curl_multi_init()),
      timer_(host),
      dispatch_timer_(host) {
  if (multi_ == nullptr) throw std::bad_alloc();
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &HttpClient::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &HttpClient::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, connections_kept);
  if (!endpoint_.tls.server_name.empty()) {
    // The URL gets the name that is to be verified, and connects to where it led before.
    const size_t begin = endpoint_.url.find("://") + 3;
    const size_t end = std::min(endpoint_.url.find('/', begin), endpoint_.url.size());
    host_header_ = endpoint_.url.substr(begin, end - begin);
    const bool has_port =
        host_header_.find_last_of(':') != std::string::npos && host_header_.back() != ']';
    const std::string port =
        has_port ? host_header_.substr(host_header_.find_last_of(':') + 1) : "443";
    const std::string where = has_port ? host_header_ : host_header_ + ":443";
    connect_to_ =
        curl_slist_append(nullptr, (endpoint_.tls.server_name + ":" + port + ":" + where).c_str());
    endpoint_.url.replace(begin, end - begin, endpoint_.tls.server_name + ":" + port);
  }
}

HttpClient::~HttpClient() {
  cancelled_.clear();
  transfers_.clear();
  curl_multi_cleanup(multi_);  // closes the connections, and with them the watches
  curl_slist_free_all(connect_to_);
}

HttpClient::Id HttpClient::send(HttpRequest request) {
  const Id id = ++last_id_;
  auto owned = std::make_unique<Transfer>(*this, id, std::move(request));
  Transfer& transfer = *owned;
  transfers_.emplace(id, std::move(owned));
  set_up(transfer);
  transfer.deadline.start(transfer.request.timeout_ms, [this, id] { expire(id); });
  if (curl_multi_add_handle(multi_, transfer.easy) != CURLM_OK) {
    transfer.response.error = "curl refuses the request";
    transfer.finished = true;
    queue(transfer);
  }
  // At once and not with the loop's next turn: on a warm connection the request is written here.
  drive(CURL_SOCKET_TIMEOUT, 0);
  return id;
}

void HttpClient::cancel(Id id) {
  std::unique_ptr<Transfer> transfer = take(id);
  if (transfer && dispatching_) cancelled_.push_back(std::move(transfer));
}

void HttpClient::drop_connections() {
  for (const curl_socket_t fd : open_sockets_) shutdown(fd, SHUT_RDWR);
}

void HttpClient::set_up(Transfer& transfer) {
  CURL* easy = curl_easy_init();
  if (easy == nullptr) throw std::bad_alloc();
  transfer.easy = easy;
  HttpRequest& request = transfer.request;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  curl_easy_setopt(easy, CURLOPT_URL, (endpoint_.url + request.path).c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method);
  for (const std::string& header : request.headers) {
    transfer.headers = curl_slist_append(transfer.headers, header.c_str());
  }
  if (!host_header_.empty()) {
    transfer.headers = curl_slist_append(transfer.headers, ("Host: " + host_header_).c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_);
  }
  if (!request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    transfer.headers = curl_slist_append(transfer.headers, "Expect:");
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "valkey-reconciler/" RECONCILER_VERSION);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, endpoint_.proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, oldest_connection_s);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, keepalive_idle_s);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, keepalive_interval_s);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &HttpClient::on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &HttpClient::on_close_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &HttpClient::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HttpClient::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);

  const HttpTls& tls = endpoint_.tls;
  set_pem(easy, CURLOPT_CAINFO_BLOB, tls.ca_pem, CURLOPT_CAINFO, tls.ca_file);
  set_pem(easy, CURLOPT_SSLCERT_BLOB, tls.cert_pem, CURLOPT_SSLCERT, tls.cert_file);
  set_pem(easy, CURLOPT_SSLKEY_BLOB, tls.key_pem, CURLOPT_SSLKEY, tls.key_file);
  if (tls.insecure) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

// ---- curl's side: nothing here calls out ----

int HttpClient::on_timer(CURLM* /*multi*/, long timeout_ms, void* data) {
  auto* self = static_cast<HttpClient*>(data);
  if (timeout_ms < 0) {
    self->timer_.stop();
  } else {
    self->timer_.start(static_cast<uint64_t>(timeout_ms),
                       [self] { self->drive(CURL_SOCKET_TIMEOUT, 0); });
  }
  return 0;
}

int HttpClient::on_socket(CURL* /*easy*/, curl_socket_t fd, int what, void* data, void* /*own*/) {
  auto* self = static_cast<HttpClient*>(data);
  const vr_host& host = self->host_.raw();
  const auto known = self->watched_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (known == self->watched_.end()) return 0;
    host.watch_stop(host.context, known->second->watch);
    self->watched_.erase(known);
    return 0;
  }
  uint32_t events = 0;
  if ((what & CURL_POLL_IN) != 0) events |= VR_READABLE;
  if ((what & CURL_POLL_OUT) != 0) events |= VR_WRITABLE;
  if (known != self->watched_.end()) {
    host.watch_change(host.context, known->second->watch, events);
    return 0;
  }
  auto socket = std::make_unique<Socket>(Socket{self, fd, nullptr});
  socket->watch = host.watch_start(host.context, fd, events, &Socket::ready, socket.get());
  if (socket->watch == nullptr) return -1;
  self->watched_.emplace(fd, std::move(socket));
  return 0;
}

curl_socket_t HttpClient::on_open_socket(void* data, curlsocktype /*purpose*/,
                                         curl_sockaddr* address) {
  auto* self = static_cast<HttpClient*>(data);
  const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  const unsigned timeout = unacknowledged_ms;
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
  self->open_sockets_.insert(fd);
  return fd;
}

int HttpClient::on_close_socket(void* data, curl_socket_t fd) {
  auto* self = static_cast<HttpClient*>(data);
  // The descriptor's number may be another's in a moment: no watch of it may be left.
  on_socket(nullptr, fd, CURL_POLL_REMOVE, self, nullptr);
  self->open_sockets_.erase(fd);
  return close(fd);
}

size_t HttpClient::on_header(char* data, size_t size, size_t count, void* pointer) {
  auto* transfer = static_cast<Transfer*>(pointer);
  const std::string_view line(data, size * count);
  if (line != "\r\n" && line != "\n") return line.size();
  long status = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200) return line.size();  // an interim response
  transfer->response.status = static_cast<int>(status);
  long version = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
  transfer->response.multiplexed = version == CURL_HTTP_VERSION_2_0;
  if (transfer->streams()) {
    transfer->opened = true;
    transfer->client.queue(*transfer);
  }
  return line.size();
}

size_t HttpClient::on_body(char* data, size_t size, size_t count, void* pointer) {
  auto* transfer = static_cast<Transfer*>(pointer);
  const size_t length = size * count;
  const bool stream = transfer->streams();
  std::string& into = stream ? transfer->arrived : transfer->response.body;
  if (into.size() + length > transfer->request.largest_body) {
    transfer->response.error = "the answer is too large";
    return 0;
  }
  into.append(data, length);
  if (stream) transfer->client.queue(*transfer);
  return length;
}

// ---- our side: requests' functions are called from dispatch() alone ----

void HttpClient::drive(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  collect_finished();
  if (queue_.empty() || dispatching_) return;
  if (fd == CURL_SOCKET_TIMEOUT) {
    // Perhaps within send(): not before it has returned.
    dispatch_timer_.start(0, [this] { dispatch(); });
  } else {
    dispatch();
  }
}

void HttpClient::collect_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* pointer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
    auto* transfer = reinterpret_cast<Transfer*>(pointer);
    transfer->finished = true;
    const CURLcode code = message->data.result;
    if (code != CURLE_OK && transfer->response.error.empty()) {
      transfer->response.error =
          transfer->error[0] != '\0' ? transfer->error.data() : curl_easy_strerror(code);
    }
    if (code != CURLE_OK && !transfer->opened) transfer->response.status = 0;
    queue(*transfer);
  }
}

void HttpClient::queue(Transfer& transfer) {
  if (transfer.queued) return;
  transfer.queued = true;
  queue_.push_back(transfer.id);
}

void HttpClient::dispatch() {
  dispatching_ = true;
  dispatch_timer_.stop();
  cancelled_.clear();
  while (!queue_.empty()) {
    const Id id = queue_.front();
    queue_.pop_front();
    deliver(id);
    cancelled_.clear();
  }
  dispatching_ = false;
}

void HttpClient::deliver(Id id) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  Transfer& transfer = *found->second;
  transfer.queued = false;
  if (transfer.opened && !transfer.told_open) {
    transfer.told_open = true;
    transfer.deadline.stop();
    if (const uint64_t limit = transfer.request.stream_timeout_ms; limit > 0) {
      transfer.deadline.start(limit, [this, id] { expire(id); });
    }
    if (transfer.request.on_open) transfer.request.on_open();
    if (!transfers_.contains(id)) return;  // cancelled from within
  }
  if (!transfer.arrived.empty()) {
    const std::string data = std::move(transfer.arrived);
    transfer.arrived.clear();
    transfer.request.on_data(data);
    if (!transfers_.contains(id)) return;
  }
  if (!transfer.finished) return;
  const std::unique_ptr<Transfer> done = take(id);
  if (done->request.on_done) done->request.on_done(std::move(done->response));
}

void HttpClient::expire(Id id) {
  const std::unique_ptr<Transfer> transfer = take(id);
  if (!transfer) return;
  // All of them: libcurl doesn't tell which one a request uses (CURLINFO_ACTIVESOCKET: none, with HTTP/2), and those
  // that are idle are as dead as this one.
  drop_connections();
  transfer->response.status = 0;
  transfer->response.timed_out = true;
  transfer->response.error =
      transfer->opened
          ? "no end within " + std::to_string(transfer->request.stream_timeout_ms) + " ms"
          : "no answer within " + std::to_string(transfer->request.timeout_ms) + " ms";
  HttpResponse response = std::move(transfer->response);
  dispatching_ = true;
  if (transfer->request.on_done) transfer->request.on_done(std::move(response));
  dispatching_ = false;
  dispatch();
}

std::unique_ptr<HttpClient::Transfer> HttpClient::take(Id id) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return nullptr;
  std::unique_ptr<Transfer> transfer = std::move(found->second);
  transfers_.erase(found);
  return transfer;
}

}  // namespace reconciler
