// The token that goes with each request: a fixed one, or a file that somebody writes anew from time to time (the
// kubelet about hourly).
#pragma once

#include <functional>
#include <string>

#include "common/result.h"
#include "plugins/host.h"

namespace reconciler {

// A small file, whole, without white space at its end.
Result<std::string> read_small_file(const std::string& path, size_t largest = 1u << 20);

// Owned by the ApiClient, which asks it for each request.
class Credentials {
 public:
  // One of both, or neither: with a client certificate alone no token is sent. `file` goes first.
  Credentials(Host host, const std::string& token, std::string file);

  // `Authorization: Bearer ...`, or empty.
  const std::string& header() const { return header_; }

  // Reads the file again. True where that gave another token than before.
  bool read_again();

 private:
  void watch_file();

  Host host_;
  std::string file_;
  std::string header_;
  bool file_failed_ = false;
  Timer timer_;
};

}  // namespace reconciler
