// What libcurl is told of a request, and what it calls back: nothing here calls out.
#include "plugins/http/http_transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace reconciler {

namespace {

constexpr long keepalive_idle_s = 10;
constexpr long keepalive_interval_s = 5;
constexpr unsigned unacknowledged_ms = 15000;
constexpr long oldest_connection_s = 600;
// The least that curl takes: it keeps one for each open request, with 64 KiB of its own choice, and watches stay open.
constexpr long upload_buffer = 16384;

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

std::string address_of(const curl_sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = "";
  const auto* raw = &address.addr;
  if (address.family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, raw, sizeof in);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
  } else if (address.family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, raw, sizeof in);
    inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
  }
  return text;
}

}  // namespace

void HttpClient::Socket::ready(void* data, uint32_t events) {
  const auto* socket = static_cast<Socket*>(data);
  int mask = 0;
  if ((events & VR_READABLE) != 0) mask |= CURL_CSELECT_IN;
  if ((events & VR_WRITABLE) != 0) mask |= CURL_CSELECT_OUT;
  socket->client->drive(socket->fd, mask);
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
  if (request.held) {
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &HttpClient::on_upload);
    curl_easy_setopt(easy, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &HttpClient::on_rewind);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, &transfer);
  } else if (!request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  if (!request.body.empty()) transfer.headers = curl_slist_append(transfer.headers, "Expect:");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "valkey-reconciler/" RECONCILER_VERSION);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Else whoever gives up waits until the lookup of a name does, too, which may be a minute.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, endpoint_.proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // Without TLS there is no HTTP/2 to wait for.
  if (endpoint_.url.starts_with("https:")) curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, oldest_connection_s);
  // Of this an address that does not answer gets half, as long as there is another. The whole is our own deadline's.
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request.timeout_ms + request.timeout_ms / 8));
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, upload_buffer);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, keepalive_idle_s);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, keepalive_interval_s);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &HttpClient::on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer);
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
  // A session that is taken up again is of whoever it was made by, with the certificate of then.
  if (!tls.cert_file.empty()) curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  // Debian's libcurl trusts a folder of public authorities beside whatever it is given.
  if (!tls.ca_pem.empty() || !tls.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  // Else it keeps what it has read of a file for a day.
  curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
  if (tls.insecure) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

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

curl_socket_t HttpClient::on_open_socket(void* pointer, curlsocktype /*purpose*/,
                                         curl_sockaddr* address) {
  auto* transfer = static_cast<Transfer*>(pointer);
  HttpClient& self = transfer->client;
  const std::string where = address_of(*address);
  if (self.avoided_.contains(where)) {
    transfer->passed_over = true;
    return CURL_SOCKET_BAD;  // curl goes on to the next one
  }
  const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  const unsigned timeout = unacknowledged_ms;
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
  self.open_sockets_.emplace(fd, where);
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
  curl_off_t retry_after = 0;  // curl reads both forms, seconds and a date
  curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
  transfer->response.retry_after_s = retry_after;
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
    transfer->response.error =
        "the answer is larger than " + std::to_string(transfer->request.largest_body) + " bytes";
    transfer->response.too_large = true;
    return 0;
  }
  into.append(data, length);
  if (stream) transfer->client.queue(*transfer);
  return length;
}

size_t HttpClient::on_upload(char* into, size_t size, size_t count, void* pointer) {
  auto* transfer = static_cast<Transfer*>(pointer);
  if (transfer->request.held) return CURL_READFUNC_PAUSE;
  const size_t length = transfer->request.body.copy(into, size * count, transfer->uploaded);
  transfer->uploaded += length;
  return length;
}

// To begin anew on another connection.
int HttpClient::on_rewind(void* pointer, curl_off_t offset, int origin) {
  auto* transfer = static_cast<Transfer*>(pointer);
  const auto size = static_cast<curl_off_t>(transfer->request.body.size());
  if (origin != SEEK_SET || offset < 0 || offset > size) return CURL_SEEKFUNC_FAIL;
  transfer->uploaded = static_cast<size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

}  // namespace reconciler
