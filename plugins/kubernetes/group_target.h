// One group: brings its pods to agree with the newest topology, by plan.h's word, and notices when they no longer do.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/decision_count.h"
#include "plugins/kubernetes/hold.h"
#include "plugins/kubernetes/order_run.h"
#include "plugins/kubernetes/plan.h"
#include "plugins/kubernetes/pod_events.h"
#include "plugins/kubernetes/publisher.h"
#include "plugins/kubernetes/repairs.h"
#include "plugins/kubernetes/replica_labels.h"
#include "plugins/kubernetes/settings.h"
#include "plugins/kubernetes/shared_watches.h"
#include "plugins/kubernetes/shown_problems.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

// Driven by the KubernetesTarget, which owns it.
//
// An attempt begins with apply(): waiting for the first list, or delaying because another instance is nearer, then
// fencing, then promoting. A conflict leads to listing and from there again to the decision. A request is completed
// only when it is known of each of its patches whether it was done, but for one that was cancelled and whose answers don't
// come. That a patch was done is told by its answer or by the watch, whichever is first.
class GroupTarget : public Publisher {
 public:
  // `group`: its place in the settings.
  GroupTarget(Host host, ApiClient& api, PodEvents& events, const Settings& settings, size_t group,
              SharedWatches& watches);

  const std::string& name() const override { return name_; }
  void apply(const vr_topology& topology, vr_request* request) override;
  void order(const vr_order& order, vr_request* request) override;
  bool cancel(const vr_request* request) override;
  std::vector<std::string> names_of(std::string_view kind) const override;
  void api_is_back() override;
  void rights_were_given() override;

 private:
  enum class Phase : uint8_t { idle, waiting, delaying, listing, fencing, promoting };

  // A patch that is to be sent or under way. Built when it was decided: what the pod has become since is what its
  // precondition is about.
  struct Write {
    Pod seen;
    StampKind kind = StampKind::fenced;
    Stamp stamp;
    std::string body;
    uint64_t attempt = 0;  // that sent it
  };

  // deciding
  void decide();
  void learn();
  std::optional<HighestStamp> highest() const;
  void stand_down(const Plan& plan);
  void decide_without_pod(const Plan& plan);
  bool confirm();
  bool wait_turn(const Plan& plan);
  void look_again_in(uint64_t ms);
  void list_then_decide();
  bool is_held();
  bool is_pointless_now() const;
  bool owes_label() const;

  // writing
  Write make_write(const Pod& pod, StampKind kind, bool is_replica);
  void start_writing(const Plan& plan);
  void send_fences();
  void send(Write write);
  std::list<Write>::iterator find_unconfirmed(uint64_t unique);
  void answered(uint64_t unique, WriteAnswer<Pod> answer);
  void confirm_what_is_seen();
  std::optional<ApiError> judged(const Write& write, WriteAnswer<Pod> answer) const;
  void ended(const Write& write, std::optional<ApiError> error);
  bool waits_for_fences() const;
  void fenced(const Write& write, std::optional<ApiError> error);
  void hold_promotion();
  void withdraw_promotion();
  void promote();
  void send_promotion();
  void promoted(const Write& write, const std::optional<ApiError>& error);
  void failed(const ApiError& error, const Pod& seen);
  void ended_by(const ApiError& error);
  void start_over(const ApiError& error, const Pod& seen);
  void log_write(const Write& write) const;
  void note_write(const Write& write);
  void tell_done();

  void finish(vr_outcome outcome, const std::string& reason);
  // Of a dry run: what it would do; empty: nothing.
  void end_dry_run(const std::string& words);
  std::string words_for_replicas() const;

  // between requests
  void try_again_now();
  void look_again();
  void pods_changed(const ObjectChange& change);
  void note_move(const ObjectChange& change);
  void reassess();
  void label_replicas();

  Host host_;
  ApiClient& api_;
  const Settings& settings_;
  const std::string name_;
  PodView watch_;
  ReplicaLabels replicas_;

  // the newest topology, also after its request was completed
  std::optional<Wanted> wanted_;  // in the pods' count
  DecisionCount count_;
  std::string cause_;

  // For the Events, which go out when the attempt is over.
  PodEvents& events_;
  PodEvents::Budget events_budget_;
  std::map<std::string, Moved, std::less<>> moved_;  // pods whose label somebody else moved
  std::vector<PodEvent> to_tell_;

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
  std::vector<Write> fences_;     // still to be sent, the last first
  std::list<Write> unconfirmed_;  // sent, and neither answered nor seen to be done; of any attempt
  std::vector<Write> done_;       // still to be told of
  bool one_by_one_ = false;       // the server has had too much at once
  std::unique_ptr<Write> promotion_;
  std::optional<ApiClient::Id> held_promotion_;  // its head is with the server
  std::unique_ptr<std::pair<ApiError, Pod>> failure_;
  uint64_t timeout_ms_;
  Hold hold_;
  Timer pause_;
  Timer give_up_;  // after a cancellation

  // what became of the last one
  std::optional<vr_outcome> outcome_;
  Plan::Verdict verdict_ = Plan::Verdict::right;
  Claim stands_before_;  // of stand_down
  ShownProblems problems_;
  std::string list_failure_;  // why there is no first list yet
  std::optional<uint64_t> no_pod_since_ns_;
  Timer no_pod_timer_;

  Repairs repairs_;
  OrderRun<Pod> order_run_;
  std::string dry_run_said_;
};

}  // namespace reconciler
