# find_package(tillpost): the targets tillpost::tillpost (shared) and tillpost::static.
find_package(Threads REQUIRED)
get_filename_component(tillpost_libdir "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
find_path(tillpost_INCLUDE_DIR tillpost/client.h HINTS "${tillpost_libdir}/../include" "${tillpost_libdir}/../../include")
if(NOT TARGET tillpost::tillpost)
  add_library(tillpost::tillpost SHARED IMPORTED)
  set_target_properties(tillpost::tillpost PROPERTIES IMPORTED_LOCATION "${tillpost_libdir}/libtillpost.so"
    INTERFACE_INCLUDE_DIRECTORIES "${tillpost_INCLUDE_DIR}")
  add_library(tillpost::static STATIC IMPORTED)
  set_target_properties(tillpost::static PROPERTIES IMPORTED_LOCATION "${tillpost_libdir}/libtillpost.a"
    INTERFACE_INCLUDE_DIRECTORIES "${tillpost_INCLUDE_DIR}" INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
