// Notices that the configuration file is another one than before, whoever changed it and how.
#pragma once

#include <sys/types.h>
#include <uv.h>

#include <functional>
#include <string>

#include "common/uv/folder_events.h"
#include "common/uv/handle.h"
#include "supervisor/pool_work.h"
#include "supervisor/reload_news.h"

namespace reconciler {

// The text of a configuration file.
FileText read_text(const std::string& path);

// Driven by the loop, owned by Reload. Watches the file's folder and not the file: what replaces a file by a
// rename, as an editor and a ConfigMap's update do, leaves its inode as it was. A slow poll finds what no
// folder tells: a link that leads elsewhere, a network's file system, a folder that was replaced itself.
// The file is read on a thread of libuv's pool.
class FileWatch {
 public:
  // `taken`: what was read of the file for the configuration in effect.
  FileWatch(uv_loop_t* loop, std::string path, FileText taken, std::function<void()> on_news);

  void start();

  // Looks, and calls what is there news.
  void look_at_once();

  bool running() const { return work_.running(); }

 private:
  // Which folder it is that a path leads to.
  struct Folder {
    dev_t device = 0;
    ino_t inode = 0;
    bool there = false;

    friend bool operator==(const Folder&, const Folder&) = default;
  };
  struct Found {
    FileText text;
    std::string link;
    Folder folder;
  };

  static Found look(const std::string& path);
  void look();
  void found();
  void watch_folder(const Folder& folder);
  void wait();

  std::string path_;
  std::string folder_path_;
  std::string name_;
  std::function<void()> on_news_;
  FileNews news_;
  std::string link_;
  Folder watched_;
  bool at_once_ = false;
  bool told_ = false;  // that the folder can't be watched
  Found found_;
  PoolWork work_;
  uv::FolderEvents events_;
  uv::Timer timer_;
};

}  // namespace reconciler
