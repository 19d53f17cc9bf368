# What goes out: target `packages` makes a .deb and a tarball with install.sh of a static build.
#
#   cmake --build --preset armv7 --target packages     build/armv7/packages/tillpost_1.0.0_armhf.deb, ….tar.gz
#
# Both hold the same program. Times are the build time's, so that the same commit makes the same packages.
set(platform ${CMAKE_SOURCE_DIR}/platform)
set(staged ${CMAKE_BINARY_DIR}/packages)
set(arch_armv7-a armhf)
set(arch_armv5te armel)
set(arch_aarch64 arm64)
set(arch_x86_64 amd64)
set(arch ${arch_${CMAKE_SYSTEM_PROCESSOR}})

# 1. Files that are made ------------------------------------------------------------------------------------------
set(made ${CMAKE_BINARY_DIR}/sbom.json ${CMAKE_BINARY_DIR}/third-party-licences.txt)
execute_process(COMMAND date -u -R -d @${build_time} OUTPUT_VARIABLE changed OUTPUT_STRIP_TRAILING_WHITESPACE)
set(maintainer "tillpost <tillpost@example.com>")
file(MAKE_DIRECTORY ${staged})
file(CONFIGURE OUTPUT ${staged}/changelog @ONLY CONTENT "tillpost (@PROJECT_VERSION@) stable; urgency=medium

  * Release @PROJECT_VERSION@.

 -- @maintainer@  @changed@
")
file(CONFIGURE OUTPUT ${staged}/copyright @ONLY CONTENT "tillpost: a store-and-forward agent for TikTok's Events API.

Copyright 2026 the authors of tillpost, see the log of its source.

Licensed under the Apache License, version 2.0; on Debian systems its text is in /usr/share/common-licenses/Apache-2.0.

It is linked with the libraries that sbom.json lists; third-party-licences.txt has their licences. The source of
libmicrohttpd (LGPL) is Debian's, of the revision named there; the README of tillpost's source tells how it is replaced.
")
file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/man/tillpost*.[157])
foreach(file ${pages} ${staged}/changelog)
  get_filename_component(name ${file} NAME)
  execute_process(COMMAND gzip -9nc ${file} OUTPUT_FILE ${staged}/${name}.gz)
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${pages})

# 2. The .deb -----------------------------------------------------------------------------------------------------
function(packed place)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "AS" "")
  set(rename "")
  if(arg_AS)
    set(rename RENAME ${arg_AS})
  endif()
  install(FILES ${arg_UNPARSED_ARGUMENTS} DESTINATION ${place} ${rename} COMPONENT package EXCLUDE_FROM_ALL)
endfunction()
install(PROGRAMS ${CMAKE_BINARY_DIR}/tillpost DESTINATION usr/bin COMPONENT package EXCLUDE_FROM_ALL)
packed(etc/tillpost ${platform}/tillpost.json)
packed(usr/lib/systemd/system ${platform}/systemd/tillpost.service)
packed(usr/lib/sysusers.d ${platform}/systemd/sysusers.conf AS tillpost.conf)
packed(usr/lib/tmpfiles.d ${platform}/systemd/tmpfiles.conf AS tillpost.conf)
foreach(page IN LISTS pages)
  get_filename_component(name ${page} NAME)
  string(REGEX REPLACE "^.*\\." "" section ${name})
  packed(usr/share/man/man${section} ${staged}/${name}.gz)
endforeach()
packed(usr/share/doc/tillpost ${staged}/changelog.gz ${staged}/copyright ${made})
packed(usr/share/doc/tillpost/examples ${platform}/prometheus/tillpost.rules.yml)
packed(usr/share/lintian/overrides ${platform}/debian/lintian-overrides AS tillpost)
packed(usr/share/bash-completion/completions ${platform}/completion/tillpost)
packed(usr/share/zsh/vendor-completions ${platform}/completion/_tillpost)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tillpost)
set(CPACK_PACKAGE_VENDOR tillpost)
set(CPACK_PACKAGE_DIRECTORY ${staged})
set(CPACK_PACKAGING_INSTALL_PREFIX /)
set(CPACK_COMPONENTS_ALL package)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PACKAGE_PACKAGE_NAME tillpost)
set(CPACK_DEBIAN_PACKAGE_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${arch})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${maintainer})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, passwd")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "store-and-forward agent for TikTok's Events API")
set(CPACK_COMPONENT_PACKAGE_DESCRIPTION "Takes purchases from register software over a local socket, hashes personal
data on the spot, keeps each in a durable queue before it answers, and
delivers the queue whenever there is a connection.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${platform}/debian/conffiles ${platform}/debian/postinst
  ${platform}/debian/prerm ${platform}/debian/postrm)
include(CPack)

# 3. The tarball --------------------------------------------------------------------------------------------------
set(tarball tillpost-${PROJECT_VERSION}-${TILLPOST_TARGET})
add_custom_target(packages DEPENDS tillpost VERBATIM
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${staged}/${tarball}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${staged}/${tarball}/doc
  COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_BINARY_DIR}/tillpost ${platform}/tarball/install.sh
    ${platform}/tarball/init ${platform}/tillpost.json ${staged}/${tarball}
  COMMAND ${CMAKE_COMMAND} -E copy ${pages} ${staged}/copyright ${made} ${CMAKE_SOURCE_DIR}/LICENSE ${staged}/${tarball}/doc
  COMMAND tar -C ${staged} --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime=@${build_time}
    -c --use-compress-program "gzip -9n" -f ${staged}/${tarball}.tar.gz ${tarball}
  COMMAND ${CMAKE_COMMAND} -E env SOURCE_DATE_EPOCH=${build_time} ${CMAKE_CPACK_COMMAND}
  WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
