# The Debian package, of a build for the prefix /usr: packaging/deb/build.sh.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME valkey-reconciler)
# Who builds it answers for it, named as Debian's tools do; else the author of the last change, where there is a repository.
if(DEFINED ENV{DEBEMAIL})
  string(STRIP "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>" CPACK_PACKAGE_CONTACT)
else()
  execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} log -1 "--format=%an <%ae>" OUTPUT_VARIABLE CPACK_PACKAGE_CONTACT
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT CPACK_PACKAGE_CONTACT)
    set(CPACK_PACKAGE_CONTACT "Valkey Reconciler's authors <nobody@valkey-reconciler.invalid>")
  endif()
endif()
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers") # for the service's user
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "leads clients to the Valkey instance that takes writes")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Valkey (or Redis) Sentinel fails a primary over; clients that know nothing of
Sentinel go on writing to the old one. This daemon hears of the failover from
the Sentinels and changes what leads clients there: the label of a Kubernetes
pod, a server of HAProxy, a name in DNS, a file, or what a program of yours
does.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_LIST_DIR}/conffiles ${CMAKE_CURRENT_LIST_DIR}/postinst ${CMAKE_CURRENT_LIST_DIR}/prerm
  ${CMAKE_CURRENT_LIST_DIR}/postrm)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/documents.cmake)
include(CPack)
