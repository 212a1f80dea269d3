// What all objects of the API have in common, and how lists and watches of any kind are read. Pure; survives any JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "plugins/kubernetes/pause.h"
#include "plugins/kubernetes/rare.h"
#include "plugins/kubernetes/stamp.h"

namespace reconciler {

// Our own name in managedFields.
inline constexpr char field_manager[] = "valkey-reconciler";

// An object that may bear a stamp.
struct ApiObject {
  std::string name;
  std::string uid;
  uint64_t version = 0;  // resourceVersion; 0 where it is no number
  uint64_t arrival = 0;  // of an ObjectStore alone: the number of its last arrival there

  // What a patch must know of the parents of the paths that it writes.
  bool has_labels = false;
  bool has_annotations = false;
  StampReading stamp;
  Rare<std::string> pause;  // the whole annotation of pause.h

  // Why its group is to be left alone; empty: it is not.
  std::string_view paused() const { return pause ? pause_reason(*pause) : std::string_view(); }
};

// What an arrival of an object, or of a list, did in terms that matter for deciding.
struct ObjectChange {
  bool decisive = false;
  // What we publish came or went with no word of ours in the stamp: somebody else moved it.
  std::string moved;                      // the object's name
  std::optional<std::string> moved_from;  // the label's value before; of pods
  std::string moved_by;                   // by managedFields; empty where not known
};

uint64_t version_number(std::string_view text);

// False where it has no name or uid.
bool read_metadata(const cJSON* metadata, ApiObject& object);

// The manager that owns the field, where that is not us: fieldsV1 holds {"f:metadata":{"f:labels":{"f:NAME":{}}}}.
std::string manager_of(const cJSON* metadata, const std::vector<std::string>& path);

template <typename Item>
using ItemReader = std::function<Result<Item>(const cJSON*)>;
template <typename Item>
using ItemTaker = std::function<void(Item)>;

// One page of a list, without its items.
struct Page {
  size_t unreadable = 0;     // items that were none of the kind
  uint64_t version = 0;      // of the whole list, 0 where it is no number
  std::string version_text;  // the same, to watch from
  std::string rest;          // `continue`; empty on the last page
};

// Each item is taken before the next one is read: so what is not kept of it leaves no hole among what is.
template <typename Item>
Result<Page> read_page(std::string_view text, const ItemReader<Item>& read,
                       const ItemTaker<Item>& take) {
  const json::Document json = json::parse(text);
  const cJSON* items = json::member(json.get(), "items");
  // An empty list is `[]`, or null from servers that were written in Go and are not the real one.
  if (items == nullptr || !(cJSON_IsArray(items) || cJSON_IsNull(items))) {
    return Error("the answer is no list");
  }
  const cJSON* metadata = json::member(json.get(), "metadata");
  Page page;
  page.version_text = json::text(metadata, "resourceVersion");
  page.version = version_number(page.version_text);
  page.rest = json::text(metadata, "continue");
  const cJSON* entry = nullptr;
  cJSON_ArrayForEach(entry, items) {
    Result<Item> item = read(entry);
    if (item) {
      take(std::move(*item));
    } else {
      ++page.unreadable;
    }
  }
  return page;
}

// One line of a watch.
template <typename Item>
struct WatchEvent {
  enum class Type : uint8_t { set, removed, unreadable, bookmark, error };

  Type type = Type::bookmark;
  Item item;                 // set, removed
  std::string name;          // unreadable
  std::string version_text;  // set, removed, unreadable, bookmark: where to go on
  uint64_t version = 0;      // the same; 0 where it is no number
  int code = 0;              // error
  std::string message;       // error, unreadable
};

// An object that can't be read costs itself alone, as in a list; only where it has no name it is not known which that is.
template <typename Item>
Result<WatchEvent<Item>> read_watch_event(std::string_view line, const ItemReader<Item>& read) {
  using Type = typename WatchEvent<Item>::Type;
  const json::Document json = json::parse(line);
  const std::string_view type = json::text(json.get(), "type");
  const cJSON* object = json::member(json.get(), "object");
  WatchEvent<Item> event;
  if (type == "ERROR") {
    event.type = Type::error;
    const cJSON* code = json::member(object, "code");
    if (cJSON_IsNumber(code) && code->valuedouble >= 0 && code->valuedouble < 1000) {
      event.code = static_cast<int>(code->valuedouble);
    }
    event.message = json::text(object, "message");
    return event;
  }
  event.version_text = json::text(json::member(object, "metadata"), "resourceVersion");
  event.version = version_number(event.version_text);
  if (type == "BOOKMARK") return event;
  if (type != "ADDED" && type != "MODIFIED" && type != "DELETED") {
    return Error("the line is no watch event");
  }
  event.type = type == "DELETED" ? Type::removed : Type::set;
  Result<Item> item = read(object);
  if (item) {
    event.item = std::move(*item);
    return event;
  }
  event.name = json::text(json::member(object, "metadata"), "name");
  if (event.name.empty()) return item.error();
  event.type = Type::unreadable;
  event.message = item.error().message();
  return event;
}

}  // namespace reconciler
