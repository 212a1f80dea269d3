// What people want of the children: questions and orders. supervisor.h has the whole picture.
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "common/log.h"
#include "supervisor/supervisor.h"

namespace reconciler {

void Supervisor::on_answer(const Child& child, const ipc::Frame& frame) {
  auto message = ipc::decode_body(frame.type, frame.body);
  if (!message) {
    log::error(fmt::format("an answer of {} can't be read", child.id()),
               {.error = message.error().message()});
    return;
  }
  auto& answer = std::get<ipc::Answer>(*message);
  questions_.answer(child.id(), answer.number, std::move(answer.json));
}

void Supervisor::on_ordered(const Child& labeler, const ipc::Frame& frame) {
  auto message = ipc::decode_body(frame.type, frame.body);
  if (!message) {
    log::error(fmt::format("what {} says of an order can't be read", labeler.id()),
               {.error = message.error().message()});
    return;
  }
  orders_.answer(labeler.id(), std::get<ipc::Ordered>(*message));
}

void Supervisor::order(const std::string& group, ipc::Order order, Orders::Answered answered) {
  std::vector<std::string> targets;
  for (const auto& [id, child] : children_) {
    if (id != watcher_id && child->serves(group)) targets.push_back(id);
  }
  if (targets.empty()) {
    return answered(Error(observer_.knows(group) ? "no target keeps this group"
                                                 : "no such group is configured"));
  }
  order.number = orders_.add(targets, std::move(answered));
  const std::string body = encode_body(order);
  for (const std::string& target : targets) {
    Child& child = *children_.at(target);
    if (child.ready()) {
      child.send_to_current({ipc::MessageType::order, child.generation(), 0, group, body});
    } else {
      orders_.target_down(target, "it is not at work at the moment");
    }
  }
}

void Supervisor::explain(const std::string& group, Questions::Answered answered) {
  if (!observer_.knows(group)) return answered(Error("no such group is configured"));
  ask(watcher_id, group, std::move(answered));
}

void Supervisor::explain_sentinels(Questions::Answered answered) {
  ask(watcher_id, {}, std::move(answered));
}

void Supervisor::review(const std::string& target, Questions::Answered answered) {
  ask(target, {}, std::move(answered));
}

void Supervisor::ask(const std::string& child, const std::string& group,
                     Questions::Answered answered) {
  const auto asked = children_.find(child);
  if (asked == children_.end() || !asked->second->ready())
    return answered(Error(fmt::format("the {} is not at work at the moment",
                                      child == watcher_id ? child : "labeler")));
  const uint64_t number = questions_.add(child, std::move(answered));
  asked->second->send_to_current({ipc::MessageType::ask, asked->second->generation(), 0, group,
                                  encode_body(ipc::Ask{number})});
}

}  // namespace reconciler
