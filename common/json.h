// cJSON with an owner, and reading that survives any shape of document.
#pragma once

#include <cjson/cJSON.h>

#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace reconciler::json {

struct Deleter {
  void operator()(cJSON* document) const { cJSON_Delete(document); }
};
using Document = std::unique_ptr<cJSON, Deleter>;

// Null where the text is no JSON. cJSON bounds the nesting itself, and would take a NUL for the end.
inline Document parse(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return nullptr;
  return Document(cJSON_ParseWithLength(text.data(), text.size()));
}

// Null where `object` is no object or has no such member: so these can be chained.
inline const cJSON* member(const cJSON* object, const char* name) {
  return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : nullptr;
}

// Empty where it is no string.
inline std::string_view text(const cJSON* value) {
  return cJSON_IsString(value) && value->valuestring != nullptr
             ? std::string_view(value->valuestring)
             : std::string_view();
}
inline std::string_view text(const cJSON* object, const char* name) {
  return text(member(object, name));
}

inline double number(const cJSON* object, const char* name, double otherwise = 0) {
  const cJSON* value = member(object, name);
  return cJSON_IsNumber(value) ? value->valuedouble : otherwise;
}

inline Document object(std::initializer_list<std::pair<const char*, std::string>> texts) {
  Document document(cJSON_CreateObject());
  for (const auto& [name, value] : texts) {
    cJSON_AddStringToObject(document.get(), name, value.c_str());
  }
  return document;
}

// On one line.
inline std::string printed(const cJSON* document) {
  const std::unique_ptr<char, void (*)(void*)> text(cJSON_PrintUnformatted(document), cJSON_free);
  if (!text) throw std::bad_alloc();
  return text.get();
}

inline bool is_true(const cJSON* object, const char* name) {
  return cJSON_IsTrue(member(object, name)) != 0;
}

}  // namespace reconciler::json
