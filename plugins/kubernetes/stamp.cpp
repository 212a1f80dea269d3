#include "plugins/kubernetes/stamp.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace reconciler {

namespace {

// Longer ones are nobody's stamps: a host name has 253 bytes at most, a group's name some dozens.
constexpr size_t longest_stamp = 4096;
constexpr std::string_view released = "released";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == ':' || c == '-' || c == '[' || c == ']';
}

void append_encoded(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
}

template <typename T>
bool read_number(std::string_view text, T& value, int base = 10) {
  if (text.empty()) return false;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, base);
  return error == std::errc() && stopped == end;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    uint8_t byte = 0;
    if (i + 2 >= text.size() || !read_number(text.substr(i + 1, 2), byte, 16)) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

std::string_view next_word(std::string_view& rest) {
  const size_t end = rest.find(' ');
  const std::string_view word = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return word;
}

Result<Decision> read_decision(std::string_view word) {
  const size_t first = word.find('.');
  const size_t last = word.rfind('.');
  Decision decision;
  if (first == std::string_view::npos || first == last ||
      !read_number(word.substr(0, first), decision.era) ||
      !read_number(word.substr(first + 1, last - first - 1), decision.epoch) ||
      !read_number(word.substr(last + 1), decision.step)) {
    return Error("era.epoch.step expected");
  }
  return decision;
}

Result<Stamp> read_fields(std::string_view rest) {
  Stamp stamp;
  Result<Decision> decision = read_decision(next_word(rest));
  if (!decision) return decision.error();
  stamp.claim.decision = *decision;

  std::optional<std::string> address = decoded(next_word(rest));
  if (!address || address->empty()) return Error("an address expected");
  stamp.claim.address = std::move(*address);

  const std::string_view kind = next_word(rest);
  if (kind != "promoted" && kind != "fenced") return Error("`promoted` or `fenced` expected");
  stamp.kind = kind == "promoted" ? StampKind::promoted : StampKind::fenced;

  if (!read_number(next_word(rest), stamp.unique, 16)) {
    return Error("a hexadecimal number expected");
  }
  std::optional<std::string> group = decoded(next_word(rest));
  if (!group || group->empty()) return Error("a group expected");
  stamp.group = std::move(*group);
  return stamp;
}

}  // namespace

std::string format_stamp(const Stamp& stamp) {
  const Decision& decision = stamp.claim.decision;
  std::string text;
  text.reserve(usual_stamp_size);
  fmt::format_to(std::back_inserter(text), "v1 {}.{}.{} ", decision.era, decision.epoch,
                 decision.step);
  append_encoded(text, stamp.claim.address);
  fmt::format_to(std::back_inserter(text), " {} {:016x} ",
                 stamp.kind == StampKind::promoted ? "promoted" : "fenced", stamp.unique);
  append_encoded(text, stamp.group);
  return text;
}

StampReading read_stamp(std::string text) {
  StampReading reading;
  reading.text = std::move(text);
  reading.state = StampReading::State::malformed;
  if (reading.text.size() > longest_stamp) {
    reading.problem = std::string("too long");
    return reading;
  }
  if (reading.text.starts_with(released)) {
    reading.state = StampReading::State::released;
    return reading;
  }
  std::string_view rest = reading.text;
  const std::string_view version_word = next_word(rest);
  uint32_t version = 0;
  if (version_word.empty() || version_word.front() != 'v' ||
      !read_number(version_word.substr(1), version) || version == 0) {
    reading.problem = std::string("`v1` expected");
    return reading;
  }
  if (version > 1) {
    reading.state = StampReading::State::newer_format;
    reading.problem = fmt::format("version {} of the stamp is newer than this program", version);
    return reading;
  }
  Result<Stamp> stamp = read_fields(rest);
  if (!stamp) {
    reading.problem = stamp.error().message();
    return reading;
  }
  reading.state = StampReading::State::read;
  reading.stamp = std::move(*stamp);
  return reading;
}

std::string describe(const Claim& claim) {
  const Decision& decision = claim.decision;
  std::string text;
  if (decision.era != 0) text += fmt::format("era {} ", decision.era);
  text += fmt::format("epoch {}", decision.epoch);
  if (decision.step != 0) text += fmt::format(" step {}", decision.step);
  return text + " (" + claim.address + ")";
}

}  // namespace reconciler
