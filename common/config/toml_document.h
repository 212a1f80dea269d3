// A TOML file as this program sees it: values that know their place. Hides toml11, whose versions 3 and 4 differ; only
// toml_document.cpp includes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace reconciler {

// Both from 1; the column counts characters.
struct Place {
  std::size_t line = 0;
  std::size_t column = 0;

  friend auto operator<=>(const Place&, const Place&) = default;
};

// Where the byte at `offset` of `text` stands.
Place place_at(std::string_view text, std::size_t offset);

class TomlDocument;

// A view of one value; valid as long as its document.
class TomlValue {
 public:
  enum class Kind : uint8_t { string, integer, boolean, floating, time, array, table };

  Kind kind() const;
  Place place()
      const;  // of the value itself; of a table that has a header: of the header. Slow: for messages
  const std::string& file() const;

  // Each of its own kind only; another one is a bug.
  const std::string& string() const;
  int64_t integer() const;
  bool boolean() const;
  std::vector<TomlValue> items() const;

  // Of a table; nothing is the order of names, not of lines.
  std::vector<std::string> keys() const;
  bool has(const std::string& key) const;
  TomlValue at(const std::string& key) const;

  // Where `key` of this table is written, for messages about the key itself.
  Place key_place(const std::string& key) const;

 private:
  friend class TomlDocument;
  TomlValue(const TomlDocument* document, const void* node) : document_(document), node_(node) {}

  const TomlDocument* document_;
  const void* node_;  // a toml::value
};

class TomlDocument {
 public:
  // `text` was read from `file`. The error is `FILE:LINE:COLUMN: KEY: problem; expected ...`, and shows nothing of the values
  // in the file, since one of them may be a password.
  static Result<std::unique_ptr<TomlDocument>> parse(std::string text, std::string file);
  ~TomlDocument();
  TomlDocument(const TomlDocument&) = delete;
  TomlDocument& operator=(const TomlDocument&) = delete;

  TomlValue root() const;
  const std::string& file() const { return file_; }
  std::string_view line(std::size_t number) const;

 private:
  struct Tree;
  TomlDocument(std::string text, std::string file);

  std::string text_;
  std::string file_;
  std::unique_ptr<Tree> tree_;
};

// "a text", "an integer", ...: for messages.
std::string_view describe(TomlValue::Kind kind);

}  // namespace reconciler
