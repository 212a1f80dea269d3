// Tells what changes in a folder. As the owners of handle.h.
#pragma once

#include <uv.h>

#include <functional>
#include <string>
#include <utility>

#include "common/result.h"
#include "common/uv/handle.h"

namespace reconciler::uv {

// `changed` gets the name of what was made, written, renamed or removed. Of a folder that is gone nothing more
// is told, also where there is another one at its path: then start() again.
class FolderEvents : public Owner<uv_fs_event_t, std::function<void(const std::string& name)>> {
 public:
  explicit FolderEvents(uv_loop_t* loop) { uv_fs_event_init(loop, handle()); }

  Result<void> start(const std::string& folder, std::function<void(const std::string&)> changed) {
    uv_fs_event_stop(handle());
    callback() = std::move(changed);
    const int code = uv_fs_event_start(
        handle(),
        [](uv_fs_event_t* events, const char* name, int, int) {
          call(events, std::string(name == nullptr ? "" : name));
        },
        folder.c_str(), 0);
    if (code == 0) return {};
    return error_of(code, "watch folder " + folder);
  }
};

}  // namespace reconciler::uv
