#include "plugins/http/http_client.h"

#include <sys/socket.h>

#include <algorithm>
#include <new>
#include <utility>

#include "plugins/http/http_transfer.h"

namespace reconciler {

namespace {

constexpr long connections_kept = 8;

// Whether the server was reached, and the connection then broke.
bool is_loss(CURLcode code) {
  switch (code) {
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

constexpr size_t shortest_secret = 4;

void hide_secrets(const std::vector<std::string>& secrets, HttpResponse& response) {
  if (response.status / 100 == 2) return;
  const bool repeats = std::any_of(secrets.begin(), secrets.end(), [&](const std::string& secret) {
    return secret.size() >= shortest_secret && response.body.find(secret) != std::string::npos;
  });
  if (repeats) response.body = "a text that repeats what is secret";
}

}  // namespace

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
  if (!endpoint_.tls.server_name.empty() && endpoint_.url.starts_with("https://")) {
    // The URL gets the name that is to be verified, and connects to where it led before.
    const size_t begin = endpoint_.url.find("://") + 3;
    const size_t end = std::min(endpoint_.url.find_first_of("/?", begin), endpoint_.url.size());
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
  if (!transfer.request.held) {
    transfer.deadline.start(transfer.request.timeout_ms, [this, id] { expire(id); });
  }
  begin(transfer);
  // At once and not with the loop's next turn: on a warm connection the request is written here.
  drive(CURL_SOCKET_TIMEOUT, 0);
  return id;
}

void HttpClient::begin(Transfer& transfer) {
  transfer.uploaded = 0;
  if (curl_multi_add_handle(multi_, transfer.easy) == CURLM_OK) return;
  transfer.response.error = "curl refuses the request";
  transfer.finished = true;
  queue(transfer);
}

bool HttpClient::cancel(Id id) {
  std::unique_ptr<Transfer> transfer = take(id);
  if (!transfer) return false;
  if (dispatching_) cancelled_.push_back(std::move(transfer));
  return true;
}

bool HttpClient::release(Id id, uint64_t timeout_ms) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return false;
  Transfer& transfer = *found->second;
  if (transfer.finished || transfer.response.status != 0) return false;
  transfer.request.held = false;
  transfer.request.timeout_ms = timeout_ms;
  transfer.deadline.start(timeout_ms, [this, id] { expire(id); });
  curl_easy_pause(transfer.easy, CURLPAUSE_CONT);
  drive(CURL_SOCKET_TIMEOUT, 0);
  return true;
}

size_t HttpClient::held() const {
  return static_cast<size_t>(
      std::count_if(transfers_.begin(), transfers_.end(),
                    [](const auto& entry) { return entry.second->request.held; }));
}

bool HttpClient::busy() const {
  return std::any_of(transfers_.begin(), transfers_.end(), [](const auto& entry) {
    return !entry.second->request.check && !entry.second->request.held;
  });
}

void HttpClient::drop_connections() {
  for (const auto& [fd, address] : open_sockets_) shutdown(fd, SHUT_RDWR);
}

// Whoever listens there may take connections and never answer, and libcurl would go there again: it does not know
// that they were given up.
void HttpClient::avoid_connected() {
  for (const auto& [fd, address] : open_sockets_) avoided_.insert(address);
}

// It had no address to go to but those that are avoided: then they are as good as any.
bool HttpClient::tries_again(Transfer& transfer, CURLcode code) {
  if (code != CURLE_COULDNT_CONNECT || !std::exchange(transfer.passed_over, false)) return false;
  avoided_.clear();
  curl_multi_remove_handle(multi_, transfer.easy);
  transfer.error[0] = '\0';
  begin(transfer);
  return true;
}

// ---- requests' functions are called from dispatch() and expire() alone ----

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
    const CURLcode code = message->data.result;
    if (tries_again(*transfer, code)) continue;
    transfer->finished = true;
    if (code != CURLE_OK && transfer->response.error.empty()) {
      transfer->response.error =
          transfer->error[0] != '\0' ? transfer->error.data() : curl_easy_strerror(code);
    }
    if (code != CURLE_OK && !transfer->opened) transfer->response.status = 0;
    transfer->response.lost = is_loss(code);
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
  hide_secrets(done->request.secrets, done->response);
  done->response.held = done->request.held;
  if (done->request.on_done) done->request.on_done(std::move(done->response));
}

void HttpClient::expire(Id id) {
  const std::unique_ptr<Transfer> transfer = take(id);
  if (!transfer) return;
  // All of them: libcurl doesn't tell which one a request uses (CURLINFO_ACTIVESOCKET: none, with HTTP/2), and those
  // that are idle are as dead as this one.
  if (!transfer->request.check || !busy()) {
    avoid_connected();
    drop_connections();
  }
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
