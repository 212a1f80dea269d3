#include "plugins/http/quote.h"

#include <algorithm>

#include "common/text.h"

namespace reconciler {

namespace {

constexpr size_t longest = 200;

}  // namespace

std::string quote(std::string_view said) {
  return printable(said.substr(0, std::min(said.find('\n'), longest)));
}

}  // namespace reconciler
