# armv7, hard float: most terminals since 2012 (Cortex-A). VFPv3-D16 is what all of them have; NEON is not.
set(TILLPOST_TARGET armv7)
set(TILLPOST_CROSS arm-linux-gnueabihf-)
set(TILLPOST_MUSL_TRIPLE arm-linux-musleabihf)
set(TILLPOST_TARGET_FLAGS "-march=armv7-a -mfpu=vfpv3-d16 -mfloat-abi=hard -mthumb")
set(TILLPOST_EMULATOR qemu-arm)
set(CMAKE_SYSTEM_PROCESSOR armv7-a)
include(${CMAKE_CURRENT_LIST_DIR}/musl.cmake)
