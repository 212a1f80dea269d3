// Where a plugin's server listens, as it is written.
#include "plugins/socket/socket_address.h"

#include <gtest/gtest.h>

#include <string>

namespace reconciler {
namespace {

TEST(SocketAddress, addresses_are_taken_with_a_port_and_without_one_where_there_is_a_default) {
  for (const auto& [text, shown] : {std::pair{"10.0.0.7:9999", "10.0.0.7:9999"},
                                    {"[fd00::7]:9999", "[fd00::7]:9999"},
                                    {"10.0.0.7", "10.0.0.7:53"},
                                    {"[fd00::7]", "[fd00::7]:53"},
                                    {"fd00::7", "[fd00::7]:53"}}) {
    const Result<SocketAddress> address = ip_address(text, 53);
    ASSERT_TRUE(address) << text << ": " << address.error().message();
    EXPECT_EQ(address->text, shown);
    EXPECT_EQ(address->family(), std::string(shown)[0] == '[' ? AF_INET6 : AF_INET);
  }
}

TEST(SocketAddress, a_port_that_is_none_or_would_wrap_is_refused) {
  for (const char* text :
       {"10.0.0.7:0", "10.0.0.7:65536", "10.0.0.7:99999", "10.0.0.7:-1", "10.0.0.7:", "10.0.0.7:1x",
        "[fd00::7]:99999", "[fd00::7]x", "[fd00::7"}) {
    EXPECT_FALSE(ip_address(text, 53)) << text;
  }
  EXPECT_FALSE(ip_address("10.0.0.7", std::nullopt));
}

TEST(SocketAddress, names_are_refused_since_they_are_not_looked_up) {
  const Result<SocketAddress> address = ip_address("localhost:53", std::nullopt);
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().message(), "`localhost` is no IP address (names are not looked up)");
}

TEST(SocketAddress, a_unix_socket_is_an_absolute_path_that_fits) {
  EXPECT_TRUE(unix_address("/run/haproxy/admin.sock"));
  EXPECT_FALSE(unix_address("admin.sock"));
  EXPECT_TRUE(unix_address("/" + std::string(106, 'x')));
  EXPECT_FALSE(unix_address("/" + std::string(107, 'x')));
}

}  // namespace
}  // namespace reconciler
