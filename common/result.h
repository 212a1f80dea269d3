// The one way in which this program speaks of failures that the environment or a peer can cause.
// Our own bugs are not Results: they abort, and the supervisor starts the process anew.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace reconciler {

// A cause in the user's words. Each layer that passes one on says what it was doing:
// `patch pod shop/valkey-0: HTTP 403: pods "valkey-0" is forbidden`.
class [[nodiscard]] Error {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}

  const std::string& message() const { return message_; }

  // The same failure, seen from the layer above: `<doing>: <message>`.
  Error within(const std::string& doing) const { return Error(doing + ": " + message_); }

 private:
  std::string message_;
};

// Ends the process on a broken promise of our own code, with the place in the core dump and on
// standard error.
[[noreturn]] inline void abort_with(const char* what) {
  std::fprintf(stderr, "bug: %s\n", what);
  std::abort();
}

// Either a value or an Error. Reading the one that is not there is a bug, and aborts.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    require(0);
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    require(0);
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    require(0);
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    require(1);
    return *std::get_if<1>(&state_);
  }

 private:
  void require(std::size_t index) const {
    if (state_.index() != index)
      abort_with(index == 0 ? "value of a failed Result" : "error of a good Result");
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }

  const Error& error() const {
    if (!error_) abort_with("error of a good Result");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace reconciler
