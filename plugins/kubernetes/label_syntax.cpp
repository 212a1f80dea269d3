#include "plugins/kubernetes/label_syntax.h"

#include <algorithm>

#include <fmt/format.h>

namespace reconciler {

namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_label_character(char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; }

bool is_dns_label(std::string_view text) {
  const auto lower = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 63 && lower(text.front()) && lower(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return lower(c) || c == '-'; });
}

bool is_dns_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const size_t dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_qualified(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), is_label_character);
}

// Reads a selector from left to right.
class SelectorReader {
 public:
  explicit SelectorReader(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> read() {
    std::vector<std::string> names;
    do {
      Result<void> requirement = read_requirement(names);
      if (!requirement) return requirement.error();
    } while (take(","));
    skip_space();
    if (at_ != text_.size()) return unexpected("`,` or the end");
    return names;
  }

 private:
  Result<void> read_requirement(std::vector<std::string>& names) {
    const bool absent = take("!");
    const std::string_view name = take_word();
    Result<void> checked = check_label_name(name);
    if (!checked) return checked;
    names.emplace_back(name);
    if (absent) return {};
    if (take("==") || take("!=") || take("=")) return check_label_value(take_word());
    const size_t before = at_;
    const std::string_view word = take_word();
    if (word == "in" || word == "notin") return read_set();
    at_ = before;
    return {};
  }

  Result<void> read_set() {
    if (!take("(")) return unexpected("`(`");
    do {
      Result<void> value = check_label_value(take_word());
      if (!value) return value;
    } while (take(","));
    if (!take(")")) return unexpected("`)`");
    return {};
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

}  // namespace

Result<void> check_label_name(std::string_view name) {
  const size_t slash = name.find('/');
  const std::string_view last = slash == std::string_view::npos ? name : name.substr(slash + 1);
  if (!is_qualified(last) ||
      (slash != std::string_view::npos && !is_dns_name(name.substr(0, slash)))) {
    return Error(fmt::format(
        "`{}` is no label name: [DNS name/] and 1 to 63 letters, digits, `-`, `_`, `.` that begin "
        "and end with a letter or digit",
        name));
  }
  return {};
}

Result<void> check_label_value(std::string_view value) {
  if (!value.empty() && !is_qualified(value)) {
    return Error(fmt::format(
        "`{}` is no label value: at most 63 letters, digits, `-`, `_`, `.` that begin and end with "
        "a letter or digit",
        value));
  }
  return {};
}

Result<void> check_namespace(std::string_view name) {
  if (!is_dns_label(name)) {
    return Error(fmt::format("`{}` is no namespace: 1 to 63 of a-z, 0-9 and `-`", name));
  }
  return {};
}

Result<std::vector<std::string>> check_selector(std::string_view selector) {
  return SelectorReader(selector).read();
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_label_character(c) || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace reconciler
