#include "common/start_pages.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

namespace reconciler {
namespace {

TEST(StartPages, WhatTheLoaderWroteAmongCodeAndConstantsIsKept) {
  void* library = ::dlopen(TEXT_RELOCATIONS, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << ::dlerror();
  const auto read_address = reinterpret_cast<const int* (*)()>(::dlsym(library, "read_address"));
  ASSERT_NE(read_address, nullptr) << ::dlerror();
  const int* before = read_address();

  give_back_start_pages();

  EXPECT_EQ(read_address(), before);
  EXPECT_EQ(*before, 1);
  ::dlclose(library);
}

}  // namespace
}  // namespace reconciler
