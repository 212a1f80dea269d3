// One client of the control socket: reads its line, writes its answer, ends.
#pragma once

#include <uv.h>

#include <functional>
#include <string>

#include "common/descriptor.h"
#include "common/result.h"
#include "common/uv/handle.h"

namespace reconciler {

// Driven by the loop, owned by ControlServer. May be destroyed within its own handlers.
class ControlConnection {
 public:
  struct Handlers {
    std::function<void(const std::string& line)> on_line;  // once
    std::function<void()> on_end;                          // it is of no more use
  };

  ControlConnection(uv_loop_t* loop, Descriptor descriptor, Handlers handlers);

  Result<void> start();

  void answer(std::string document);

 private:
  void read();
  void write();

  Descriptor descriptor_;
  Handlers handlers_;
  std::string line_;
  std::string answer_;
  std::size_t written_ = 0;
  uv::Timer deadline_;
  uv::Poll poll_;  // goes before the descriptor
  uv_loop_t* loop_;
};

}  // namespace reconciler
