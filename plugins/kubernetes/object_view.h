// What one group has of an ObjectWatch: the objects of its own selection, as if it watched alone.
#pragma once

#include <string>
#include <utility>

#include "plugins/kubernetes/object_watch.h"

namespace reconciler {

// Owned by what publishes a group, for which it works.
template <typename Item>
class ObjectView {
 public:
  // `index`: the place of its selection.
  ObjectView(ObjectWatch<Item>& watch, size_t index) : watch_(&watch), index_(index) {}

  // Before the watch's start.
  void on(WatchListener listener) { watch_->on(index_, std::move(listener)); }

  const typename ObjectStore<Item>::Items& items() const { return watch_->views().items(index_); }
  bool listed() const { return watch_->listed(index_); }  // there is something to decide by
  bool live() const { return watch_->live(); }    // and it is as it is now, by an open watch
  bool polls() const { return watch_->polls(); }  // without the right to watch

  // One consistent list now, for an attempt that met a conflict.
  void list(typename ObjectWatch<Item>::Listed done) { watch_->list(index_, std::move(done)); }

  // The answer to a patch of our own.
  void written(Item item) { watch_->views().written(index_, std::move(item)); }

  // An object as it was seen in another way, also one that was not known.
  void seen(Item item) { watch_->views().seen(index_, std::move(item)); }
  const Resource<Item>& resource() const { return watch_->resource(); }

 private:
  ObjectWatch<Item>* watch_;
  size_t index_;
};

using PodView = ObjectView<Pod>;

}  // namespace reconciler
