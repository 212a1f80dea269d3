// One line of what `check --live` found.
#pragma once

#include <cstdint>
#include <string>

namespace reconciler {

struct Finding {
  enum class State : uint8_t {
    ok,
    note,           // nothing is wrong, but worth a look
    configuration,  // it is to be written otherwise
    unreachable,    // or did not answer in time
    right,          // one is missing
  };

  State state = State::ok;
  std::string about;  // `Sentinel 10.0.0.5:26379`, `group myprimary`, `target kubernetes`
  std::string what;   // not made printable yet: parts of it come from outside
  std::string mend;   // empty: there is nothing to be done

  friend bool operator==(const Finding&, const Finding&) = default;
};

}  // namespace reconciler
