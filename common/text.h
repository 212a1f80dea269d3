// Small things about text that more than one part needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reconciler {

// Whether `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

// As a JSON string, quotes included. Bytes that are no UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

// For people: control characters and bytes that are no UTF-8 as \xNN, so that a name from outside
// can't forge a line.
std::string printable(std::string_view text);

// The parts between separators, white space around them taken off, empty ones left out.
std::vector<std::string> split(std::string_view text, char separator);

std::string_view trim(std::string_view text);

// The candidate nearest to `word` by edit distance, where it is near enough to be meant; else
// empty.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace reconciler
