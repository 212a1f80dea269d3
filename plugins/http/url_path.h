// Text as a part of a URL. Pure.
#pragma once

#include <string>
#include <string_view>

namespace reconciler {

// Percent-encoded, but for letters, digits, `-._~` and `/`.
std::string url_path(std::string_view text);

}  // namespace reconciler
