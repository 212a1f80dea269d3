// The file target: keeps one JSON file for each group in step, replaced atomically and durably.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <thread>

#include "common/descriptor.h"
#include "common/result.h"
#include "plugins/count_ahead.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::file {

// Driven by the host, owned by it through the plugin's entry. A disk may stand still for seconds
// and the host's loop must not, so each write is done by a thread of its own, which touches nothing
// but its Job.
class FileTarget {
 public:
  FileTarget(const vr_host& host, const vr_target& target);
  ~FileTarget();
  FileTarget(const FileTarget&) = delete;
  FileTarget& operator=(const FileTarget&) = delete;

  Result<void> start();
  void apply(const vr_topology& topology, vr_request* request);

 private:
  struct Job {
    vr_request* request = nullptr;
    vr_topology topology{};  // what it points to is unchanged until completed, by the interface
    Decision told;           // by the topology itself; `topology` has it in the file's count
    std::string path;
    std::thread thread;
    std::atomic<bool> done = false;
    // What the thread found out, read when `done`.
    vr_outcome outcome = VR_RETRY;
    std::string reason;
    std::string note;  // for the log
    bool written = false;
  };

  void remove_leftovers() const;
  static void work(Job& job);
  void on_done();
  void watch_folder();
  void on_folder_changed();

  const vr_host& host_;
  std::string folder_;
  std::map<std::string, std::string> groups_by_file_;  // file name -> group
  std::map<std::string, CountAhead> ahead_;            // by group, as the files have taught
  std::map<vr_request*, Job> jobs_;
  Descriptor done_event_;  // eventfd: some job is done
  Descriptor inotify_;
  vr_watch* done_watch_ = nullptr;
  vr_watch* folder_watch_ = nullptr;
  bool watching_folder_ = false;
};

}  // namespace reconciler::file
