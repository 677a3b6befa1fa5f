# Warnings, sanitizers, linker and compiler cache. Included once, from the top.

# Which cache and which linker is the business of whoever owns the build.
if(PROJECT_IS_TOP_LEVEL)
  find_program(QUOLL_CCACHE ccache)
  if(QUOLL_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${QUOLL_CCACHE})
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
  # Nor do "" + string expressions overlap at -O3 (gcc bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
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
