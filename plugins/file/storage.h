// Reading a file and replacing it, atomically and durably. Blocks for as long as the disk does.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/result.h"

namespace reconciler::file {

// Who may read the files.
struct Access {
  mode_t mode = 0644;
  std::string
      owner;  // `user`, `user:group` or `:group`, by name or number; empty: whoever writes it
};

// `0644`, `640`.
Result<mode_t> parse_mode(const std::string& text);

struct Found {
  std::string text;
  bool access_is_right = false;
};

// nullopt: there is no such file.
Result<std::optional<Found>> read_file(const std::string& path, const Access& access);

// The new content is on the disk before it takes the old one's name, and the name before this returns.
Result<void> replace_file(const std::string& path, const std::string& text, const Access& access);

// `<doing> <path>: <errno's text>`.
Error system_error(std::string_view doing, const std::string& path);

}  // namespace reconciler::file
