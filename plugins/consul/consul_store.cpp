#include "plugins/consul/consul_store.h"

#include <utility>

#include "plugins/store/value.h"

namespace reconciler::consul {

ConsulStore::ConsulStore(const Settings& settings, const Settings::Group& group,
                         HttpServers& servers)
    : settings_(settings), group_(group), token_(settings.token), servers_(servers) {}

ConsulStore::~ConsulStore() { stop(); }

void ConsulStore::send(const char* method, std::string path, std::string body, OnAnswer on_answer,
                       std::function<void(Error)> failed) {
  HttpRequest request;
  request.method = method;
  request.path = std::move(path);
  request.body = std::move(body);
  request.timeout_ms = settings_.timeout_ms;
  if (token_.is_given()) {
    request.secrets = {token_.now()};
    request.headers.push_back("X-Consul-Token: " + request.secrets.front());
  }
  request.on_done = [on_answer = std::move(on_answer),
                     failed = std::move(failed)](const HttpResponse& response) {
    if (response.status == 0) return failed(Error(response.error));
    on_answer(response.status, response.body);
  };
  sent_ = servers_.send(std::move(request));
}

void ConsulStore::read(OnRead on_read) {
  send(
      "GET", read_path(group_.key, settings_.datacenter), "",
      [this, on_read](int status, std::string_view body) {
        Result<Stored> stored = read_key(status, body);
        if (!stored) return on_read(stored.error().within("read " + group_.key));
        if (!group_.registration) return on_read(std::move(stored));
        read_registration(std::move(*stored), on_read);
      },
      [this, on_read](const Error& error) { on_read(error.within("read " + group_.key)); });
}

void ConsulStore::read_registration(Stored stored, const OnRead& on_read) {
  const std::string doing = "read service " + group_.registration->service;
  send(
      "GET", service_path(*group_.registration, settings_.datacenter), "",
      [this, doing, stored = std::move(stored), on_read](int status, std::string_view body) {
        const Result<Registered> found = read_service(status, body, *group_.registration);
        if (!found) return on_read(found.error().within(doing));
        const std::optional<HeldDecision> held = held_of_value(stored.value);
        Stored whole = stored;
        whole.is_whole = held && agrees(*found, *held);
        on_read(std::move(whole));
      },
      [doing, on_read](const Error& error) { on_read(error.within(doing)); });
}

void ConsulStore::write(const std::string& value, const vr_topology& topology,
                        const Stored& expected, OnWritten on_written) {
  const auto failed = [this, on_written](const Error& error) {
    on_written(error.within("write " + group_.key));
  };
  const auto tell = [this, on_written](Result<bool> written) {
    if (!written) return on_written(written.error().within("write " + group_.key));
    on_written(std::move(written));
  };
  if (!group_.registration) {
    return send(
        "PUT", write_path(group_.key, settings_.datacenter, expected.version), value,
        [tell](int status, std::string_view body) { tell(read_written(status, body)); }, failed);
  }
  const std::string body =
      topology.state == VR_PRIMARY_KNOWN
          ? transaction(group_.key, expected.version, value, *group_.registration,
                        topology.primary->host, topology.primary->port)
          : withdrawal(group_.key, expected.version, value, *group_.registration);
  send(
      "PUT", transaction_path(settings_.datacenter), body,
      [tell](int status, std::string_view text) { tell(read_transaction(status, text)); }, failed);
}

void ConsulStore::stop() { servers_.cancel(std::exchange(sent_, 0)); }

}  // namespace reconciler::consul
