// What a program writes, as lines for the log, bounded. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace reconciler::exec {

// Bounds for one run of a program.
inline constexpr std::size_t most_lines = 100;
inline constexpr std::size_t longest_line = 1024;  // bytes; what is longer is cut off

// One for each run. `line` is called for each line as it is whole.
class OutputLines {
 public:
  explicit OutputLines(std::function<void(const std::string&)> line) : line_(std::move(line)) {}

  void feed(std::string_view bytes);
  // The last line may have no end. Says how much was left out.
  void finish();

  // The last one that is not empty.
  const std::string& last() const { return last_; }

 private:
  void end_line();

  std::function<void(const std::string&)> line_;
  std::string open_;
  std::string last_;
  std::size_t lines_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace reconciler::exec
