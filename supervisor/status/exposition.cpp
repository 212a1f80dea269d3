#include "supervisor/status/exposition.h"

#include <fmt/format.h>

#include <cmath>

#include "common/text.h"

namespace reconciler {

namespace {

constexpr std::string_view prefix = "valkey_reconciler_";

const char* to_string(Exposition::Type type) {
  switch (type) {
    case Exposition::Type::counter:
      return "counter";
    case Exposition::Type::gauge:
      return "gauge";
    case Exposition::Type::histogram:
      break;
  }
  return "histogram";
}

// The format wants UTF-8. What is none, and control characters, are told as \xNN, so that two
// values that differ stay two series.
std::string label_value(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

}  // namespace

void Exposition::Family::add(const Labels& labels, uint64_t value) { add("", labels, value); }
void Exposition::Family::add(const Labels& labels, double value) { add("", labels, value); }

void Exposition::Family::add(std::string_view suffix, const Labels& labels, uint64_t value) {
  add_text(suffix, labels, fmt::format("{}", value));
}

void Exposition::Family::add(std::string_view suffix, const Labels& labels, double value) {
  add_text(suffix, labels, number(value));
}

void Exposition::Family::add_text(std::string_view suffix, const Labels& labels,
                                  std::string_view value) {
  text_ += name_;
  text_ += suffix;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text_ += i == 0 ? '{' : ',';
    text_ += fmt::format("{}=\"{}\"", labels[i].first, label_value(labels[i].second));
  }
  if (!labels.empty()) text_ += '}';
  text_ += fmt::format(" {}\n", value);
}

Exposition::Family& Exposition::family(std::string_view name, Type type, std::string_view help) {
  const auto known = families_.find(name);
  if (known != families_.end()) return known->second;
  Family& made = families_[std::string(name)];
  made.name_ = fmt::format("{}{}", prefix, name);
  made.text_ = fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", made.name_, help, to_string(type));
  return made;
}

std::string Exposition::text() const {
  std::string all;
  for (const auto& [name, family] : families_) all += family.text_;
  return all;
}

std::string metric_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    name += letter || (digit && !name.empty()) ? c : '_';
  }
  return name;
}

}  // namespace reconciler
