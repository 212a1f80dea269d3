#include "plugins/kubernetes/label_selector.h"

#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugins/kubernetes/label_syntax.h"

namespace reconciler {

namespace {

using Kind = LabelTerm::Kind;

// Reads a selector from left to right.
class SelectorReader {
 public:
  explicit SelectorReader(std::string_view text) : text_(text) {}

  Result<LabelSelector> read() {
    LabelSelector selector;
    do {
      Result<LabelTerm> term = read_term();
      if (!term) return term.error();
      selector.terms.push_back(std::move(*term));
    } while (take(","));
    skip_space();
    if (at_ != text_.size()) return unexpected("`,` or the end");
    return selector;
  }

 private:
  Result<LabelTerm> read_term() {
    LabelTerm term;
    if (take("!")) term.kind = Kind::absent;
    term.key = take_word();
    Result<void> checked = check_label_name(term.key);
    if (!checked) return checked.error();
    if (term.kind == Kind::absent) return term;
    const bool unequal = take("!=");
    if (unequal || take("==") || take("=")) {
      term.kind = unequal ? Kind::none_of : Kind::one_of;
      checked = read_value(term);
      if (!checked) return checked.error();
      return term;
    }
    const size_t before = at_;
    const std::string_view word = take_word();
    if (word != "in" && word != "notin") {
      at_ = before;
      return term;
    }
    term.kind = word == "in" ? Kind::one_of : Kind::none_of;
    return read_set(std::move(term));
  }

  Result<LabelTerm> read_set(LabelTerm term) {
    if (!take("(")) return unexpected("`(`");
    do {
      Result<void> value = read_value(term);
      if (!value) return value.error();
    } while (take(","));
    if (!take(")")) return unexpected("`)`");
    std::sort(term.values.begin(), term.values.end());
    term.values.erase(std::unique(term.values.begin(), term.values.end()), term.values.end());
    return term;
  }

  Result<void> read_value(LabelTerm& term) {
    term.values.emplace_back(take_word());
    return check_label_value(term.values.back());
  }

  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(std::string_view token) {
    skip_space();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  std::string_view take_word() {
    skip_space();
    const size_t start = at_;
    while (at_ < text_.size() && (is_label_character(text_[at_]) || text_[at_] == '/')) ++at_;
    return text_.substr(start, at_ - start);
  }
  Error unexpected(const char* expected) const {
    return Error(fmt::format("at `{}`: {} expected", text_.substr(at_), expected));
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string text_of(const LabelTerm& term) {
  switch (term.kind) {
    case Kind::one_of:
      if (term.values.size() == 1) return term.key + "=" + term.values.front();
      return fmt::format("{} in ({})", term.key, fmt::join(term.values, ","));
    case Kind::none_of:
      if (term.values.size() == 1) return term.key + "!=" + term.values.front();
      return fmt::format("{} notin ({})", term.key, fmt::join(term.values, ","));
    case Kind::present:
      return term.key;
    case Kind::absent:
      return "!" + term.key;
  }
  return {};
}

bool has(const LabelSelector& selector, const LabelTerm& term) {
  return std::find(selector.terms.begin(), selector.terms.end(), term) != selector.terms.end();
}

// The values of one label that these ask for; nothing where one of them does not.
std::optional<LabelTerm> values_of(const std::vector<LabelSelector>& selectors,
                                   const std::string& key) {
  LabelTerm all{key, Kind::one_of, {}};
  for (const LabelSelector& selector : selectors) {
    const auto term = std::find_if(
        selector.terms.begin(), selector.terms.end(),
        [&](const LabelTerm& each) { return each.key == key && each.kind == Kind::one_of; });
    if (term == selector.terms.end()) return std::nullopt;
    all.values.insert(all.values.end(), term->values.begin(), term->values.end());
  }
  std::sort(all.values.begin(), all.values.end());
  all.values.erase(std::unique(all.values.begin(), all.values.end()), all.values.end());
  return all;
}

}  // namespace

bool LabelTerm::holds(std::optional<std::string_view> value) const {
  const bool named = value && std::find(values.begin(), values.end(), *value) != values.end();
  switch (kind) {
    case Kind::one_of:
      return named;
    case Kind::none_of:
      return !named;
    case Kind::present:
      return value.has_value();
    case Kind::absent:
      return !value;
  }
  return false;
}

Result<LabelSelector> read_selector(std::string_view text) { return SelectorReader(text).read(); }

std::string text_of(const LabelSelector& selector) {
  std::string text;
  for (const LabelTerm& term : selector.terms) {
    if (!text.empty()) text += ',';
    text += text_of(term);
  }
  return text;
}

LabelSelector cover_of(const std::vector<LabelSelector>& selectors, size_t longest) {
  LabelSelector cover;
  std::vector<size_t> by_values;  // of the cover's terms
  for (const LabelTerm& term : selectors.front().terms) {
    if (std::all_of(selectors.begin(), selectors.end(),
                    [&](const LabelSelector& selector) { return has(selector, term); })) {
      cover.terms.push_back(term);
    } else if (auto values = values_of(selectors, term.key); values && !has(cover, *values)) {
      by_values.push_back(cover.terms.size());
      cover.terms.push_back(std::move(*values));
    }
  }
  if (percent_encoded(text_of(cover)).size() > longest) {
    for (const size_t term : by_values) {
      cover.terms[term].kind = Kind::present;
      cover.terms[term].values.clear();
    }
  }
  return cover;
}

}  // namespace reconciler
