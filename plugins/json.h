// cJSON with an owner, and reading that survives any shape of document.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <cjson/cJSON.h>

namespace reconciler {

struct JsonDeleter {
  void operator()(cJSON* json) const { cJSON_Delete(json); }
};
using Json = std::unique_ptr<cJSON, JsonDeleter>;

// Null where the text is no JSON. cJSON bounds the nesting itself. A NUL it would take for the end of what holds it.
inline Json parse_json(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return nullptr;
  return Json(cJSON_ParseWithLength(text.data(), text.size()));
}

// Null where `object` is no object or has no such member; so these can be chained.
inline const cJSON* member(const cJSON* object, const char* name) {
  return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : nullptr;
}

inline std::string_view text_of(const cJSON* value) {
  return cJSON_IsString(value) && value->valuestring != nullptr
             ? std::string_view(value->valuestring)
             : std::string_view();
}

inline std::string_view text_member(const cJSON* object, const char* name) {
  return text_of(member(object, name));
}

}  // namespace reconciler
