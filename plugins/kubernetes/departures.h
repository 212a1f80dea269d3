// Which objects went while lists were under way: a list that shows how it was before must not bring them back. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "plugins/kubernetes/api_object.h"

namespace reconciler {

// Of objects that several views share, each of which has its own selection. Owned by an ObjectViews.
class Departures {
 public:
  using View = size_t;  // object_views.h

  // A list is asked for; each that begins ends.
  using Mark = uint64_t;
  Mark begin_list();
  void end_list(Mark mark);

  // An object was seen that is in `stays_in`, and in no other view any more.
  void note(const ApiObject& object, std::vector<View> stays_in);

  // Whether the object has left the view since the list of `mark` was asked for; after the list's own moment, that is: what
  // left before may be back. `version`: of the list.
  bool has(const ApiObject& object, View view, Mark mark, uint64_t version) const;

 private:
  struct Departure {
    uint64_t number = 0;
    uint64_t version = 0;  // resourceVersion; 0 where it is no number
    std::vector<View> stays_in;
  };

  uint64_t numbers_ = 0;
  std::vector<Mark> open_lists_;
  std::multimap<std::string, Departure> departures_;  // by uid; kept while a list is open
};

}  // namespace reconciler
