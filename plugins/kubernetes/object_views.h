// The objects that one list or watch tells of, divided among those who work with some of them each: every one has a store of
// its own, just as if the API server had selected for it alone. Pure.
//
// That an object has left a selection is told by the object itself alone, where the watch goes on to show it: so each that
// comes goes from all stores whose selection it is not of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kubernetes/departures.h"
#include "plugins/kubernetes/object_store.h"
#include "plugins/kubernetes/selection.h"

namespace reconciler {

// Driven by an ObjectWatch, which owns it.
template <typename Item>
class ObjectViews {
 public:
  using Store = ObjectStore<Item>;
  using View = size_t;  // its place among the selections
  struct Change {
    View view = 0;
    ObjectChange what;
  };
  using Changes = std::vector<Change>;  // only of views in which something was to be decided by it

  // `trim`: takes off an object what nobody needs any more when it was selected; may be null.
  using Trim = void (*)(Item&);
  ObjectViews(std::vector<Selection> selections, Trim trim);

  const std::vector<Selection>& selections() const { return selections_; }
  const typename Store::Items& items(View view) const { return stores_[view].items(); }

  // What a watch tells. `forget`: an object that can't be read is as good as none.
  Changes set(Item item);
  Changes remove(const Item& item);
  Changes forget(std::string_view name);

  // The answer to a patch; and an object that was asked for by its name, in whatever selection it is.
  void written(View view, Item item);
  void seen(View view, Item item);

  // A list is asked for and arrives later, object by object, as in a store; of one view's selection, or of all. Each begun
  // list is either finished or dropped.
  struct Listing {
    struct Part {
      View view = 0;
      typename Store::Mark mark{};
      std::vector<Item> items;
    };
    std::optional<View> of;
    Departures::Mark mark{};
    std::vector<Part> parts;  // of each view that is listed
  };
  Listing begin_list(std::optional<View> of);
  void take(Listing& listing, Item item) const;
  void restart_list(Listing& listing) const;  // what was taken is void
  Changes finish_list(Listing& listing, uint64_t version);
  void drop_list(const Listing& listing);

  // The API server's versions went backwards.
  void restored() {
    for (Store& store : stores_) store.restored();
  }

 private:
  std::vector<View> selecting(const Item& item) const;
  void trim(Item& item) const {
    if (trim_ != nullptr) trim_(item);
  }
  template <typename Act>
  Changes in_each(Act act);

  std::vector<Selection> selections_;
  const Trim trim_;
  std::vector<Store> stores_;
  Departures departures_;
  // A label by whose value the selections differ: who is asked about an object. Empty: all are.
  std::string told_apart_by_;
  std::multimap<std::string, View, std::less<>> by_value_;
};

}  // namespace reconciler
