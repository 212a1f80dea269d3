#include "plugins/webhook/group_target.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "plugins/exec/told.h"
#include "plugins/http/http_servers.h"
#include "plugins/webhook/message.h"

namespace reconciler::webhook {

namespace {

constexpr const char* not_taken = "not-taken";
constexpr int64_t longest_wait_s = 30;
constexpr uint64_t longest_rest_ms = 1000;  // of a 2xx, so that its connection can be used again
constexpr uint64_t ns_in_ms = 1'000'000;

Endpoint endpoint_of(const vr_instance& instance) { return {instance.host, instance.port}; }

}  // namespace

GroupTarget::GroupTarget(Host host, const Settings& settings, std::string group, std::string run,
                         HttpClient& client)
    : host_(host),
      settings_(settings),
      group_(std::move(group)),
      run_(std::move(run)),
      client_(client),
      secret_(settings.secret),
      headers_(settings.headers),
      rest_(host),
      wait_(host) {}

void GroupTarget::apply(const vr_topology& topology, vr_request* request) {
  request_ = request;
  topology_ = &topology;
  if (taken_ == content_of(topology)) return complete(VR_APPLIED, "");
  if (settings_.dry_run) {
    return complete(VR_REJECTED,
                    fmt::format("dry run: would tell the receiver of {} primary {}",
                                topology.state == VR_PRIMARY_KNOWN ? "the" : "the suspected",
                                to_string(endpoint_of(*topology.primary))));
  }
  const uint64_t now_ns = host_.now_ns();
  if (now_ns >= not_before_ns_) return post();
  wait_.start((not_before_ns_ - now_ns) / ns_in_ms + 1, [this] { post(); });
}

void GroupTarget::cancel(vr_request* request) {
  if (request != request_) return;
  wait_.stop();
  if (sent_ != 0 && is_taken_) return taken();
  const bool awaited = sent_ != 0;
  client_.cancel(std::exchange(sent_, 0));
  complete(VR_CANCELLED, awaited ? "cancelled while its answer was awaited" : fault_);
}

GroupTarget::Content GroupTarget::content_of(const vr_topology& topology) const {
  Content content{{topology.era, topology.epoch, topology.step},
                  topology.state == VR_PRIMARY_KNOWN,
                  endpoint_of(*topology.primary),
                  {}};
  for (size_t i = 0; settings_.replicas && i < topology.replica_count; ++i) {
    const vr_instance& replica = *topology.replicas[i];
    content.replicas.push_back({endpoint_of(replica), replica.healthy != 0});
  }
  return content;
}

void GroupTarget::post() {
  const Endpoint primary = endpoint_of(*topology_->primary);
  const std::optional<Endpoint>& before = primary_ == primary ? previous_ : primary_;
  HttpRequest message;
  message.method = "POST";
  message.body = exec::input_of({settings_.target, *topology_, before});
  if (message.body != body_) {
    body_ = message.body;
    ++number_;
  }
  message.timeout_ms = settings_.timeout_ms;
  message.headers = headers_.now();
  message.headers.emplace_back("Content-Type: application/json");
  const std::string key = idempotency_key(run_, *topology_, number_);
  message.headers.push_back("Idempotency-Key: " + key);
  if (secret_.is_given()) {
    message.headers.push_back("Valkey-Reconciler-Signature: " +
                              signature(secret_.now(), std::time(nullptr), key, message.body));
  }
  message.secrets = secrets_of(settings_.url, headers_.secret());
  taken_.reset();  // what becomes of this one may never be known
  is_taken_ = false;
  message.on_open = [this] {
    is_taken_ = true;
    rest_.start(longest_rest_ms, [this] { taken(); });
  };
  message.on_data = [](std::string_view) {};  // whatever he has to say of it, he has taken it
  message.on_done = [this](const HttpResponse& response) { on_response(response); };
  host_.count("messages_total");
  sent_ = client_.send(std::move(message));
}

void GroupTarget::on_response(const HttpResponse& response) {
  if (is_taken_) return taken();
  sent_ = 0;
  const int64_t wait_s = std::clamp<int64_t>(response.retry_after_s, 0, longest_wait_s);
  not_before_ns_ = host_.now_ns() + static_cast<uint64_t>(wait_s) * 1000 * ns_in_ms;
  fault_ = fault_of(response);
  if (wait_s > 0) fault_ += fmt::format(" (it asks to wait for {} s)", wait_s);
  host_.set_blocking(group_, not_taken, fault_);
  complete(outcome_of(response.status), fault_);
}

// Of what has no end, the connection is closed.
void GroupTarget::taken() {
  rest_.stop();
  client_.cancel(std::exchange(sent_, 0));
  host_.clear_problem(group_, not_taken);
  taken_ = content_of(*topology_);
  if (primary_ != taken_->primary) previous_ = std::exchange(primary_, taken_->primary);
  host_.log(VR_INFO, group_, "the receiver was told of {} (epoch {})",
            taken_->known ? "primary " + to_string(taken_->primary)
                          : "no primary: " + to_string(taken_->primary) + " is suspected",
            topology_->epoch);
  complete(VR_APPLIED, "");
}

void GroupTarget::complete(vr_outcome outcome, const std::string& reason) {
  topology_ = nullptr;
  host_.complete(std::exchange(request_, nullptr), outcome, reason);
}

}  // namespace reconciler::webhook
