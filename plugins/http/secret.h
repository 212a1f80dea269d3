// A secret of the configuration: the text itself, or a file that is read again whenever it is wanted.
#pragma once

#include <string>

#include "common/result.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

class Secret {
 public:
  Secret() = default;

  // What the key `name` holds, or the file that `<name>_file` names, without its last line end. Not given where neither is.
  static Result<Secret> of(const vr_target& target, const std::string& name);

  bool is_given() const { return !text_.empty(); }
  // Where the file can't be read, is empty, or has several lines: what it held before.
  const std::string& now();

 private:
  Result<std::string> read() const;

  std::string path_;  // empty: the text itself was given
  std::string text_;
};

}  // namespace reconciler
