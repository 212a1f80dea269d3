// The file target: keeps one file for each group in step, replaced atomically and durably, and runs a
// command after a change.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/descriptor.h"
#include "common/result.h"
#include "plugins/count_ahead.h"
#include "plugins/exec/program.h"
#include "plugins/exec/told.h"
#include "plugins/exec/turns.h"
#include "plugins/file/formats.h"
#include "plugins/file/storage.h"
#include "plugins/host.h"

namespace reconciler::file {

struct Settings {
  std::string target;
  std::vector<std::string> groups;
  std::string folder;
  Form form;
  Access access;
  std::vector<std::string> command;  // empty: none
  uint64_t deadline_ms = 0;
  bool dry_run = false;  // nothing is to be written or run
};

// Driven by the host, owned by it behind the plugin's border. A disk may stand still for seconds and
// the host's loop must not, so each write is done by a thread of its own, which touches nothing but
// its Job.
class FileTarget {
 public:
  static constexpr bool tells_dry_run = true;

  FileTarget(Host host, Settings settings);
  ~FileTarget();
  FileTarget(const FileTarget&) = delete;
  FileTarget& operator=(const FileTarget&) = delete;

  Result<void> start();
  void apply(const vr_topology& topology, vr_request* request);
  // A write can't be taken back half-way and completes by itself; a command may be cut short.
  void cancel(vr_request* request);

 private:
  struct Job {
    vr_request* request = nullptr;
    vr_topology topology{};  // what it points to is unchanged until completed, by the interface
    Decision told;           // by the topology itself; `topology` has it in the file's count
    std::string path;
    bool cancelled = false;
    std::unique_ptr<exec::Program> command;
    std::thread thread;
    std::atomic<bool> done = false;
    // What the thread found out, read when `done`.
    vr_outcome outcome = VR_RETRY;
    std::string reason;
    std::string note;  // for the log
    bool written = false;
    std::optional<Endpoint> held_primary;  // the file's, before
  };

  void remove_leftovers() const;
  void work(Job& job) const;
  void replace(Job& job) const;
  void on_done();
  void note(const Job& job);
  void finish(Job& job);
  void start_writing(Job& job);
  void run_command(Job& job);
  void start_command(Job& job);
  void command_ended(vr_request* request, const exec::ProgramEnd& end);
  void watch_folder();
  void not_watched(const std::string& why);
  void on_folder_changed();

  Host host_;
  const Settings settings_;
  std::map<std::string, std::string> groups_by_file_;  // file name -> group
  std::map<std::string, CountAhead> ahead_;            // by group, as the files have taught
  std::map<std::string, exec::Succession> published_;  // by group
  std::set<std::string> commanded_;                    // groups whose file the command has seen
  std::map<vr_request*, Job> jobs_;
  exec::Turns<Job> writing_;
  exec::Turns<Job> commanding_;
  Descriptor done_event_;  // eventfd: some job is done
  Descriptor inotify_;     // invalid while there is none to be had
  Watch done_watch_;
  Watch folder_watch_;
  Timer watch_again_;
  bool watching_folder_ = false;
  bool told_not_watched_ = false;
};

}  // namespace reconciler::file
