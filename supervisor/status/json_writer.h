// Writes JSON from front to back, commas and escapes included; nothing is held but the text.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <concepts>
#include <string>
#include <string_view>

#include "common/text.h"

namespace reconciler {

// Owned by whoever writes a document. Keys and brackets are the caller's to keep in order.
class JsonWriter {
 public:
  JsonWriter& begin(char bracket) {
    separate();
    text_ += bracket;
    first_ = true;
    return *this;
  }
  JsonWriter& end(char bracket) {
    text_ += bracket;
    first_ = false;
    return *this;
  }
  JsonWriter& key(std::string_view name) {
    separate();
    text_ += json_string(name) + ":";
    first_ = true;
    return *this;
  }

  // Bytes that are no UTF-8 are told as \xNN, so that two names that differ stay two.
  void value(std::string_view text) {
    put(is_utf8(text) ? json_string(text) : json_string(printable(text)));
  }
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool truth) { put(truth ? "true" : "false"); }
  void value(std::integral auto number) { put(fmt::format("{}", number)); }
  // JSON has no infinity and no NaN.
  void value(double number) { std::isfinite(number) ? put(fmt::format("{}", number)) : null(); }
  void null() { put("null"); }

  template <typename T>
  JsonWriter& field(std::string_view name, const T& held) {
    key(name).value(held);
    return *this;
  }
  JsonWriter& null_field(std::string_view name) {
    key(name).null();
    return *this;
  }

  std::string take() { return std::move(text_); }

 private:
  void put(std::string_view token) {
    separate();
    text_ += token;
  }
  void separate() {
    if (!first_) text_ += ',';
    first_ = false;
  }

  std::string text_;
  bool first_ = true;
};

}  // namespace reconciler
