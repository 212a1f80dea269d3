// Which objects of one kind somebody works with: those of a label selector, or the one of a name. Pure.
#pragma once

#include <string>
#include <vector>

#include "plugins/kubernetes/label_selector.h"

namespace reconciler {

struct Selection {
  LabelSelector labels;
  std::string name;  // empty: any

  template <typename Item>
  bool selects(const Item& item) const {
    return (name.empty() || item.name == name) && labels.selects(item);
  }
};

// As the API server is asked, in a URL.
std::string query_of(const Selection& selection);

// For all of these together. Empty, for all objects of the namespace, where nothing can be said of all; the server knows no
// query for several names.
std::string query_of(const std::vector<Selection>& selections);

}  // namespace reconciler
