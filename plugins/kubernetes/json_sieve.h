// Leaves out of a JSON text what nobody will read, before it becomes a tree: most of a pod is that, and a tree costs some
// hundred instructions for each of its parts. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reconciler {

// A member of an object that is kept; of the objects in it, also within arrays, only what is `below`. Without any: all.
struct KeptMember {
  std::string_view name;
  const KeptMember* below = nullptr;
  std::size_t count = 0;
};

template <std::size_t size>
constexpr KeptMember kept(std::string_view name,
                          const KeptMember (&below)[size]) {  // NOLINT: of constants
  return {name, below, size};
}

// `kept.name` is not looked at. What is no JSON comes back as it is, or as what is still none, for the parser to refuse; but
// not every error is found in what is left out.
std::string sieved(std::string_view json, const KeptMember& kept);

}  // namespace reconciler
