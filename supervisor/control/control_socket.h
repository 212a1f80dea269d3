// The file of the control socket: where it is, and that it is ours alone.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/descriptor.h"
#include "common/result.h"

namespace reconciler {

struct ControlPath {
  std::string path;        // empty: none is wanted
  bool asked_for = false;  // else the system's run folder, which need not be there
};

// `given` (--socket), else $VALKEY_RECONCILER_SOCKET, else in the first folder of $RUNTIME_DIRECTORY, else in the system's run
// folder.
ControlPath control_path(const std::optional<std::string>& given);

// Whether the path's folder is there and can be written.
bool has_control_folder(const std::string& path);

// A listening socket with a file that only its user can open, from its birth on. Takes over what a supervisor that is gone left
// behind; an error where one that lives has it. Removes its file at the end, and no other.
class ControlSocket {
 public:
  static Result<ControlSocket> listen(const std::string& path);
  ~ControlSocket();
  ControlSocket(ControlSocket&& other) noexcept;
  ControlSocket& operator=(ControlSocket&&) = delete;
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  int fd() const { return descriptor_.get(); }

 private:
  ControlSocket(std::string path, Descriptor descriptor);

  std::string path_;  // empty: moved away
  Descriptor descriptor_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace reconciler
