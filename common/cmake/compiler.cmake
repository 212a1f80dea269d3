# Language, warnings and sanitizers, for every target by linking `reconciler_compiler`.
add_library(reconciler_compiler INTERFACE)
target_compile_features(reconciler_compiler INTERFACE cxx_std_20)
set(CMAKE_CXX_EXTENSIONS OFF)
target_include_directories(reconciler_compiler INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(reconciler_compiler INTERFACE _GNU_SOURCE
  RECONCILER_VERSION="${PROJECT_VERSION}")
target_compile_options(reconciler_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wcast-qual -Wundef
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi>)
if(RECONCILER_WERROR)
  target_compile_options(reconciler_compiler INTERFACE -Werror)
endif()

target_compile_options(reconciler_compiler INTERFACE -fstack-protector-strong -fno-omit-frame-pointer)
if(RECONCILER_SANITIZE)
  target_compile_options(reconciler_compiler INTERFACE
    -fsanitize=${RECONCILER_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(reconciler_compiler INTERFACE -fsanitize=${RECONCILER_SANITIZE})
else()
  target_compile_definitions(reconciler_compiler INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
  target_link_options(reconciler_compiler INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)
  # Each process holds only the code that it can reach: of a library that all of them share, too.
  target_compile_options(reconciler_compiler INTERFACE -ffunction-sections -fdata-sections)
  target_link_options(reconciler_compiler INTERFACE -Wl,--gc-sections)
endif()
