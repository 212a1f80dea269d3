#include "plugins/kubernetes/label_syntax.h"

#include <algorithm>

#include <fmt/format.h>

namespace reconciler {

namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

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

}  // namespace

bool is_label_character(char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; }

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
