// The watches of a target, for all of its groups: one of each kind of object, where one query can be said for all of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/object_view.h"
#include "plugins/kubernetes/service_patch.h"
#include "plugins/kubernetes/settings.h"

namespace reconciler {

// Owned by the KubernetesTarget; the groups hold views.
class SharedWatches {
 public:
  SharedWatches(Host host, ApiClient& api, const Settings& settings);

  // When the groups listen.
  void start();

  // By the group's place in the settings.
  PodView pods(size_t group) const { return pods_[group]; }
  // Through a Service: that of the primary, that of the replicas if there is one, and the slices of both.
  std::vector<ObjectView<Service>> services(size_t group) const;
  ObjectView<Slice> slices(size_t group) const { return slices_[group]; }
  // The version of EndpointSlices that the server has; known when they are listed.
  SliceVersion slice_version() const { return slice_version_; }

  void reconnect();
  void retry_now();

 private:
  template <typename Item>
  using Watches = std::vector<std::unique_ptr<ObjectWatch<Item>>>;

  // What a group is about.
  struct Part {
    std::string group;
    Selection selection;
  };
  template <typename Item>
  std::vector<ObjectView<Item>> watch(Watches<Item>& watches, const Resource<Item>& resource,
                                      const std::vector<Part>& parts, bool together,
                                      typename ObjectWatch<Item>::Options options);
  void watch_pods();
  void watch_services();
  void watch_slices();
  Resource<Slice> slices_of_version() const;
  void discover_slices();

  Host host_;
  ApiClient& api_;
  const Settings& settings_;
  SliceVersion slice_version_ = SliceVersion::v1;
  bool slices_found_ = false;
  Timer discover_again_;
  Watches<Pod> pod_watches_;
  Watches<Service> service_watches_;
  Watches<Slice> slice_watches_;
  std::vector<PodView> pods_;
  std::vector<ObjectView<Service>> services_;  // as many for each group
  std::vector<ObjectView<Slice>> slices_;
};

}  // namespace reconciler
