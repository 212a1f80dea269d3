// One group: brings its pods to agree with the newest topology, by plan.h's word, and notices when they no longer do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plugins/count_ahead.h"
#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/hold.h"
#include "plugins/kubernetes/plan.h"
#include "plugins/kubernetes/pod_watch.h"
#include "plugins/kubernetes/settings.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

// Driven by the KubernetesTarget, which owns it.
//
// An attempt begins with apply(): waiting for the first list, or delaying because another instance is nearer, then
// fencing, then promoting. A conflict leads to listing and from there again to the decision. A request is completed
// only when none of its patches is under way, but for one that was cancelled and whose answers don't come.
class GroupTarget {
 public:
  GroupTarget(Host host, ApiClient& api, const Settings& settings, const Settings::Group& group);

  const std::string& name() const { return name_; }
  void start() { watch_.start(); }

  void apply(const vr_topology& topology, vr_request* request);
  bool cancel(const vr_request* request);  // false: it is none of this group

  void api_is_back();
  void watch_is_silent() { watch_.reconnect(); }
  void rights_were_given();

 private:
  enum class Phase : uint8_t { idle, waiting, delaying, listing, fencing, promoting };

  // A patch that is to be sent or under way. Built when it was decided: what the pod has become since is what its
  // precondition is about.
  struct Write {
    Pod seen;
    StampKind kind = StampKind::fenced;
    Stamp stamp;
    std::string body;
  };

  // deciding
  void decide();
  void learn();
  void count_as(const Decision& known);
  bool takes_over();
  void forget_behind();
  void stand_down(const Plan& plan);
  void decide_without_pod(const Plan& plan);
  bool confirm();
  bool wait_turn(const Plan& plan);
  uint64_t turn_ms(const Plan& plan) const;
  void look_again_in(uint64_t ms);
  void list_then_decide();
  bool is_held();
  bool is_pointless_now() const;

  // writing
  Write make_write(const Pod& pod, StampKind kind);
  void start_writing(const Plan& plan);
  void send(const Write& write);
  ApiClient::PatchAnswer judged(const Write& write, ApiClient::PatchAnswer answer) const;
  void fenced(const Write& write, ApiClient::PatchAnswer answer);
  void promote();
  void promoted(ApiClient::PatchAnswer answer);
  void failed(const ApiError& error, const Pod& seen);
  void ended_by(const ApiError& error);
  void start_over(const ApiError& error, const Pod& seen);
  void log_write(const Write& write) const;

  void finish(vr_outcome outcome, const std::string& reason);
  void show_problem(const char* id, const std::string& message);
  void show_pause(const Plan& plan);

  // between requests
  void try_again_now();
  void pods_changed(const PodStore::Change& change);
  void reassess();
  void ask_again();

  Host host_;
  ApiClient& api_;
  const Settings& settings_;
  const std::string name_;
  PodWatch watch_;

  // the newest topology, also after its request was completed
  std::optional<Wanted> wanted_;
  Decision told_;     // by that topology itself; `wanted_` has it in the pods' count
  CountAhead ahead_;  // as the pods have taught

  // What stands above the newest topology by a mere count, and since when.
  struct Behind {
    Claim wanted;
    Claim known;
    uint64_t since_ns = 0;
  };
  std::optional<Behind> behind_;
  Timer behind_timer_;
  std::string cause_;

  // the attempt
  vr_request* request_ = nullptr;
  Phase phase_ = Phase::idle;
  uint64_t attempt_ = 0;  // tells an answer to an ended attempt from one to this
  bool cancelled_ = false;
  bool delayed_ = false;
  int looks_ = 0;                  // at what another instance does
  std::vector<uint64_t> written_;  // the stamps' numbers
  bool listed_ = false;            // consistently, since the attempt began
  bool took_label_ = false;
  int restarts_ = 0;
  size_t under_way_ = 0;
  std::optional<Write> promotion_;
  std::optional<std::pair<ApiError, Pod>> failure_;
  uint64_t timeout_ms_;
  Hold hold_;
  Timer pause_;
  Timer give_up_;  // after a cancellation

  // what became of the last one
  std::optional<vr_outcome> outcome_;
  Plan::Verdict verdict_ = Plan::Verdict::right;
  Claim stands_before_;       // of stand_down
  std::string problem_;       // the id that is shown
  std::string paused_;        // the word of it that is shown
  std::string list_failure_;  // why there is no first list yet
  std::optional<uint64_t> no_pod_since_ns_;
  Timer no_pod_timer_;

  // repairs of late, so that two who disagree don't wear out the API server
  uint64_t repairs_since_ns_ = 0;
  int repairs_ = 0;
  bool asked_ = false;  // the host, for an attempt that has not begun
  Timer repair_later_;
  Timer contest_over_;
};

}  // namespace reconciler
