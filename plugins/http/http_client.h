// HTTP for plugins: libcurl's multi interface on the host's timers and descriptor watches.
//
// What is taken care of here, each of it measured with libcurl 7.88:
//  - Every request has a deadline of our own: curl's never fires while a request waits for a connection.
//  - A request that runs out of time takes its connection with it, a check only where no other request is open: otherwise a dead HTTP/2 connection stays in the
//    pool and every later request dies on it, too.
//  - A server's name may have several addresses: one that doesn't answer costs about half of a request's time once, and is
//    then passed over as long as there is another.
//  - Half-open connections are found by TCP keep-alive and TCP_USER_TIMEOUT.
//  - Proxy variables of the environment don't apply.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <curl/curl.h>

#include "plugins/host.h"

namespace reconciler {

// Files are read again at each new connection; texts (PEM) go before files.
struct HttpTls {
  std::string ca_file, ca_pem;  // both empty: the system's
  std::string cert_file, cert_pem;
  std::string key_file, key_pem;
  std::string server_name;  // to be verified in place of the URL's host
  bool insecure = false;    // the server's certificate isn't verified
};

struct HttpEndpoint {
  std::string url;    // `https://10.96.0.1:443/prefix`, without a slash at the end
  std::string proxy;  // empty: none
  HttpTls tls;
};

struct HttpResponse {
  int status = 0;    // 0: none came, and `error` says why
  std::string body;  // what was not streamed
  std::string error;
  bool timed_out = false;
  bool lost = false;  // the connection broke under the request: whether it was done is not known
  bool too_large = false;     // than `largest_body`: there was an answer
  int64_t retry_after_s = 0;  // as the server asks by Retry-After, from now on; 0: it doesn't
  bool multiplexed = false;   // by HTTP/2: with other requests on one connection
  bool held = false;          // the request's body was not sent: it was ended before
};

struct HttpRequest {
  const char* method = "GET";
  std::string path;  // with its query; follows the endpoint's URL
  std::vector<std::string> headers;
  std::string body;
  uint64_t timeout_ms = 10000;     // for all of it; for a stream: until it begins
  uint64_t stream_timeout_ms = 0;  // from there on; 0: none
  size_t largest_body = 4u << 20;
  // An answer other than 2xx that repeats one of them, of four bytes and more, is not passed on: it would end in a log.
  std::vector<std::string> secrets;
  // A question whether the server is there, or what nobody waits for. When it runs out of time, it takes no connection
  // from a request that is open, whose own deadline will come.
  bool check = false;
  // Only its head goes out, where there is HTTP/2, and its body with release(). Until then it has no deadline.
  bool held = false;

  // A stream: with `on_data`, what a 2xx response holds is passed on as it comes. `on_open` tells that one began.
  std::function<void()> on_open;
  std::function<void(std::string_view)> on_data;

  std::function<void(HttpResponse)> on_done;  // once, unless it was cancelled
};

// Driven by the host's loop. Owned by a plugin's target; must not be destroyed from within a request's function, which
// otherwise may send and cancel as it likes. No function of a request is called from within send() or cancel().
class HttpClient {
 public:
  using Id = uint64_t;

  HttpClient(Host host, HttpEndpoint endpoint);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  Id send(HttpRequest request);
  bool cancel(Id id);  // nothing is told of it any more. False: it was open no more

  // The body of a request that is held. False: it was answered, or has ended, without it.
  bool release(Id id, uint64_t timeout_ms);
  size_t held() const;  // requests that are

  // Whether a request is open that is to be answered and no check.
  bool busy() const;

  // Every connection is given up, with what is open on it: the next request makes a new one.
  void drop_connections();

 private:
  struct Transfer;
  struct Socket;

  static int on_timer(CURLM* multi, long timeout_ms, void* data);
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* data, void* own);
  static curl_socket_t on_open_socket(void* pointer, curlsocktype purpose, curl_sockaddr* address);
  static int on_close_socket(void* data, curl_socket_t fd);
  static size_t on_header(char* data, size_t size, size_t count, void* pointer);
  static size_t on_body(char* data, size_t size, size_t count, void* pointer);
  static size_t on_upload(char* into, size_t size, size_t count, void* pointer);
  static int on_rewind(void* pointer, curl_off_t offset, int origin);

  void set_up(Transfer& transfer);
  void drive(curl_socket_t fd, int events);
  void collect_finished();
  void begin(Transfer& transfer);
  bool tries_again(Transfer& transfer, CURLcode code);
  void avoid_connected();
  void queue(Transfer& transfer);
  void dispatch();
  void deliver(Id id);
  void expire(Id id);
  std::unique_ptr<Transfer> take(Id id);

  Host host_;
  HttpEndpoint endpoint_;
  std::string
      host_header_;  // where the URL's host is the name to be verified, not the server's own
  curl_slist* connect_to_ = nullptr;
  CURLM* multi_;
  Timer timer_;
  Timer dispatch_timer_;
  std::map<Id, std::unique_ptr<Transfer>> transfers_;
  std::map<curl_socket_t, std::unique_ptr<Socket>> watched_;
  std::map<curl_socket_t, std::string> open_sockets_;  // and where they lead
  std::set<std::string> avoided_;  // addresses at which a request ran out of time
  std::deque<Id> queue_;
  std::vector<std::unique_ptr<Transfer>>
      cancelled_;  // by a function of their own, perhaps: freed after it
  Id last_id_ = 0;
  bool dispatching_ = false;
};

// What libcurl wants once in a process, for the lifetime of this object.
class HttpLibrary {
 public:
  HttpLibrary() { curl_global_init(CURL_GLOBAL_DEFAULT); }
  HttpLibrary(const HttpLibrary&) = delete;
  HttpLibrary& operator=(const HttpLibrary&) = delete;
  ~HttpLibrary() { curl_global_cleanup(); }
};

}  // namespace reconciler
