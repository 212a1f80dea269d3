#include "plugins/kubernetes/object_views.h"

#include <algorithm>
#include <utility>

#include "plugins/kubernetes/service.h"

namespace reconciler {

namespace {

const LabelTerm* values_asked(const Selection& selection, std::string_view key) {
  const auto& terms = selection.labels.terms;
  const auto found = std::find_if(terms.begin(), terms.end(), [&](const LabelTerm& term) {
    return term.key == key && term.kind == LabelTerm::Kind::one_of;
  });
  return found == terms.end() ? nullptr : &*found;
}

// Of all of which all ask for values, not all for the same.
std::string differing_label(const std::vector<Selection>& selections) {
  for (const LabelTerm& term : selections.front().labels.terms) {
    bool all = true;
    bool same = true;
    for (const Selection& selection : selections) {
      const LabelTerm* asked = values_asked(selection, term.key);
      all = all && asked != nullptr;
      same = same && asked != nullptr && asked->values == term.values;
    }
    if (all && !same) return term.key;
  }
  return {};
}

}  // namespace

template <typename Item>
ObjectViews<Item>::ObjectViews(std::vector<Selection> selections, Trim trim_of_item)
    : selections_(std::move(selections)),
      trim_(trim_of_item),
      stores_(selections_.size()),
      told_apart_by_(differing_label(selections_)) {
  if (told_apart_by_.empty()) return;
  for (View view = 0; view < selections_.size(); ++view) {
    for (const std::string& value : values_asked(selections_[view], told_apart_by_)->values) {
      by_value_.emplace(value, view);
    }
  }
}

// Where there is one view, the API server has selected for it.
template <typename Item>
std::vector<typename ObjectViews<Item>::View> ObjectViews<Item>::selecting(const Item& item) const {
  if (selections_.size() == 1) return {0};
  std::vector<View> views;
  if (told_apart_by_.empty()) {
    for (View view = 0; view < selections_.size(); ++view) {
      if (selections_[view].selects(item)) views.push_back(view);
    }
  } else if (const auto value = label_of(item, told_apart_by_)) {
    const auto [from, to] = by_value_.equal_range(*value);
    for (auto asked = from; asked != to; ++asked) {
      if (selections_[asked->second].selects(item)) views.push_back(asked->second);
    }
  }
  return views;
}

template <typename Item>
template <typename Act>
typename ObjectViews<Item>::Changes ObjectViews<Item>::in_each(Act act) {
  Changes changes;
  for (View view = 0; view < stores_.size(); ++view) {
    ObjectChange change = act(view, stores_[view]);
    if (change.decisive) changes.push_back({view, std::move(change)});
  }
  return changes;
}

template <typename Item>
typename ObjectViews<Item>::Changes ObjectViews<Item>::set(Item item) {
  const std::vector<View> views = selecting(item);
  trim(item);
  departures_.note(item, views);
  return in_each([&](View view, Store& store) {
    const bool selects = std::find(views.begin(), views.end(), view) != views.end();
    return selects ? store.set(item) : store.remove(item);
  });
}

template <typename Item>
typename ObjectViews<Item>::Changes ObjectViews<Item>::remove(const Item& item) {
  departures_.note(item, {});
  return in_each([&](View, Store& store) { return store.remove(item); });
}

template <typename Item>
typename ObjectViews<Item>::Changes ObjectViews<Item>::forget(std::string_view name) {
  return in_each([&](View, Store& store) { return store.forget(name); });
}

template <typename Item>
void ObjectViews<Item>::written(View view, Item item) {
  if (selections_[view].selects(item)) {
    trim(item);
    stores_[view].written(std::move(item));
  } else {
    std::vector<View> others = selecting(item);
    std::erase(others, view);
    departures_.note(item, std::move(others));
    stores_[view].remove(item);
  }
}

template <typename Item>
void ObjectViews<Item>::seen(View view, Item item) {
  trim(item);
  stores_[view].seen(std::move(item));
}

template <typename Item>
typename ObjectViews<Item>::Listing ObjectViews<Item>::begin_list(std::optional<View> of) {
  Listing listing;
  if (stores_.size() > 1) listing.of = of;
  listing.mark = departures_.begin_list();
  for (View view = 0; view < stores_.size(); ++view) {
    if (listing.of && view != *listing.of) continue;
    listing.parts.push_back({view, stores_[view].begin_list(), {}});
  }
  return listing;
}

template <typename Item>
void ObjectViews<Item>::take(Listing& listing, Item item) const {
  const std::vector<size_t> places = listing.of ? std::vector<size_t>{0} : selecting(item);
  trim(item);
  for (size_t i = 1; i < places.size(); ++i) listing.parts[places[i]].items.push_back(item);
  if (!places.empty()) listing.parts[places.front()].items.push_back(std::move(item));
}

template <typename Item>
void ObjectViews<Item>::restart_list(Listing& listing) const {
  for (auto& part : listing.parts) part.items.clear();
}

template <typename Item>
typename ObjectViews<Item>::Changes ObjectViews<Item>::finish_list(Listing& listing,
                                                                   uint64_t version) {
  Changes changes;
  for (auto& part : listing.parts) {
    std::erase_if(part.items, [&](const Item& item) {
      return departures_.has(item, part.view, listing.mark, version);
    });
    ObjectChange change = stores_[part.view].finish_list(part.mark, std::move(part.items), version);
    if (change.decisive) changes.push_back({part.view, std::move(change)});
  }
  departures_.end_list(listing.mark);
  return changes;
}

template <typename Item>
void ObjectViews<Item>::drop_list(const Listing& listing) {
  departures_.end_list(listing.mark);
}

template class ObjectViews<Pod>;
template class ObjectViews<Service>;
template class ObjectViews<Slice>;

}  // namespace reconciler
