#include "plugins/kubernetes/selection.h"

#include <algorithm>
#include <iterator>

#include "plugins/kubernetes/label_syntax.h"

namespace reconciler {

namespace {

// Of a selector in a URL. Proxies take 8 kB for all of a request's head, and the token and a list's `continue` are to fit in,
// too.
constexpr size_t longest_selector = 4096;

LabelSelector cover_of(const std::vector<Selection>& selections) {
  std::vector<LabelSelector> labels;
  labels.reserve(selections.size());
  std::transform(selections.begin(), selections.end(), std::back_inserter(labels),
                 [](const Selection& selection) { return selection.labels; });
  return cover_of(labels, longest_selector);
}

}  // namespace

std::string query_of(const Selection& selection) {
  if (!selection.name.empty()) return "fieldSelector=metadata.name%3D" + selection.name;
  if (selection.labels.terms.empty()) return {};
  return "labelSelector=" + percent_encoded(text_of(selection.labels));
}

std::string query_of(const std::vector<Selection>& selections) {
  if (selections.size() == 1) return query_of(selections.front());
  return query_of(Selection{cover_of(selections), {}});
}

}  // namespace reconciler
