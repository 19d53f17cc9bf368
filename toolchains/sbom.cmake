# What the program is made of: sbom.json (CycloneDX) and third-party-licences.txt, both made from deps.lock and
# VERSIONS, which says Debian's revisions. `tillpost version --sbom` prints the former, packages ship both;
# tests/sbom.sh holds the list against what the linker took in. With a distribution's own libraries the versions are
# pkg-config's and the licences' texts the distribution's.
set(sbom_parts "")
set(licences "")
set(taken_versions ${CMAKE_SOURCE_DIR}/.deps/tarballs/VERSIONS)
if(NOT "$ENV{TILLPOST_DEPS_TARBALLS}" STREQUAL "")
  set(taken_versions $ENV{TILLPOST_DEPS_TARBALLS}/VERSIONS)
endif()

# part(NAME LICENCE FILE [VERSION]): the file is that of its source which has the licence's text.
function(part name licence file)
  set(version "${ARGV3}")
  set(more "")
  if(TILLPOST_DEPS STREQUAL bundled)
    file(STRINGS ${CMAKE_SOURCE_DIR}/toolchains/deps.lock pin REGEX "^${name}\\|")
    if(pin MATCHES "^[^|]*\\|([^|]*)\\|([^|]*)\\|[^|]*\\|(.*)$")
      set(source ${CMAKE_MATCH_1})
      set(version ${CMAKE_MATCH_2})
      set(more ",\"hashes\":[{\"alg\":\"SHA-256\",\"content\":\"${CMAKE_MATCH_3}\"}]")
      set(revision ${version})
      if(EXISTS ${taken_versions})
        file(STRINGS ${taken_versions} taken REGEX "^${name}\\|")
        string(REGEX REPLACE "^[^|]*\\|[^ ]* ([^|]*).*$" "\\1" revision "${taken}")
      endif()
      string(REPLACE "+" "%2B" revision "${revision}")
      string(REPLACE ":" "%3A" revision "${revision}")
      string(APPEND more ",\"purl\":\"pkg:deb/debian/${source}@${revision}?arch=source\"")
      file(READ ${CMAKE_SOURCE_DIR}/.deps/sources/${name}/${file} text)
      set(licences "${licences}\n---- ${name} ${version}: ${licence}\n\n${text}" PARENT_SCOPE)
    endif()
  else()
    set(version "${PC_${name}_VERSION}")
  endif()
  if(NOT version STREQUAL "")
    set(version ",\"version\":\"${version}\"")
  endif()
  list(APPEND sbom_parts "{\"type\":\"library\",\"name\":\"${name}\"${version},\"licenses\":[{\
\"expression\":\"${licence}\"}]${more}}")
  set(sbom_parts "${sbom_parts}" PARENT_SCOPE)
endfunction()

#    name       licence (SPDX)       its text
part(sqlite     blessing             LICENSE.md)
part(mbedtls    Apache-2.0           LICENSE)
part(curl       curl                 COPYING)
part(cjson      MIT                  LICENSE)
part(microhttpd LGPL-2.1-or-later    COPYING)
part(zlib       Zlib                 LICENSE)
if(TILLPOST_MUSL)
  part(musl     MIT                  COPYRIGHT)
  part(libgcc   "GPL-3.0-or-later WITH GCC-exception-3.1" "" ${CMAKE_C_COMPILER_VERSION})
endif()

list(JOIN sbom_parts ",\n" parts)
set(sbom "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"version\":1,
\"metadata\":{\"component\":{\"type\":\"application\",\"name\":\"tillpost\",\"version\":\"${PROJECT_VERSION}\",\
\"licenses\":[{\"expression\":\"Apache-2.0\"}]}},
\"components\":[\n${parts}]}\n")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/sbom.json CONTENT "${sbom}" @ONLY)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/third-party-licences.txt CONTENT "${licences}" @ONLY)

# One string a line: ISO C promises no more than 4,095 characters in one.
string(REPLACE "\\" "\\\\" sbom "${sbom}")
string(REPLACE "\"" "\\\"" sbom "${sbom}")
string(REGEX REPLACE "([^\n]*)\n" "    \"\\1\",\n" sbom "${sbom}")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/sbom.c @ONLY CONTENT "/* sbom.c: made by toolchains/sbom.cmake. */
#include \"cli/cli.h\"\n\nconst char *const cli_sbom[] = {\n${sbom}    NULL};\n")
