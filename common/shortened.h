// Text that is too long for where it goes.
#pragma once

#include <cstddef>
#include <string_view>

namespace reconciler {

// At most `most` bytes of it, cut between characters of UTF-8.
inline std::string_view shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

}  // namespace reconciler
