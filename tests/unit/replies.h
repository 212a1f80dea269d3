// Replies as a server would send them, for the tests of what reads them.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/sentinel_watcher/resp.h"

namespace reconciler {

inline Reply text(std::string value, Reply::Kind kind = Reply::Kind::string) {
  Reply reply;
  reply.kind = kind;
  reply.text = std::move(value);
  return reply;
}

inline Reply list(std::vector<Reply> elements) {
  Reply reply;
  reply.kind = Reply::Kind::array;
  reply.elements = std::move(elements);
  return reply;
}

inline Reply strings(const std::vector<std::string>& values) {
  std::vector<Reply> elements;
  elements.reserve(values.size());
  for (const std::string& value : values) elements.push_back(text(value));
  return list(elements);
}

using Fields = std::map<std::string, std::string>;

inline Reply named(const Fields& fields) {
  std::vector<Reply> elements;
  for (const auto& [name, value] : fields) {
    elements.push_back(text(name));
    elements.push_back(text(value));
  }
  return list(elements);
}

}  // namespace reconciler
