// The headers of one's own, of which those in a file are read again for each message.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::webhook {

class Headers {
 public:
  Headers() = default;

  // Of the keys `headers` and `headers_file`.
  static Result<Headers> of(const vr_target& target);

  // Each `Name: value`. Where the file can't be read, or has a line that is none: what it held before.
  const std::vector<std::string>& now();
  // Those of the file, as they were read last.
  std::vector<std::string> secret() const;

 private:
  Result<void> read();

  std::string path_;  // empty: there is no file
  size_t shown_ = 0;  // how many of them are not the file's
  std::vector<std::string> headers_;
};

}  // namespace reconciler::webhook
