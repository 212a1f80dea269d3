#include "plugins/http/url_path.h"

#include <fmt/format.h>

namespace reconciler {

namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~' || c == '/';
}

}  // namespace

std::string url_path(std::string_view text) {
  std::string path;
  for (const char c : text) {
    if (is_plain(c)) {
      path += c;
    } else {
      path += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return path;
}

}  // namespace reconciler
