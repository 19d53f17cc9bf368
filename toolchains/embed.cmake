# Writes the file FROM as the bytes of a C array, for #include, into the file TO; not anew when it says the same.
file(READ ${FROM} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(CONFIGURE OUTPUT ${TO} CONTENT "${bytes}\n" @ONLY)
