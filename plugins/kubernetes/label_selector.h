// A label selector: what it asks of an object, judged as the API server would judge it, and what several of them have in
// common, so that one query serves them all. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace reconciler {

// What is asked of one label.
struct LabelTerm {
  enum class Kind : uint8_t { one_of, none_of, present, absent };

  std::string key;
  Kind kind = Kind::present;
  std::vector<std::string> values;  // of one_of and none_of; sorted, none twice

  // `value`: that of the object's label, if it has it.
  bool holds(std::optional<std::string_view> value) const;

  friend bool operator==(const LabelTerm&, const LabelTerm&) = default;
};

// Holds where all of its terms do.
struct LabelSelector {
  std::vector<LabelTerm> terms;

  // `label_of(item, key)` is found beside the item's type.
  template <typename Item>
  bool selects(const Item& item) const {
    return std::all_of(terms.begin(), terms.end(),
                       [&](const LabelTerm& term) { return term.holds(label_of(item, term.key)); });
  }

  friend bool operator==(const LabelSelector&, const LabelSelector&) = default;
};

// `a=b,c!=d,e in (f,g),h notin (i),j,!k`
Result<LabelSelector> read_selector(std::string_view text);
std::string text_of(const LabelSelector& selector);

// Selects whatever one of these selects, and as little else as can be said: the terms that all have, and of each label of
// which all want a value, `label in (all their values)`, or where that is longer than `longest` in a URL, only that it is
// there. No terms: nothing of this kind can be said. Of one selector it is that selector.
LabelSelector cover_of(const std::vector<LabelSelector>& selectors, size_t longest);

}  // namespace reconciler
