#include "plugins/kubernetes/departures.h"

#include <algorithm>
#include <utility>

namespace reconciler {

Departures::Mark Departures::begin_list() {
  open_lists_.push_back(++numbers_);
  return numbers_;
}

void Departures::end_list(Mark mark) {
  std::erase(open_lists_, mark);
  if (open_lists_.empty()) departures_.clear();
}

void Departures::note(const ApiObject& object, std::vector<View> stays_in) {
  if (open_lists_.empty()) return;
  departures_.emplace(object.uid, Departure{++numbers_, object.version, std::move(stays_in)});
}

bool Departures::has(const ApiObject& object, View view, Mark mark, uint64_t version) const {
  const auto [from, to] = departures_.equal_range(object.uid);
  return std::any_of(from, to, [&](const auto& each) {
    const Departure& departure = each.second;
    const bool older = departure.version != 0 && version != 0 && departure.version <= version;
    const bool stays = std::find(departure.stays_in.begin(), departure.stays_in.end(), view) !=
                       departure.stays_in.end();
    return departure.number > mark && !older && !stays;
  });
}

}  // namespace reconciler
