# Included by mbedTLS's project(): aesni.c and aes.c, which share the layout of the round keys, may use AES-NI's own
# intrinsics, which take half of the instructions of the library's assembly to seal a row. Only a processor that says
# that it has them gets there (mbedtls_aesni_has_support); each of those has SSSE3's byte shuffle too, which spares
# GCM's multiplication three quarters of its work. Nothing else in aes.c may need more than any x86-64 has.
function(compile_with file)
  set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/library/${file} DIRECTORY library
    PROPERTIES COMPILE_OPTIONS "${ARGN}")
endfunction()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  cmake_language(DEFER CALL compile_with aes.c -maes -mpclmul)
  cmake_language(DEFER CALL compile_with aesni.c -maes -mpclmul -mssse3)
endif()
