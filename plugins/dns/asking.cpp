// GroupTarget's questions: to one server after the other, until one answers.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "plugins/dns/group_target.h"

namespace reconciler::dns {

namespace {

constexpr size_t tcp_length_size = 2;

const char* shown(Transport transport) { return transport == Transport::stream ? "TCP" : "UDP"; }

std::string with_length(const std::string& message) {
  std::string bytes;
  bytes += static_cast<char>(message.size() >> 8);
  bytes += static_cast<char>(message.size() & 0xff);
  return bytes + message;
}

bool has_its_length(std::string_view bytes) {
  if (bytes.size() < tcp_length_size) return false;
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(bytes[at]); };
  return bytes.size() >= tcp_length_size + (size_t{byte(0)} << 8 | byte(1));
}

}  // namespace

void GroupTarget::read(Step step) {
  step_ = step;
  seen_ = {};
  pending_ = types_of(settings_.publish);
  pending_.insert(pending_.begin(), Type::txt);
  ask_next();
}

void GroupTarget::ask_next() {
  const Type type = pending_.front();
  send(make_query(type == Type::txt ? holder_of(record_name_) : record_name_, type, settings_.key));
}

void GroupTarget::send(Result<Message> message) {
  if (!message) return try_next(message.error().message());
  const Settings::Way& way = settings_.ways[way_];
  const bool over_tcp = way.transport == Transport::stream;
  Question question{way.server, way.transport,
                    over_tcp ? with_length(message->bytes) : message->bytes, settings_.timeout_ms,
                    has_its_length};
  if (!over_tcp) {
    question.is_whole = [asked = *message](std::string_view bytes) {
      return is_reply_to(bytes, asked);
    };
  }
  exchange_.start(std::move(question), [this, asked = *message](const Result<std::string>& bytes) {
    on_bytes(asked, bytes);
  });
}

void GroupTarget::on_bytes(const Message& asked, const Result<std::string>& bytes) {
  if (!bytes) return try_next(bytes.error().message());
  std::string_view message = *bytes;
  if (settings_.ways[way_].transport == Transport::stream) message.remove_prefix(tcp_length_size);
  if (!is_reply_to(message, asked)) return try_next("a reply to something else");
  const Result<Reply> reply = read_reply(message, asked, settings_.key);
  if (!reply) return try_next(reply.error().message());
  if (reply->code == Code::refused) {
    return try_next(fmt::format("{} says {}",
                                step_ == Step::update ? "to an update it" : "to a query it",
                                reply->code_name));
  }
  if (reply->is_truncated && settings_.ways[way_].transport == Transport::datagram) {
    return try_next("the reply does not fit into a datagram");
  }
  if (step_ == Step::update) return on_updated(*reply);
  on_reply(*reply);
}

void GroupTarget::on_reply(const Reply& reply) {
  if (!reply.is_authoritative) {
    return try_next(fmt::format("it is no server of the zone {}", settings_.zone));
  }
  const Type type = pending_.front();
  pending_.erase(pending_.begin());
  for (const Record& record : reply.records) {
    if (type == Type::txt) {
      seen_.holder.push_back(record.data);
    } else {
      seen_.records.push_back(record);
    }
  }
  if (type == Type::txt && step_ != Step::look && place()) return update();
  if (!pending_.empty()) return ask_next();
  failed_ = 0;
  faults_.clear();
  if (!is_request_failing_) host_.clear_problem(name_, unreachable);
  on_seen();
}

// An update that came to nothing may have been carried out: whatever the step, what is there is read anew.
void GroupTarget::try_next(const std::string& fault) {
  const Settings::Way& way = settings_.ways[way_];
  faults_ += fmt::format("{}{} ({}): {}", faults_.empty() ? "" : "; ", way.server.text,
                         shown(way.transport), fault);
  way_ = (way_ + 1) % settings_.ways.size();
  if (++failed_ < settings_.ways.size() && !cancelled_) {
    return read(step_ == Step::update ? Step::read : step_);
  }
  const std::string message = std::exchange(faults_, "");
  failed_ = 0;
  host_.set_blocking(name_, unreachable, message);
  if (step_ == Step::look) {
    step_ = Step::idle;
    if (rests_on_) host_.log(VR_WARNING, name_, "{}", message);  // the first of such looks
    rests_on_.reset();
    return look_later();
  }
  is_request_failing_ = true;
  complete(VR_RETRY, message, std::nullopt);
}

}  // namespace reconciler::dns
