# x86_64 with musl: registers that are PCs, with one static program for all distributions.
set(TILLPOST_TARGET x86_64)
set(TILLPOST_CROSS x86_64-linux-gnu-)
set(TILLPOST_MUSL_TRIPLE x86_64-linux-musl)
set(TILLPOST_TARGET_FLAGS "")
set(TILLPOST_EMULATOR "")
set(CMAKE_SYSTEM_PROCESSOR x86_64)
include(${CMAKE_CURRENT_LIST_DIR}/musl.cmake)
