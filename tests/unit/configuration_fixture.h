// What the tests of the configuration have in common: small files, and a folder of its own for each test.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "common/config/loading.h"
#include "tests/unit/plugin_schemas.h"

namespace reconciler {

inline const std::string sentinel_table =
    "[[sentinel]]\nname = \"main\"\naddresses = [\"valkey\"]\n[[sentinel.group]]\nname = "
    "\"myprimary\"\n";
inline const std::string kubernetes_table =
    "[[target]]\nname = \"kubernetes\"\nplugin = \"kubernetes\"\n";
inline const std::string small_file = sentinel_table + kubernetes_table;

inline Configuration accepted(Result<Configuration> loaded) {
  EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message());
  return loaded.ok() ? std::move(loaded).value() : Configuration{};
}

inline std::string refused(const Result<Configuration>& loaded) {
  EXPECT_FALSE(loaded.ok());
  return loaded.ok() ? "" : loaded.error().message();
}

inline Setting setting(const TargetSettings& target, const std::string& name) {
  for (const Setting& candidate : target.settings) {
    if (candidate.name == name) return candidate;
  }
  ADD_FAILURE() << "no setting " << name;
  return {};
}

inline Configuration of_variables(const Environment& environment) {
  return accepted(load_configuration(std::nullopt, environment, test::describe));
}

// A variable's path is relative to where the program was started.
inline std::string started_in(const std::string& path) {
  return (std::filesystem::current_path() / path).string();
}

class ConfigurationTest : public testing::Test {
 protected:
  ConfigurationTest() {
    std::string pattern = testing::TempDir() + "/configuration.XXXXXX";
    folder_ = std::filesystem::path(::mkdtemp(pattern.data())).lexically_normal();
  }
  ~ConfigurationTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) {
    const std::filesystem::path path = folder_ / "test.toml";
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  Result<Configuration> load(const std::string& text, const Environment& environment = {}) {
    return load_configuration(write(text), environment, test::describe);
  }

  std::filesystem::path folder_;
};

}  // namespace reconciler
