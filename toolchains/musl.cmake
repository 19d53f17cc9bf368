# What the targets with musl share: armv7.cmake, armv5.cmake, aarch64.cmake and x86_64.cmake name themselves and
# include this.
#
#   In:  TILLPOST_TARGET        our name of the target
#        TILLPOST_CROSS         prefix of Debian's tools for it ("arm-linux-gnueabihf-")
#        TILLPOST_MUSL_TRIPLE   musl's name of it, for configure scripts
#        TILLPOST_TARGET_FLAGS  the processor, for the compiler
#        TILLPOST_EMULATOR      what runs its programs here: a list; empty where this machine does
#
# musl itself is built by toolchains/bundled.cmake with Debian's cross compiler, before CMake looks for the compiler
# below, which is musl's wrapper around that one. Programs are static and position-independent.
set(CMAKE_SYSTEM_NAME Linux)
get_filename_component(TILLPOST_MUSL "${CMAKE_CURRENT_LIST_DIR}/../.deps/musl-${TILLPOST_TARGET}" ABSOLUTE)
set(TILLPOST_AUTOCONF_HOST ${TILLPOST_MUSL_TRIPLE})
set(TILLPOST_STATIC ON)

set(CMAKE_C_COMPILER ${TILLPOST_MUSL}/bin/musl-gcc)
foreach(tool ar ranlib strip objcopy nm)
  string(TOUPPER ${tool} variable)
  set(CMAKE_${variable} ${TILLPOST_CROSS}${tool})
endforeach()
set(CMAKE_C_FLAGS_INIT "${TILLPOST_TARGET_FLAGS}")
if(TILLPOST_EMULATOR)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${TILLPOST_EMULATOR})
endif()

# Programs of this machine may be used; its headers and libraries must not.
set(CMAKE_FIND_ROOT_PATH ${TILLPOST_MUSL})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
