// What a server says, for people. Pure.
#pragma once

#include <string>
#include <string_view>

namespace reconciler {

// The first line, 200 bytes of it, without anything that could forge a line of a log.
std::string quote(std::string_view said);

}  // namespace reconciler
