// The objects by which a group is published through a Service, as they are: the Service, its slices, the group's pods; and
// how they are written.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/object_view.h"
#include "plugins/kubernetes/order_run.h"
#include "plugins/kubernetes/pod_event.h"
#include "plugins/kubernetes/service_patch.h"
#include "plugins/kubernetes/service_plan.h"
#include "plugins/kubernetes/settings.h"
#include "plugins/kubernetes/shared_watches.h"

namespace reconciler {

// Owned by a ServiceTarget, for which it works.
class ServiceObjects {
 public:
  struct Listener {
    std::function<void()> ready;  // for the first time
    std::function<void(const ObjectChange&)> changed;
    std::function<void()> live;  // a watch is, after it was not
    std::function<void(const ApiError&)> failed;
  };

  // A write that is to be sent or under way. Built when it was decided: what the object has become since is what its
  // precondition is about.
  struct Write {
    bool of_replicas = false;
    bool creates = false;
    std::string object;  // its name
    ApiObject seen;      // of what is patched
    Stamp stamp;
    std::string pod_name;        // by the selector
    SliceContent content;        // by a slice
    std::vector<LedPod> led_to;  // of the primary's object, before and after it
    std::vector<LedPod> leads_to;
    std::string body;
    std::string what;  // for people
  };
  using Answered = std::function<void(const std::optional<ApiError>&)>;

  // `group`: its place in the settings.
  ServiceObjects(Host host, ApiClient& api, const Settings& settings, size_t group,
                 SharedWatches& watches, Listener listener);

  bool ready() const;  // there is something to decide by
  bool live() const;   // and it is as it is now, by open watches
  bool polls() const;  // without the right to watch
  bool has_replicas() const { return !replica_service_.empty(); }
  const std::string& service_name() const { return service_name_; }
  // As Publisher has it.
  std::vector<std::string> names_of(std::string_view kind) const;

  ServicePlan plan(const Wanted& wanted) const;
  ServicePlan plan_of_replicas(const Wanted& wanted) const;
  // Somebody else than this program changed the slice of the replicas, or it is gone. Instances may differ in which
  // replicas are well; whoever hears of it last writes last, and the others leave it so.
  bool replicas_drifted(const Wanted& wanted) const;
  const ApiObject* holder() const;  // of the stamp; null: there is none
  const Pods& pods() const { return pods_.items(); }
  // What is there is what this instance would write: what it becomes from now on is drift.
  void replicas_are_right(const Wanted& wanted);

  // What an order of this kind is about: the Service is paused, what holds the stamp is released.
  bool is_about_slices(vr_order_kind kind) const { return by_slice() && kind == VR_RELEASE; }
  OrderScope<Service> scope_of_service();
  OrderScope<Slice> scope_of_slices();

  // Consistent lists of all of them now, for an attempt that met a conflict.
  void list(const Answered& done);

  Write make_write(const Wanted& wanted, const ServicePlan& plan) const;
  Write make_write_of_replicas(const Wanted& wanted, const ServicePlan& plan) const;
  void send(const Write& write, uint64_t timeout_ms, const Answered& done);
  // Nobody else wrote to the object since, as far as is known.
  bool is_unchanged(const Write& write) const;

 private:
  bool by_slice() const { return settings_.publish == Publish::endpointslice; }
  const Service* service(const std::string& name) const;
  const Slice* slice(const std::string& service) const;
  ServiceView view(const std::string& name) const;
  Write write_of_slice(const Wanted& wanted, const ServicePlan& plan,
                       const std::string& name) const;
  std::vector<LedPod> pods_named(const std::string& pod_name_label) const;
  void became_ready();
  void find_slice(const std::string& name, Answered done);
  WatchListener listener();
  WatchListener listener_of_pods();
  template <typename Item>
  void judge(const Write& write, WriteAnswer<Item> answer, const Answered& done);

  Host host_;
  ApiClient& api_;
  const Settings& settings_;
  const std::string group_;
  const std::string service_name_;
  const std::string replica_service_;
  const Listener listener_;
  std::string unseen_;         // a slice that exists by the answer to its creation
  std::string replica_stamp_;  // of the last write of ours, or of one that said the same
  bool ready_told_ = false;
  bool without_pods_ = false;  // by a slice: pods only add to what it says
  SharedWatches& watches_;
  std::vector<ObjectView<Service>> services_;  // that of the primary first
  std::optional<ObjectView<Slice>> slices_;    // by a slice
  PodView pods_;
};

}  // namespace reconciler
