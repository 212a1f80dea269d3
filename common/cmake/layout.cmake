# The build tree mirrors the install tree, so that an executable finds its children and plugins in both by the same
# path relative to itself.
if(CMAKE_BUILD_TYPE STREQUAL "" AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Kind of build" FORCE)
endif()

set(RECONCILER_CHILDREN_DIR ${CMAKE_INSTALL_LIBEXECDIR}/valkey-reconciler)
set(RECONCILER_PLUGINS_DIR ${CMAKE_INSTALL_LIBDIR}/valkey-reconciler/plugins)

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# reconciler_executable(TARGET bin|children): where the executable is built and installed.
function(reconciler_executable target place)
  if(place STREQUAL "bin")
    set(dir ${CMAKE_INSTALL_BINDIR})
  else()
    set(dir ${RECONCILER_CHILDREN_DIR})
  endif()
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${dir})
  install(TARGETS ${target} RUNTIME DESTINATION ${dir})
endfunction()

# reconciler_plugin(NAME SOURCES...): a shared object named NAME.so that exports the plugin's entry alone.
function(reconciler_plugin name)
  add_library(plugin_${name} MODULE ${ARGN})
  set_target_properties(plugin_${name} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${RECONCILER_PLUGINS_DIR}
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/plugins/exports.map)
  target_link_options(plugin_${name} PRIVATE
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/plugins/exports.map)
  target_link_libraries(plugin_${name} PRIVATE reconciler_compiler)
  install(TARGETS plugin_${name} LIBRARY DESTINATION ${RECONCILER_PLUGINS_DIR})
endfunction()
