# Third-party libraries from pinned sources: TILLPOST_DEPS=bundled (the presets).
#
# Runs before project(). Fetches the sources if they are missing (toolchains/fetch), builds them with
# toolchains/deps/ into .deps/<target>-<key>/, and sets DEP_<name>_INCLUDE and DEP_<name>_LINK for each.
# The key is made of all that the result depends on: pins and revisions, recipes, configuration, toolchain file,
# compiler. So the first configure of a target costs a minute, every other one nothing, whatever the build tree; to
# start over, delete .deps/.
set(deps ${CMAKE_CURRENT_SOURCE_DIR}/.deps)
set(recipes ${CMAKE_CURRENT_SOURCE_DIR}/toolchains)

# 1. The target: this machine, or the one of the toolchain file. Sanitizers and the compiler of the house (the preset
# clang) do not matter here: all native trees share one build of the libraries.
# Of the file only what is asked for here is let in: the rest is project()'s to read.
set(target native)
set(compiler cc)
function(read_toolchain_file)
  include(${CMAKE_TOOLCHAIN_FILE})
  set(compiler ${CMAKE_C_COMPILER} PARENT_SCOPE)
  foreach(said TARGET CROSS MUSL MUSL_TRIPLE TARGET_FLAGS AUTOCONF_HOST STATIC)
    set(TILLPOST_${said} "${TILLPOST_${said}}" PARENT_SCOPE)
  endforeach()
endfunction()
if(CMAKE_TOOLCHAIN_FILE)
  get_filename_component(target ${CMAKE_TOOLCHAIN_FILE} NAME_WE)
  read_toolchain_file()
endif()
set(flags "-Os -ffunction-sections -fdata-sections -fPIC -fstack-protector-strong ${TILLPOST_TARGET_FLAGS}")
string(APPEND flags " -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64")

# 2. The sources, and for a musl target musl itself: the compiler that project() looks for is its wrapper.
file(MAKE_DIRECTORY ${deps})
file(LOCK ${deps}/build.lock GUARD FILE TIMEOUT 3600)
execute_process(COMMAND ${recipes}/fetch RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "the sources of the third-party libraries could not be had (above). "
    "Run toolchains/setup once, or give their tarballs in the directory TILLPOST_DEPS_TARBALLS")
endif()
set(toolchain_files ${CMAKE_TOOLCHAIN_FILE})
if(TILLPOST_MUSL)
  list(APPEND toolchain_files ${recipes}/musl.cmake)
  execute_process(COMMAND ${recipes}/musl ${TILLPOST_TARGET} ${TILLPOST_CROSS} ${TILLPOST_MUSL_TRIPLE}
    "${TILLPOST_TARGET_FLAGS}" RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "there is no compiler for ${TILLPOST_TARGET} (above)")
  endif()
endif()

# 3. The key.
execute_process(COMMAND ${compiler} -v ERROR_VARIABLE compiler_version OUTPUT_QUIET RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "there is no C compiler ${compiler}: run toolchains/setup")
endif()
set(parts "${flags}" "${compiler_version}")
set(recipe ${recipes}/bundled.cmake ${recipes}/deps/CMakeLists.txt ${recipes}/deps/mbedtls_config.h
  ${recipes}/deps/mbedtls_speed.cmake ${toolchain_files})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${recipe} ${recipes}/deps.lock ${recipes}/fetch)
foreach(file ${deps}/sources/KEY ${recipe})
  file(SHA256 ${file} sum)
  list(APPEND parts ${sum})
endforeach()
string(SHA256 key "${parts}")
string(SUBSTRING ${key} 0 16 key)
set(prefix ${deps}/${target}-${key})

# 4. The build, unless it is there.
if(NOT EXISTS ${prefix}/complete)
  message(STATUS "building the third-party libraries for ${target} (about a minute, once)")
  set(options -DSOURCES=${deps}/sources -DPREFIX=${prefix} "-DFLAGS=${flags}" -DCMAKE_BUILD_TYPE=Release)
  if(CMAKE_TOOLCHAIN_FILE)
    list(APPEND options -DCMAKE_TOOLCHAIN_FILE=${CMAKE_TOOLCHAIN_FILE} -DAUTOCONF_HOST=${TILLPOST_AUTOCONF_HOST})
  else()
    list(APPEND options -DCMAKE_C_COMPILER=${compiler})
  endif()
  # Their configure scripts must link as the program will be: without this, ARM's libgcc, which comes last, looks in
  # vain for what it needs of libc, and of the functions that divide (getaddrinfo, snprintf) all say "not found".
  if(TILLPOST_STATIC)
    list(APPEND options -DCMAKE_EXE_LINKER_FLAGS=-static-pie)
  endif()
  file(REMOVE_RECURSE ${prefix} ${deps}/build-${target})
  execute_process(COMMAND ${CMAKE_COMMAND} -G Ninja -S ${recipes}/deps -B ${deps}/build-${target} ${options}
    OUTPUT_FILE ${deps}/${target}.log ERROR_FILE ${deps}/${target}.log RESULT_VARIABLE failed)
  if(NOT failed)
    execute_process(COMMAND ${CMAKE_COMMAND} --build ${deps}/build-${target}
      OUTPUT_FILE ${deps}/${target}.build.log ERROR_FILE ${deps}/${target}.build.log RESULT_VARIABLE failed)
  endif()
  if(failed)
    execute_process(COMMAND tail -n 40 ${deps}/${target}.log ${deps}/${target}.build.log)
    message(FATAL_ERROR "the third-party libraries for ${target} did not build (above; whole logs in .deps/)")
  endif()
  file(REMOVE_RECURSE ${deps}/build-${target})
  file(TOUCH ${prefix}/complete)
endif()
message(STATUS "third-party libraries: ${prefix}")

# 5. What the rooms get. Order within a line is link order.
function(bundled name)
  set(link "")
  foreach(library IN LISTS ARGN)
    if(library MATCHES "^-")
      list(APPEND link ${library})
    else()
      string(REPLACE ":" "/lib/lib" library ${library})
      list(APPEND link ${prefix}/${library}.a)
    endif()
  endforeach()
  set(DEP_${name}_INCLUDE ${prefix}/${name}/include PARENT_SCOPE)
  set(DEP_${name}_LINK ${link} PARENT_SCOPE)
endfunction()

#       name       archives (folder:library) and what they need of the system
bundled(cjson      cjson:cjson -lm)
bundled(mbedtls    mbedtls:mbedtls mbedtls:mbedx509 mbedtls:mbedcrypto)
bundled(sqlite     sqlite:sqlite3 -lm)
bundled(curl       curl:curl mbedtls:mbedtls mbedtls:mbedx509 mbedtls:mbedcrypto -lpthread)
bundled(microhttpd microhttpd:microhttpd -lpthread)
bundled(zlib       zlib:z)
bundled(cmocka     cmocka:cmocka)
