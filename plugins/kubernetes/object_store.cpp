#include "plugins/kubernetes/object_store.h"

#include "plugins/kubernetes/service.h"

namespace reconciler {

namespace {

// Also between two of one name: versions are one sequence for all objects of a kind.
bool is_older(const ApiObject& candidate, const ApiObject& known) {
  return candidate.version != 0 && known.version != 0 && candidate.version < known.version;
}

// Copied into the memory that is there: what was just read lies among the requests of a failover, which may be one of many
// groups, and would keep their pages.
template <typename Item>
void replace(Item& known, const Item& item) {
  known = item;
}

}  // namespace

template <typename Item>
typename ObjectStore<Item>::Change ObjectStore<Item>::set(Item item) {
  const bool gone_by_then = item.version != 0 && item.version <= listed_version_;
  if (gone_by_then && !items_.contains(item.name)) return {};
  return put(std::move(item));
}

template <typename Item>
typename ObjectStore<Item>::Change ObjectStore<Item>::put(Item item) {
  Change change;
  const auto known = items_.find(item.name);
  if (known == items_.end()) {
    change.decisive = true;
  } else {
    if (is_older(item, known->second)) return change;
    change.decisive = !decides_the_same(known->second, item);
    note_move(change, known->second, item);
  }
  item.arrival = ++arrivals_;
  if (known == items_.end()) {
    std::string name = item.name;
    items_.emplace(std::move(name), std::move(item));
  } else {
    replace(known->second, item);
  }
  return change;
}

template <typename Item>
typename ObjectStore<Item>::Change ObjectStore<Item>::remove(const Item& item) {
  Change change;
  const auto known = items_.find(item.name);
  if (known == items_.end() || known->second.uid != item.uid || is_older(item, known->second)) {
    return change;
  }
  items_.erase(known);
  change.decisive = true;
  return change;
}

template <typename Item>
typename ObjectStore<Item>::Change ObjectStore<Item>::forget(std::string_view name) {
  Change change;
  const auto known = items_.find(name);
  if (known == items_.end()) return change;
  items_.erase(known);
  change.decisive = true;
  return change;
}

template <typename Item>
void ObjectStore<Item>::written(Item item) {
  const auto known = items_.find(item.name);
  if (known == items_.end() || known->second.uid != item.uid || is_older(item, known->second))
    return;
  item.arrival = ++arrivals_;
  replace(known->second, item);
}

template <typename Item>
typename ObjectStore<Item>::Change ObjectStore<Item>::finish_list(Mark mark,
                                                                  std::vector<Item> items,
                                                                  uint64_t version) {
  Change change;
  if (version != 0 && version < listed_version_) return change;
  Items next;
  const auto newer_than_list = [&](const Item& known) {
    return known.arrival > mark && version != 0 && known.version > version;
  };
  for (Item& item : items) {
    const auto known = items_.find(item.name);
    if (known != items_.end() && newer_than_list(known->second)) continue;
    if (known == items_.end()) {
      change.decisive = true;
    } else {
      change.decisive |= !decides_the_same(known->second, item);
      note_move(change, known->second, item);
    }
    item.arrival = ++arrivals_;
    std::string name = item.name;
    next.insert_or_assign(std::move(name), std::move(item));
  }
  for (auto& [name, item] : items_) {
    if (next.contains(name)) continue;
    if (newer_than_list(item)) {
      next.emplace(name, std::move(item));
    } else {
      change.decisive = true;
    }
  }
  items_ = std::move(next);
  listed_version_ = version;
  return change;
}

template class ObjectStore<Pod>;
template class ObjectStore<Service>;
template class ObjectStore<Slice>;

}  // namespace reconciler
