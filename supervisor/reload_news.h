// When a configuration file is looked at, and whether what is found there is news. Pure: no file, no
// clock; times are milliseconds of one clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace reconciler {

// What stood in a file, or why it could not be read.
struct FileText {
  bool readable = false;
  std::string text;  // or the reason

  friend bool operator==(const FileText&, const FileText&) = default;
};

// Driven by FileWatch. Another text counts as news when two looks, with `settle` between them, have found
// the same: half a write is not taken up, nor that a file is gone for a moment.
class FileNews {
 public:
  struct Waits {
    int64_t settle = 250;
    int64_t poll = 10'000;  // the belt, for changes of which nobody tells
  };

  // `taken`: what the configuration in effect was read from.
  FileNews(FileText taken, int64_t now, const Waits& waits)
      : waits_(waits), taken_(std::move(taken)), due_(now + waits.poll) {}

  // It may have changed.
  void changed(int64_t now) {
    if (waiting_) return;
    waiting_ = true;
    due_ = now + waits_.settle;
  }

  // When to look next.
  int64_t due() const { return due_; }

  // A look begins: a change from now on wants another one.
  void looking(int64_t now) {
    waiting_ = false;
    due_ = now + waits_.poll;
  }

  // What the look has found; true where it is news. `at_once`: somebody asked for it, so it is.
  bool found(FileText text, bool at_once, int64_t now) {
    if (!at_once && text == taken_) {
      seen_.reset();
      return false;
    }
    if (!at_once && seen_ != text) {
      seen_ = std::move(text);
      changed(now);
      return false;
    }
    taken_ = std::move(text);
    seen_.reset();
    return true;
  }

 private:
  Waits waits_;
  FileText taken_;                // the last news
  std::optional<FileText> seen_;  // another text, seen once
  bool waiting_ = false;          // for a change to settle
  int64_t due_;
};

// Whether a change of the name `changed` in a file's folder may be one of the file. `link`: where the file
// leads to, as the link has it; empty where it is none. A ConfigMap's file leads to `..data/NAME`, and
// `..data` is what is swapped.
inline bool concerns_file(std::string_view changed, std::string_view name, std::string_view link) {
  return changed == name || (!link.empty() && changed == link.substr(0, link.find('/')));
}

}  // namespace reconciler
