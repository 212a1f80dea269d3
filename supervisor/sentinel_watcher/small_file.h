// Files that a user names in the configuration: passwords, certificates, keys.
#pragma once

#include <cstddef>
#include <string>

#include "common/result.h"

namespace reconciler {

// The whole of a regular file, read without ever waiting for anybody. The error doesn't name the file:
// `No such file or directory`, `more than 64 KiB`.
Result<std::string> read_small_file(const std::string& path, std::size_t max_size);

}  // namespace reconciler
