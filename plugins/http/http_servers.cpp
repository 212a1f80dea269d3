#include "plugins/http/http_servers.h"

#include <utility>

#include <fmt/format.h>

#include "plugins/http/quote.h"

namespace reconciler {

namespace {

constexpr int too_many_requests = 429;

bool is_answer(const HttpResponse& response) {
  return response.status != 0 && response.error.empty() && response.status < 500 &&
         response.status != too_many_requests;
}

}  // namespace

HttpServers::HttpServers(Host host, const std::vector<std::string>& urls, const HttpTls& tls) {
  for (const std::string& url : urls) {
    servers_.push_back({url, std::make_unique<HttpClient>(host, HttpEndpoint{url, "", tls})});
  }
}

HttpServers::Id HttpServers::send(HttpRequest request) {
  const Id id = ++last_id_;
  Asking asking;
  asking.request = std::move(request);
  asking.server = preferred_;
  asking_.emplace(id, std::move(asking));
  ask(id);
  return id;
}

void HttpServers::cancel(Id id) {
  const auto found = asking_.find(id);
  if (found == asking_.end()) return;
  servers_[found->second.server].client->cancel(found->second.id);
  asking_.erase(found);
}

void HttpServers::give_up(Id id) {
  const auto found = asking_.find(id);
  if (found == asking_.end()) return;
  if (found->second.server == preferred_) preferred_ = (preferred_ + 1) % servers_.size();
  cancel(id);
}

void HttpServers::ask(Id id) {
  Asking& asking = asking_.at(id);
  HttpRequest request = asking.request;
  request.on_done = [this, id](HttpResponse response) { on_response(id, std::move(response)); };
  asking.id = servers_[asking.server].client->send(std::move(request));
}

void HttpServers::on_response(Id id, HttpResponse response) {
  Asking& asking = asking_.at(id);
  if (is_answer(response)) {
    preferred_ = asking.server;
    const auto node = asking_.extract(id);
    return node.mapped().request.on_done(std::move(response));
  }
  asking.faults += fmt::format("{}{}: {}", asking.faults.empty() ? "" : "; ",
                               servers_[asking.server].url, fault_of(response));
  asking.server = (asking.server + 1) % servers_.size();
  if (++asking.failed < servers_.size()) return ask(id);
  const auto node = asking_.extract(id);
  response.status = 0;
  response.error = node.mapped().faults;
  node.mapped().request.on_done(std::move(response));
}

std::string fault_of(const HttpResponse& response) {
  if (response.status == 0 || !response.error.empty()) return response.error;
  const std::string line = quote(response.body);
  return line.empty() ? fmt::format("HTTP {}", response.status)
                      : fmt::format("HTTP {}: {}", response.status, line);
}

}  // namespace reconciler
