// The files of this folder as they were at build time; embed.cmake writes the source.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace reconciler::page {

std::map<std::string, std::string_view> files();  // by name

}  // namespace reconciler::page
