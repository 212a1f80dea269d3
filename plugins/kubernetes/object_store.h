// The objects of one selector as they were last seen: from lists, watch events and the answers to our own patches, which
// arrive in any order among each other. Pure.
//
// A resourceVersion is a number that grows with each write (as etcd's revision, and since Kubernetes 1.35 by
// contract); of two states of one object the higher one is the newer. Where it is no number the later arrival wins.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/kubernetes/pod.h"

namespace reconciler {

// Driven by an ObjectViews, which owns it. `Item` is an ApiObject with decides_the_same() and note_move().
template <typename Item>
class ObjectStore {
 public:
  using Items = std::map<std::string, Item, std::less<>>;  // by name

  using Change = ObjectChange;

  const Items& items() const { return items_; }

  // What a watch tells. It may be behind the last list: what that had no more does not come back by it.
  Change set(Item item);
  Change remove(const Item& item);
  // Whatever it was.
  Change forget(std::string_view name);

  // An object as it was asked for.
  void seen(Item item) { put(std::move(item)); }

  // The answer to a patch. An object that is not in the store (it left the selector) stays out.
  void written(Item item);

  // A list is asked for and arrives later, whole; what arrived in between and is newer stays, and where a newer list did, all
  // does. What went in between is departures.h's affair.
  using Mark = uint64_t;
  Mark begin_list() { return ++arrivals_; }
  Change finish_list(Mark mark, std::vector<Item> items, uint64_t version);

  // The API server's versions went backwards: the next list may have a lower one.
  void restored() { listed_version_ = 0; }

 private:
  Change put(Item item);

  Items items_;
  uint64_t arrivals_ = 0;
  uint64_t listed_version_ = 0;  // of the last list; 0: none that is a number
};

using PodStore = ObjectStore<Pod>;
using Pods = PodStore::Items;

}  // namespace reconciler
