// Where this program's parts are. The build tree mirrors the install tree, so that one rule serves
// both: relative to the executable that is running.
#pragma once

#include <string>

namespace reconciler::installation {

// The children's executables.
std::string watcher_executable();
std::string labeler_executable();

// The folder of the plugins that came with this program.
std::string plugins_folder();

}  // namespace reconciler::installation
