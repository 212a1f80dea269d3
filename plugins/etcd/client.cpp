#include "plugins/etcd/client.h"

#include <utility>
#include <vector>

#include "plugins/etcd/messages.h"

namespace reconciler::etcd {

namespace {

constexpr int ok = 200;

Result<std::string> body_of(const HttpResponse& response) {
  if (response.status == ok) return response.body;
  if (response.status == 0) return Error(response.error);
  return Error(read_refusal(response.status, response.body).text);
}

}  // namespace

Client::Client(Host host, const Settings& settings)
    : settings_(settings),
      password_(settings.password),
      servers_(host, settings.endpoints, settings.tls) {}

Client::Id Client::call(const char* path, std::string body, OnBody on_body) {
  const Id id = ++last_id_;
  calls_.emplace(id, Call{path, std::move(body), std::move(on_body), 0, false});
  send(id);
  return id;
}

void Client::cancel(Id id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  servers_.cancel(found->second.sent);
  calls_.erase(found);
}

void Client::give_up(Id id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  servers_.give_up(found->second.sent);
  calls_.erase(found);
}

HttpRequest Client::request(const char* path, const std::string& body) const {
  HttpRequest request;
  request.method = "POST";
  request.path = path;
  request.headers = {"Content-Type: application/json"};
  request.body = body;
  request.timeout_ms = settings_.timeout_ms;
  return request;
}

void Client::send(Id id) {
  Call& call = calls_.at(id);
  if (!settings_.user.empty() && token_.empty()) {
    call.sent = 0;
    return authenticate();
  }
  HttpRequest asked = request(call.path, call.body);
  if (!token_.empty()) asked.headers.push_back("Authorization: " + token_);
  asked.secrets = {token_};
  asked.on_done = [this, id, token = token_](const HttpResponse& response) {
    on_response(id, token, response);
  };
  call.sent = servers_.send(std::move(asked));
}

void Client::on_response(Id id, const std::string& token, const HttpResponse& response) {
  Call& call = calls_.at(id);
  if (!token.empty() && !call.is_second_try && response.status != ok && response.status != 0 &&
      read_refusal(response.status, response.body).is_of_token) {
    call.is_second_try = true;
    if (token == token_) token_.clear();
    return send(id);
  }
  const auto node = calls_.extract(id);
  node.mapped().on_body(body_of(response));
}

void Client::authenticate() {
  if (std::exchange(is_authenticating_, true)) return;
  const std::string& password = password_.now();
  HttpRequest asked = request(authenticate_path, authenticate_as(settings_.user, password));
  asked.secrets = {password, asked.body};
  asked.on_done = [this](const HttpResponse& response) { on_authenticated(response); };
  servers_.send(std::move(asked));
}

void Client::on_authenticated(const HttpResponse& response) {
  is_authenticating_ = false;
  std::vector<Id> waiting;
  for (const auto& [id, call] : calls_) {
    if (call.sent == 0) waiting.push_back(id);
  }
  const Result<std::string> body = body_of(response);
  Result<std::string> token = body ? read_token(*body) : body;
  if (token) token_ = *token;
  for (const Id id : waiting) {
    if (!calls_.contains(id)) continue;  // cancelled by the one before
    if (token) {
      send(id);
      continue;
    }
    const auto node = calls_.extract(id);
    node.mapped().on_body(token.error().within("authenticate as " + settings_.user));
  }
}

}  // namespace reconciler::etcd
