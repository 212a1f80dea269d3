#include "supervisor/reload.h"

#include <utility>

namespace reconciler {

Reload::Reload(uv_loop_t* loop, const std::string& file, FileText text, Load load, Done done)
    : load_(std::move(load)),
      done_(std::move(done)),
      work_(loop),
      watch_(loop, file, std::move(text), [this] { this->load(); }) {}

void Reload::load() {
  if (work_.running()) {
    again_ = true;
    return;
  }
  work_.start([this] { result_ = load_(); }, [this] { finish(); });
}

void Reload::finish() {
  Result<Configuration> loaded = std::move(*result_);
  result_.reset();
  done_(std::move(loaded));
  if (std::exchange(again_, false)) load();
}

}  // namespace reconciler
