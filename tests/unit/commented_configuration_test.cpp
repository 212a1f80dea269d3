// etc/valkey-reconciler.toml, which users start from: it is accepted as it is, and each key that it shows is a key with the
// default that it shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/config/loading.h"
#include "tests/unit/plugin_schemas.h"

namespace reconciler {
namespace {

const std::string path = RECONCILER_SOURCE_DIR "/etc/valkey-reconciler.toml";

std::string commented() {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// With the "# " taken off each line that is a key.
std::string uncommented(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find(" = ");
    const bool is_key =
        line.starts_with("# ") && equals != std::string::npos &&
        line.substr(2, equals - 2).find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") ==
            std::string::npos;
    out += (is_key ? line.substr(2) : line) + "\n";
  }
  return out;
}

TEST(CommentedConfiguration, is_accepted_as_it_is) {
  const auto loaded = load_configuration(path, {}, test::describe);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message();
  EXPECT_THAT(loaded->notes, testing::IsEmpty());
  EXPECT_EQ(loaded->targets.at(0).plugin, "kubernetes");
}

TEST(CommentedConfiguration, shows_each_key_with_its_default) {
  const auto defaults = load_configuration(path, {}, test::describe);
  ASSERT_TRUE(defaults.ok()) << defaults.error().message();
}  // namespace
}  // namespace reconciler
