// The pods of one selector as they were last seen: from lists, watch events and the answers to our own patches, which
// arrive in any order among each other. Pure.
//
// A resourceVersion is a number that grows with each write (as etcd's revision, and since Kubernetes 1.35 by
// contract); of two states of one pod the higher one is the newer. Where it is no number the later arrival wins.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugins/kubernetes/pod.h"

namespace reconciler {

using Pods = std::map<std::string, Pod, std::less<>>;  // by name

// Driven by a PodWatch, which owns it.
class PodStore {
 public:
  // What an arrival did, in terms that matter for deciding.
  struct Change {
    bool decisive = false;
    // The rule's label has another value, with no word of ours in the stamp: somebody else moved it, unless it is a
    // label of replicas, too.
    std::string moved_pod;
    std::optional<std::string> moved_from;  // its value before
    std::string moved_by;                   // by managedFields; empty where not known
  };

  const Pods& pods() const { return pods_; }

  Change set(Pod pod);
  Change remove(const Pod& pod);

  // The answer to a patch. A pod that is not in the store (it left the selector) stays out.
  void written(Pod pod);

  // A list is asked for and arrives later, whole; what arrived in between and is newer stays. Each begun list is
  // either finished or dropped.
  using Mark = uint64_t;
  Mark begin_list();
  Change finish_list(Mark mark, std::vector<Pod> pods, uint64_t version);
  void drop_list(Mark mark);

 private:
  void settle_list(Mark mark);

  Pods pods_;
  uint64_t arrivals_ = 0;
  std::map<std::string, uint64_t, std::less<>>
      arrived_;  // pod's name -> number of its last arrival
  std::vector<Mark> open_lists_;

  struct Removal {
    std::string uid;
    uint64_t arrival = 0;
    uint64_t version = 0;  // resourceVersion; 0 where it is no number
  };
  std::vector<Removal> removed_;  // kept while a list is open
};

}  // namespace reconciler
