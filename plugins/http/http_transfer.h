// One request on its way through libcurl. Of http_client.cpp and http_transfer.cpp alone.
#pragma once

#include <array>
#include <string>

#include <curl/curl.h>

#include "plugins/http/http_client.h"

namespace reconciler {

// A descriptor that curl wants watched. Owned by its client.
struct HttpClient::Socket {
  HttpClient* client;
  curl_socket_t fd;
  vr_watch* watch;

  static void ready(void* data, uint32_t events);
};

// Owned by its client.
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
  size_t uploaded = 0;  // of the body of a request that was held
  std::string arrived;  // of a stream, not passed on yet
  bool opened = false;  // of a stream: its 2xx headers are whole
  bool told_open = false;
  bool finished = false;
  bool queued = false;
  bool passed_over = false;  // an address that is avoided
};

}  // namespace reconciler
