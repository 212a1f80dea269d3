// One group's messages: each decision is posted until the receiver has taken or refused it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/topology.h"
#include "plugins/host.h"
#include "plugins/http/http_client.h"
#include "plugins/webhook/settings.h"

namespace reconciler::webhook {

// Owned by the plugin's instance, driven by it and by its own timer.
class GroupTarget {
 public:
  GroupTarget(Host host, const Settings& settings, std::string group, std::string run,
              HttpClient& client);
  GroupTarget(const GroupTarget&) = delete;
  GroupTarget& operator=(const GroupTarget&) = delete;

  const std::string& group() const { return group_; }
  void apply(const vr_topology& topology, vr_request* request);
  void cancel(vr_request* request);

 private:
  // What a message is about: the same is not told twice.
  struct Content {
    Decision decision;
    bool known = true;
    Endpoint primary;
    std::vector<Replica> replicas;  // empty unless they are told, too

    friend bool operator==(const Content&, const Content&) = default;
  };

  Content content_of(const vr_topology& topology) const;
  void post();
  void on_response(const HttpResponse& response);
  void taken();
  void complete(vr_outcome outcome, const std::string& reason);

  Host host_;
  const Settings& settings_;
  const std::string group_;
  const std::string run_;
  HttpClient& client_;
  HttpClient::Id sent_ = 0;
  Secret secret_;
  Headers headers_;
  bool is_taken_ = false;  // what was sent: its answer began with a 2xx
  Timer rest_;             // of that answer
  Timer wait_;
  uint64_t not_before_ns_ = 0;  // the receiver asked for patience until then
  std::string fault_;           // of the last answer, if it was one

  vr_request* request_ = nullptr;
  const vr_topology* topology_ = nullptr;  // unchanged while the request is open
  std::string body_;                       // that was posted last
  uint64_t number_ = 0;                    // of it
  std::optional<Content> taken_;           // by the receiver, last
  std::optional<Endpoint> primary_;        // that it was told of last
  std::optional<Endpoint> previous_;       // and the one before
};

}  // namespace reconciler::webhook
