// The label of one group's replicas, brought up to date beside everything else: never before the primary's, and whatever
// goes wrong with it is a lesser problem.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/object_view.h"
#include "plugins/kubernetes/plan.h"
#include "plugins/kubernetes/replica_plan.h"
#include "plugins/kubernetes/settings.h"

namespace reconciler {

// Driven and owned by a GroupTarget. Nothing orders what two instances hear of a replica under one decision, so they may
// disagree for long. Therefore news is carried out soon, and what was undone is done again later and later.
class ReplicaLabels {
 public:
  // `look_again`: decides anew, from which comes the next follow(): a write is due, or was answered. Its answer may show
  // what else has become of the pod, and the watch will then tell nothing new of that.
  ReplicaLabels(Host host, ApiClient& api, const Settings& settings, const std::string& group,
                PodView& watch, std::function<void()> look_again);

  // The pods agree with `wanted` as to the primary, or have none of it.
  void follow(const Wanted& wanted);
  // Is being decided: nothing more is sent until follow().
  void pause();
  // They don't, and will not soon.
  void forget();

 private:
  // What is known of one pod's label.
  struct Work {
    std::string uid;
    bool is_replica = false;
    int writes = 0;  // of late
    bool noticed = false;
    bool under_way = false;
    uint64_t due_ns = 0;
  };

  void notice(const Relabelling& relabelling, const Wanted& wanted);
  void send_what_is_due();
  void send(const Pod& pod, Work& work);
  void answered(const Pod& seen, bool is_replica, const WriteAnswer<Pod>& answer);
  uint64_t turn_ms(const Wanted& wanted) const;
  bool refused_again(const Pod& seen, const ApiError& error) const;
  void refused(const std::string& why);
  void no_longer_refused();
  void tell_missing(const Replicas& replicas);

  Host host_;
  ApiClient& api_;
  const Settings& settings_;
  const std::string& group_;
  PodView& watch_;
  const std::function<void()> look_again_;

  bool following_ = false;
  std::map<std::string, Work> work_;  // by the pod's name
  std::string missing_;               // as it was told
  bool refused_ = false;
  uint64_t not_before_ns_ = 0;  // as the API server asked
  Timer timer_;
};

}  // namespace reconciler
