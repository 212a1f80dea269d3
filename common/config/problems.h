// What is wrong with a configuration: all of it is collected, so that a user mends it in one go.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/toml_document.h"
#include "common/result.h"

namespace reconciler {

// Where a value was written: in a file at a place, or in a variable (then `place` is 0:0).
struct Where {
  std::string source;  // the file's or the variable's name
  Place place;

  friend auto operator<=>(const Where&, const Where&) = default;
};

std::string to_string(const Where& where);  // `FILE:3:9`, `VALKEY_SENTINEL_HOST`

class Problems {
 public:
  static constexpr std::size_t most = 20;

  // `message`: `problem; expected ...`. `key` may be empty.
  void add(const Where& where, std::string_view key, std::string_view message);

  // When there are enough to tell, only their number counts: finding a place is slow.
  bool full() const { return entries_.size() == most; }
  void leave_out() { ++left_out_; }

  std::size_t count() const { return entries_.size() + left_out_; }

  // One line for each, in the order of the file: `WHERE: KEY: problem; expected ...`.
  Error error() const;

 private:
  struct Entry {
    Where where;
    std::string text;
  };
  std::vector<Entry> entries_;
  std::size_t left_out_ = 0;
};

}  // namespace reconciler
