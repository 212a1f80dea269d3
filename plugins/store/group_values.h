// The values of all groups of a target. Header only.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "plugins/store/group_value.h"

namespace reconciler {

class GroupValues {
 public:
  void add(std::unique_ptr<GroupValue> value) { values_.push_back(std::move(value)); }

  void apply(const vr_topology& topology, vr_request* request) {
    for (const auto& value : values_) {
      if (value->group() == topology.group) return value->apply(topology, request);
    }
    abort_with("a topology of a group that the target does not serve");
  }
  void cancel(vr_request* request) {
    for (const auto& value : values_) value->cancel(request);
  }
  void look() {
    for (const auto& value : values_) value->look();
  }

 private:
  std::vector<std::unique_ptr<GroupValue>> values_;
};

}  // namespace reconciler
