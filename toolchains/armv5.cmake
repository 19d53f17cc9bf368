# armv5te, soft float: old terminals (ARM926). No Thumb: the first one makes code slower than it saves in size.
set(TILLPOST_TARGET armv5)
set(TILLPOST_CROSS arm-linux-gnueabi-)
set(TILLPOST_MUSL_TRIPLE arm-linux-musleabi)
set(TILLPOST_TARGET_FLAGS "-march=armv5te -mfloat-abi=soft -marm")
set(TILLPOST_EMULATOR qemu-arm -cpu arm926)
set(CMAKE_SYSTEM_PROCESSOR armv5te)
include(${CMAKE_CURRENT_LIST_DIR}/musl.cmake)
