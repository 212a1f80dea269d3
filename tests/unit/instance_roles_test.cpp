// Which instances are asked for their ROLE.

#include "supervisor/sentinel_watcher/instance_roles.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>

#include "common/descriptor.h"
#include "common/ipc/child_session.h"

namespace reconciler {
namespace {

TEST(InstanceRoles, OneThatNamesThousandsOfInstancesTakesNoThousandsOfConnections) {
  uv::Loop loop;
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
  const Descriptor supervisor(ends[0]);
  auto session = ipc::ChildSession::open(loop.get(), ends[1], "sentinel-watcher", {});
  ASSERT_TRUE(session);
  Reports reports(**session);
  Access access({}, "instances", reports);
  const SentinelSettings settings;
  InstanceRoles roles(loop.get(), settings, access, [](const InstanceRole&) {});
  for (uint16_t port = 1; port <= 1'000; ++port) roles.want({{"127.0.0.1", port}});
  EXPECT_EQ(roles.roles().size(), 32);
}

}  // namespace
}  // namespace reconciler
