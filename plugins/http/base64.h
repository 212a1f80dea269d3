// Base64 as JSON interfaces carry bytes in it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reconciler {

std::string to_base64(std::string_view bytes);

// Nothing where it is none.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace reconciler
