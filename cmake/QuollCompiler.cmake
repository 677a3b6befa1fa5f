# Warnings, sanitizers, linker and compiler cache. Included once, from the top.

# Which cache and which linker is the business of whoever owns the build.
if(PROJECT_IS_TOP_LEVEL)
  find_program(QUOLL_CCACHE ccache)
  if(QUOLL_CCACHE)
    # Without these two ccache does not cache a file that is compiled with precompiled headers. It hashes those headers,
    # and with them all that a macro in them could have changed.
    set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${QUOLL_CCACHE})
  endif()

  find_program(QUOLL_MOLD mold)
  if(QUOLL_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_link_options(-fuse-ld=mold)
  endif()
endif()

# A failed assertion names core/src/breaker.cc, not the machine that Quoll was built on.
add_compile_options(-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)

find_package(Threads REQUIRED)

add_library(quoll_warnings INTERFACE)
target_compile_options(quoll_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wold-style-cast -Wimplicit-fallthrough -Wcast-qual
  $<$<BOOL:${QUOLL_WERROR}>:-Werror>
  # gcc 12 reports values inside inlined std::optional and coroutine frames that are never read.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  # Nor do std::string(...) + "text" expressions overlap, or overrun the string (gcc bug 105651 and its kin, which look
  # into libstdc++ once its headers are precompiled).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>
  # clang 14 parses with thread-safety analysis; gcc ignores the annotations.
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# QUOLL_SANITIZE is a list as -fsanitize= takes it: "address,undefined" or "thread".
set(QUOLL_SANITIZE "" CACHE STRING "Sanitizers to build with")
if(QUOLL_SANITIZE)
  add_compile_options(-fsanitize=${QUOLL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${QUOLL_SANITIZE})
  if(QUOLL_SANITIZE MATCHES "thread")
    add_compile_options(-Wno-tsan)  # Asio uses fences in headers only
  endif()
endif()

# Coverage of every module leads the fuzzers; only the fuzz targets themselves get libFuzzer's main (quoll_module).
if(QUOLL_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "QUOLL_FUZZ needs clang (libclang-rt-14-dev); use: cmake --preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
