// The counters of the children's reports, which never fall: what earlier incarnations of a child
// had counted is added to what its present one says. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "common/ipc/message.h"

namespace reconciler {

class Counters {
 public:
  struct Series {
    std::string name;
    std::string label;  // may be empty, with value
    std::string value;

    friend auto operator<=>(const Series&, const Series&) = default;
  };
  struct Counted {
    uint64_t before = 0;  // by earlier incarnations
    uint64_t now = 0;     // by the present one

    uint64_t total() const { return before + now; }
  };
  using OfChild = std::map<Series, Counted>;

  // A plugin that makes up a label's value each time must not fill the memory: series beyond this
  // many of one child are left out.
  static constexpr std::size_t most_series = 10'000;

  // `generation`: of the incarnation that speaks. A series that it no longer has is gone: what it was about is.
  void report(const std::string& child, uint64_t generation,
              const std::vector<ipc::Counter>& counters);
  void forget(const std::string& child) { children_.erase(child); }
  void forget_if(const std::string& child, const std::function<bool(const Series&)>& is_gone);

  // Empty: it has counted nothing.
  const OfChild& of(const std::string& child) const;

 private:
  struct Child {
    uint64_t generation = 0;
    OfChild series;
  };

  std::map<std::string, Child> children_;
};

}  // namespace reconciler
