// One group that is published by one object, its Service's EndpointSlice or the Service's own selector: brings that to
// agree with the newest topology, by service_plan.h's word, and notices when it no longer does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/decision_count.h"
#include "plugins/kubernetes/hold.h"
#include "plugins/kubernetes/pod_events.h"
#include "plugins/kubernetes/publisher.h"
#include "plugins/kubernetes/repairs.h"
#include "plugins/kubernetes/service_objects.h"
#include "plugins/kubernetes/settings.h"
#include "plugins/kubernetes/shown_problems.h"

namespace reconciler {

// Driven by the KubernetesTarget, which owns it.
//
// An attempt begins with apply(): waiting for the first lists, or delaying because another instance is nearer, then one
// write (and another for the replicas' slice, if there is one). A conflict leads to listing and from there again to the
// decision. A request is completed only when no write of its attempt is under way, but for one that was cancelled and
// whose answer doesn't come.
class ServiceTarget : public Publisher {
 public:
  // `group`: its place in the settings.
  ServiceTarget(Host host, ApiClient& api, PodEvents& events, const Settings& settings,
                size_t group, SharedWatches& watches);

  const std::string& name() const override { return name_; }
  void apply(const vr_topology& topology, vr_request* request) override;
  void order(const vr_order& order, vr_request* request) override;
  bool cancel(const vr_request* request) override;
  std::vector<std::string> names_of(std::string_view kind) const override {
    return objects_.names_of(kind);
  }
  void api_is_back() override;
  void rights_were_given() override;

 private:
  enum class Phase : uint8_t { idle, waiting, delaying, listing, writing, writing_replicas };

  void decide();
  void stand_down(const ServicePlan& plan);
  void reject(const ServicePlan& plan);
  void decide_without_pod(const ServicePlan& plan);
  bool wait_turn(const ServicePlan& plan);
  bool confirm();
  void list_then_decide();
  bool is_held();

  void write(const ServicePlan& plan);
  void send(const ServiceObjects::Write& write);
  void note_write(const ServiceObjects::Write& write);
  void write_replicas();
  // Of a dry run: what it would do; empty: nothing.
  std::string words_for_replicas() const;
  void replicas_written();
  void leave_replicas();
  void show_replicas(const std::string& problem);
  void replicas_failed(const ApiError& error);
  void retry_replicas();
  void failed(const ApiError& error, const ServiceObjects::Write& write);
  void start_over(const ApiError& error, const ServiceObjects::Write& write);
  void ended_by(const ApiError& error, const ServiceObjects::Write* write = nullptr);

  void finish(vr_outcome outcome, const std::string& reason);
  void show_others(const std::string& message);

  void try_again_now();
  void objects_ready();
  void objects_changed(const ObjectChange& change);
  void reassess();

  Host host_;
  ApiClient& api_;
  const Settings& settings_;
  const std::string name_;
  ServiceObjects objects_;

  // the newest topology, also after its request was completed
  std::optional<Wanted> wanted_;  // in the stamp's count
  DecisionCount count_;
  std::string cause_;

  // Events go out when the attempt is over.
  PodEvents& events_;
  PodEvents::Budget events_budget_;
  std::vector<PodEvent> to_tell_;

  // the attempt
  vr_request* request_ = nullptr;
  Phase phase_ = Phase::idle;
  uint64_t attempt_ = 0;  // tells an answer to an ended attempt from one to this
  bool cancelled_ = false;
  bool delayed_ = false;
  bool listed_ = false;  // consistently, since the attempt began
  int restarts_ = 0;
  uint64_t timeout_ms_;
  Hold hold_;
  Hold replicas_hold_;  // for the slice of the replicas alone
  Timer pause_;
  Timer give_up_;  // after a cancellation

  // what became of the last one
  std::optional<vr_outcome> outcome_;
  ServicePlan::Verdict verdict_ = ServicePlan::Verdict::right;
  std::string told_;  // the cause of the last rejection
  ShownProblems problems_;
  std::string others_;         // what is shown of other slices
  std::string dry_run_said_;   // of the replicas' slice
  std::string replicas_told_;  // the cause of leaving the replicas' slice alone
  std::string replicas_problem_;
  std::string list_failure_;  // why there are no first lists yet
  std::optional<uint64_t> no_pod_since_ns_;
  Timer no_pod_timer_;
  Repairs repairs_;
  OrderRun<Service> service_order_;
  OrderRun<Slice> slice_order_;
};

}  // namespace reconciler
