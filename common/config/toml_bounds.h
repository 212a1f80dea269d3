// What must hold of a file's bytes before they are given to the TOML parser. toml11 overflows the stack on deep nesting, reads
// past its buffer at bytes that are no UTF-8, and takes minutes for a million short tables or one long line; 4.4 never
// comes back from a control character in a comment.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/result.h"

namespace reconciler {

constexpr std::size_t largest_file = 1024 * 1024;
constexpr std::size_t longest_line = 4096;
constexpr std::size_t most_lines = 20'000;
constexpr std::size_t deepest_nesting = 32;

// The error is `FILE:LINE:COLUMN: problem; expected ...`.
Result<void> check_toml_bounds(std::string_view text, const std::string& file);

}  // namespace reconciler
