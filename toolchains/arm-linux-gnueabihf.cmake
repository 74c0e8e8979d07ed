# 32-bit Arm Linux, hard floats and NEON, with the libraries of its sysroot; its
# tests run under qemu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../build/sysroot/armhf)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_CXX_COMPILER_TARGET arm-linux-gnueabihf)
# By way of usr/: ninja takes lib/.. for what it says, but lib is a link.
string(CONCAT CMAKE_CXX_FLAGS_INIT
    "--gcc-install-dir=${CMAKE_SYSROOT}/usr/lib/gcc/arm-linux-gnueabihf/14 "
    "-march=armv7-a -mfpu=neon")
set(CMAKE_EXE_LINKER_FLAGS_INIT -fuse-ld=lld)
set(CMAKE_LIBRARY_ARCHITECTURE arm-linux-gnueabihf)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
if(NOT CMAKE_HOST_SYSTEM_PROCESSOR MATCHES "^arm")
  set(CMAKE_CROSSCOMPILING_EMULATOR qemu-arm)
endif()
