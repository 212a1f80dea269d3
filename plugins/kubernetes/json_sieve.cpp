#include "plugins/kubernetes/json_sieve.h"

#include <algorithm>

namespace reconciler {

namespace {

constexpr int deepest = 64;

// Each step returns false where the text is not what it looks like.
class Sieve {
 public:
  explicit Sieve(std::string_view text) : text_(text) { kept_.reserve(text.size() / 2); }

  bool value(const KeptMember& kept, int depth) {
    if (depth > deepest) return false;
    blank();
    if (at('{')) return object(kept, depth);
    if (at('[')) return array(kept, depth);
    return copy();
  }

  std::string&& take() { return std::move(kept_); }

 private:
  bool at(char c) const { return place_ < text_.size() && text_[place_] == c; }

  bool pass(char c) {
    blank();
    if (!at(c)) return false;
    ++place_;
    return true;
  }

  void blank() {
    while (place_ < text_.size() && (text_[place_] == ' ' || text_[place_] == '\n' ||
                                     text_[place_] == '\t' || text_[place_] == '\r')) {
      ++place_;
    }
  }

  // From its quote to behind the other one.
  bool string() {
    const std::size_t from = ++place_;
    while ((place_ = text_.find('"', place_)) != std::string_view::npos) {
      std::size_t escapes = place_;
      while (escapes > from && text_[escapes - 1] == '\\') --escapes;
      const bool is_escaped = (place_ - escapes) % 2 == 1;
      ++place_;
      if (!is_escaped) return true;
    }
    return false;
  }

  bool skip() {
    blank();
    const std::size_t from = place_;
    int open = 0;
    while (place_ < text_.size()) {
      switch (text_[place_]) {
        case '"':
          if (!string()) return false;
          if (open == 0) return true;
          continue;
        case '{':
        case '[':
          ++open;
          break;
        case '}':
        case ']':
          if (open == 0) return place_ > from;  // that of what it is in
          if (--open == 0) {
            ++place_;
            return true;
          }
          break;
        case ',':
          if (open == 0) return place_ > from;
          break;
        default:
          break;
      }
      ++place_;
    }
    return open == 0 && place_ > from;
  }

  bool copy() {
    const std::size_t from = place_;
    if (!skip()) return false;
    kept_ += text_.substr(from, place_ - from);
    return true;
  }

  bool object(const KeptMember& kept, int depth) {
    ++place_;
    kept_ += '{';
    bool first = true;
    while (!pass('}')) {
      if (!first && !pass(',')) return false;
      blank();
      if (!at('"')) return false;
      const std::size_t from = place_;
      if (!string()) return false;
      const std::string_view quoted = text_.substr(from, place_ - from);
      if (!pass(':')) return false;
      if (!member(kept, quoted, depth)) return false;
      first = false;
    }
    if (kept_.back() == ',') kept_.pop_back();
    kept_ += '}';
    return true;
  }

  bool member(const KeptMember& kept, std::string_view quoted, int depth) {
    const std::string_view name = quoted.substr(1, quoted.size() - 2);
    const KeptMember* end = kept.below + kept.count;
    const KeptMember* wanted =
        std::find_if(kept.below, end, [&](const KeptMember& each) { return each.name == name; });
    const bool is_escaped = name.find('\\') != std::string_view::npos;  // it may be any name
    if (wanted == end && !is_escaped) return skip();
    kept_ += quoted;
    kept_ += ':';
    blank();
    const bool good = wanted == end || wanted->count == 0 ? copy() : value(*wanted, depth + 1);
    kept_ += ',';
    return good;
  }

  bool array(const KeptMember& kept, int depth) {
    ++place_;
    kept_ += '[';
    bool first = true;
    while (!pass(']')) {
      if (!first && !pass(',')) return false;
      if (!value(kept, depth + 1)) return false;
      kept_ += ',';
      first = false;
    }
    if (kept_.back() == ',') kept_.pop_back();
    kept_ += ']';
    return true;
  }

  std::string_view text_;
  std::size_t place_ = 0;
  std::string kept_;
};

}  // namespace

std::string sieved(std::string_view json, const KeptMember& kept) {
  // The parser refuses it wherever it is.
  if (json.find('\0') != std::string_view::npos) return std::string(json);
  Sieve sieve(json);
  return sieve.value(kept, 0) ? sieve.take() : std::string(json);
}

}  // namespace reconciler
