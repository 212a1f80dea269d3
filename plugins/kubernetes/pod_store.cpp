#include "plugins/kubernetes/pod_store.h"

#include <algorithm>

namespace reconciler {

namespace {

// Also between two pods of one name: versions are one sequence for all pods.
bool is_older(const Pod& candidate, const Pod& known) {
  return candidate.version != 0 && known.version != 0 && candidate.version < known.version;
}

void note_move(PodStore::Change& change, const Pod& before, const Pod& after) {
  if (before.uid != after.uid || before.label == after.label ||
      before.stamp.text != after.stamp.text) {
    return;
  }
  change.moved_pod = after.name;
  change.moved_from = before.label;
  change.moved_by = after.label_manager;
}

}  // namespace

PodStore::Change PodStore::set(Pod pod) {
  Change change;
  const auto known = pods_.find(pod.name);
  if (known == pods_.end()) {
    change.decisive = true;
  } else {
    if (is_older(pod, known->second)) return change;
    change.decisive = !decides_the_same(known->second, pod);
    note_move(change, known->second, pod);
  }
  arrived_[pod.name] = ++arrivals_;
  std::string name = pod.name;
  pods_.insert_or_assign(std::move(name), std::move(pod));
  return change;
}

PodStore::Change PodStore::remove(const Pod& pod) {
  Change change;
  ++arrivals_;
  if (!open_lists_.empty()) removed_.push_back({pod.uid, arrivals_, pod.version});
  const auto known = pods_.find(pod.name);
  if (known == pods_.end() || known->second.uid != pod.uid || is_older(pod, known->second)) {
    return change;
  }
  pods_.erase(known);
  arrived_.erase(pod.name);
  change.decisive = true;
  return change;
}

void PodStore::written(Pod pod) {
  const auto known = pods_.find(pod.name);
  if (known == pods_.end() || known->second.uid != pod.uid || is_older(pod, known->second)) return;
  arrived_[pod.name] = ++arrivals_;
  known->second = std::move(pod);
}

PodStore::Mark PodStore::begin_list() {
  open_lists_.push_back(++arrivals_);
  return arrivals_;
}

PodStore::Change PodStore::finish_list(Mark mark, std::vector<Pod> pods, uint64_t version) {
  Change change;
  Pods next;
  std::map<std::string, uint64_t, std::less<>> next_arrived;
  const auto newer_than_list = [&](const Pod& known) {
    const auto arrived = arrived_.find(known.name);
    return arrived != arrived_.end() && arrived->second > mark && version != 0 &&
           known.version > version;
  };
  for (Pod& pod : pods) {
    // After the list's own moment, that is: what left the selector before it may be back.
    const bool removed_since =
        std::any_of(removed_.begin(), removed_.end(), [&](const Removal& removal) {
          const bool older = removal.version != 0 && version != 0 && removal.version <= version;
          return removal.uid == pod.uid && removal.arrival > mark && !older;
        });
    const auto known = pods_.find(pod.name);
    if (removed_since || (known != pods_.end() && newer_than_list(known->second))) continue;
    if (known == pods_.end()) {
      change.decisive = true;
    } else {
      change.decisive |= !decides_the_same(known->second, pod);
      note_move(change, known->second, pod);
    }
    next_arrived[pod.name] = ++arrivals_;
    std::string name = pod.name;
    next.insert_or_assign(std::move(name), std::move(pod));
  }
  for (auto& [name, pod] : pods_) {
    if (next.contains(name)) continue;
    if (newer_than_list(pod)) {
      next_arrived[name] = arrived_[name];
      next.emplace(name, std::move(pod));
    } else {
      change.decisive = true;
    }
  }
  pods_ = std::move(next);
  arrived_ = std::move(next_arrived);
  settle_list(mark);
  return change;
}

void PodStore::drop_list(Mark mark) { settle_list(mark); }

void PodStore::settle_list(Mark mark) {
  std::erase(open_lists_, mark);
  if (open_lists_.empty()) removed_.clear();
}

}  // namespace reconciler
