# What Debian wants beside the files of `cmake --install`: licence, changelogs, and manuals compressed. Run by CPack on what
# it has staged.
set(source ${CMAKE_CURRENT_LIST_DIR}/../..)
set(documents ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/${CPACK_PACKAGE_NAME})
file(COPY ${CMAKE_CURRENT_LIST_DIR}/copyright DESTINATION ${documents})
file(COPY_FILE ${source}/CHANGELOG.md ${documents}/changelog)

# The time of the last change, so that the same source makes the same package.
execute_process(COMMAND git -C ${source} log -1 --format=%cD OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_QUIET)
if(NOT date) # no repository
  string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
endif()
file(WRITE ${documents}/changelog.Debian
"${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * What has changed is in changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
file(GLOB manuals ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/man/man*/*[0-9])
execute_process(COMMAND gzip -9n ${documents}/changelog ${documents}/changelog.Debian ${manuals} COMMAND_ERROR_IS_FATAL ANY)
