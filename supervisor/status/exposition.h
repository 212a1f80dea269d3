// Prometheus' text format, version 0.0.4: families with HELP and TYPE, label values escaped. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reconciler {

class Exposition {
 public:
  enum class Type : uint8_t { counter, gauge, histogram };
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  // The samples of one family stand together, whoever adds them and when.
  class Family {
   public:
    void add(const Labels& labels, uint64_t value);
    void add(const Labels& labels, double value);
    // `suffix`: `_bucket`, `_sum`, `_count` of a histogram.
    void add(std::string_view suffix, const Labels& labels, uint64_t value);
    void add(std::string_view suffix, const Labels& labels, double value);

   private:
    friend class Exposition;
    void add_text(std::string_view suffix, const Labels& labels, std::string_view value);

    std::string name_;
    std::string text_;
  };

  // `name`: without the program's prefix. Whoever asks for it first says what it is.
  Family& family(std::string_view name, Type type, std::string_view help);

  // All families that have samples, by name.
  std::string text() const;

 private:
  std::map<std::string, Family, std::less<>> families_;
};

// What may be a name of a metric or of a label: other characters become `_`.
std::string metric_name(std::string_view text);

}  // namespace reconciler
