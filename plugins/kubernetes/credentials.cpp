#include "plugins/kubernetes/credentials.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace reconciler {

namespace {

// A token lives ten minutes at least, and the kubelet replaces it when four fifths of its life are over.
constexpr uint64_t read_again_ms = 30000;

}  // namespace

Result<std::string> read_small_file(const std::string& path, size_t largest) {
  // Non-blocking: a path that is a pipe must not hold up the loop.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Error(fmt::format("{}: {}", path, strerror(errno)));
  struct stat status {};
  std::string text;
  Result<std::string> result = Error(fmt::format("{}: not a file", path));
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    char buffer[4096];
    ssize_t got = 0;
    while (text.size() <= largest && (got = read(fd, buffer, sizeof(buffer))) > 0) {
      text.append(buffer, static_cast<size_t>(got));
    }
    if (got < 0) {
      result = Error(fmt::format("{}: {}", path, strerror(errno)));
    } else if (text.size() > largest) {
      result = Error(fmt::format("{}: larger than {} bytes", path, largest));
    } else {
      while (!text.empty() && std::strchr(" \t\r\n", text.back()) != nullptr) text.pop_back();
      result = std::move(text);
    }
  }
  close(fd);
  return result;
}

Credentials::Credentials(Host host, const std::string& token, std::string file)
    : host_(host), file_(std::move(file)), timer_(host) {
  if (!token.empty()) header_ = "Authorization: Bearer " + token;
  if (file_.empty()) return;
  read_again();
  watch_file();
}

bool Credentials::read_again() {
  if (file_.empty()) return false;
  Result<std::string> token = read_small_file(file_, 64u << 10);
  if (token && (token->empty() || token->find_first_of("\r\n") != std::string::npos)) {
    token = Error(file_ + ": no token in it");
  }
  if (!token) {
    host_.set_blocking({}, "token-file", "the token can't be read: " + token.error().message());
    if (!file_failed_) {
      host_.log(VR_WARNING, {}, "the token can't be read, the last one stays in use: {}",
                token.error().message());
    }
    file_failed_ = true;
    return false;
  }
  if (file_failed_) host_.clear_problem({}, "token-file");
  file_failed_ = false;
  std::string header = "Authorization: Bearer " + *token;
  if (header == header_) return false;
  if (!header_.empty()) host_.log(VR_INFO, {}, "the token in {} is a new one", file_);
  header_ = std::move(header);
  return true;
}

void Credentials::watch_file() {
  timer_.start(read_again_ms, [this] {
    read_again();
    watch_file();
  });
}

}  // namespace reconciler
