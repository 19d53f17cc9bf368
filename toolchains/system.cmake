# Third-party libraries of the distribution: TILLPOST_DEPS=system.
#
# Sets DEP_<name>_INCLUDE and DEP_<name>_LINK for each library. pkg-config first, then find_path and find_library
# (Debian 12's mbedTLS and older cJSON bring no .pc file). Any TLS backend of curl compiles; only curl with mbedTLS
# lets the agent check certificates against its own clock (README, "Clocks").
find_package(PkgConfig REQUIRED)

# dependency(NAME pkg-config-names header library...)
function(dependency name modules header)
  separate_arguments(modules)
  pkg_check_modules(PC_${name} QUIET ${modules})
  if(PC_${name}_FOUND)
    set(include ${PC_${name}_INCLUDE_DIRS})
    set(link ${PC_${name}_LINK_LIBRARIES})
  else()
    find_path(DEP_${name}_HEADER ${header})
    set(include ${DEP_${name}_HEADER})
    set(link "")
    foreach(library IN LISTS ARGN)
      find_library(DEP_${name}_${library} ${library})
      list(APPEND link ${DEP_${name}_${library}})
    endforeach()
    if(NOT include OR "${link}" MATCHES "NOTFOUND")
      message(FATAL_ERROR "${name}: neither pkg-config nor the usual folders know it. Install its development "
        "package, or use -DTILLPOST_DEPS=bundled")
    endif()
  endif()
  # The compiler finds /usr/include by itself, and naming it again breaks #include_next.
  list(REMOVE_ITEM include /usr/include)
  set(DEP_${name}_INCLUDE ${include} PARENT_SCOPE)
  set(DEP_${name}_LINK ${link} PARENT_SCOPE)
  message(STATUS "${name}: ${link}")
endfunction()

#          name       pkg-config                     header         libraries
dependency(cjson      libcjson                       cjson/cJSON.h  cjson)
dependency(mbedtls    "mbedtls mbedx509 mbedcrypto"  mbedtls/ssl.h  mbedtls mbedx509 mbedcrypto)
dependency(sqlite     sqlite3                        sqlite3.h      sqlite3)
dependency(curl       libcurl                        curl/curl.h    curl)
dependency(microhttpd libmicrohttpd                  microhttpd.h   microhttpd)
dependency(zlib       zlib                           zlib.h         z)
if(BUILD_TESTING)
dependency(cmocka     cmocka                         cmocka.h       cmocka)
endif()
