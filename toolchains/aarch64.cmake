# aarch64: new terminals and kiosks.
set(TILLPOST_TARGET aarch64)
set(TILLPOST_CROSS aarch64-linux-gnu-)
set(TILLPOST_MUSL_TRIPLE aarch64-linux-musl)
set(TILLPOST_TARGET_FLAGS "")
set(TILLPOST_EMULATOR qemu-aarch64)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/musl.cmake)
