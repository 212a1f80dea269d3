#include "supervisor/sentinel_watcher/conversation.h"

#include <utility>

namespace reconciler {

namespace {

bool is_message(const Reply& reply) {
  return reply.kind == Reply::Kind::array && !reply.elements.empty() &&
         reply.elements[0].text == "message";
}

}  // namespace

void Conversation::ask(const std::vector<std::string_view>& words, Answer answer) {
  outgoing_ += format_command(words);
  pending_.push_back(std::move(answer));
}

Result<void> Conversation::receive(std::string_view bytes) {
  if (auto fed = reader_.feed(bytes); !fed) return fed;
  while (true) {
    const auto reply = reader_.next();
    if (!reply) return reply.error();
    if (!*reply) return {};
    if (push_ && is_message(**reply)) {
      push_(**reply);
      continue;
    }
    if (pending_.empty()) return Error("an answer that nothing asked for: " + describe(**reply));
    const Answer answer = std::move(pending_.front());
    pending_.pop_front();
    ++answered_;
    answer(**reply);
  }
}

}  // namespace reconciler
