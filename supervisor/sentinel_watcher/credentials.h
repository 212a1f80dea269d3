// User and password for a connection, and the file that a password may stand in.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace reconciler {

struct Credentials {
  std::string username;  // empty: the default user
  std::string password;

  // Whether AUTH is sent at all.
  bool given() const { return !username.empty() || !password.empty(); }
};

// The rule on a password file's end: exactly one "\n" or "\r\n" is taken off, as editors and `echo` leave it; every
// other byte belongs to the password, further line ends and spaces too.
std::string_view without_last_newline(std::string_view contents);

// Read at each connection, so that a changed file needs no restart. At most 64 KiB; the error names the file.
Result<std::string> read_password_file(const std::string& path);

}  // namespace reconciler
