# Precompiled headers: those of others that many files include. docs/decisions/0006 has why.
#
# Never Quoll's own headers: a change in one would rebuild every file. And never a file's only way to a header: the tidy
# preset builds without them (QUOLL_PCH=OFF), so ./dev lint finds an #include that is missing.
#
# A set is compiled once, by a target of its own, and used by every target that is compiled with the same definitions:
# gcc takes it for no other. quoll_precompile() chooses by what a target links.

# Below another project the few files of the library are not worth it.
option(QUOLL_PCH "Precompile the headers of Boost, GoogleTest and the standard library" ${PROJECT_IS_TOP_LEVEL})
# "-O0" in the release preset: tests are half of what is compiled and run for seconds.
set(QUOLL_TEST_OPTIMISATION "" CACHE STRING "Compiler option for the tests' own files, after those of the build type")

# No <iostream>: it puts an initialiser into each object, and core must know no stream.
set(quoll_pch_std <algorithm> <array> <atomic> <charconv> <chrono> <cmath> <cstdint> <cstring> <deque> <functional>
    <limits> <map> <memory> <mutex> <optional> <random> <span> <string> <string_view> <unordered_map> <utility> <variant>
    <vector>)
set(quoll_pch_asio ${quoll_pch_std} <boost/asio/as_tuple.hpp> <boost/asio/awaitable.hpp>
    <boost/asio/basic_stream_socket.hpp> <boost/asio/basic_waitable_timer.hpp> <boost/asio/co_spawn.hpp>
    <boost/asio/deferred.hpp> <boost/asio/executor_work_guard.hpp> <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp>
    <boost/asio/post.hpp> <boost/asio/this_coro.hpp> <boost/intrusive/list.hpp> <boost/intrusive/set.hpp> <thread>)
set(quoll_pch_text ${quoll_pch_std} ${CMAKE_CURRENT_LIST_DIR}/pch/fmt_once.h)
set(quoll_pch_program ${quoll_pch_asio} <boost/json.hpp> ${CMAKE_CURRENT_LIST_DIR}/pch/fmt_once.h)
set(quoll_pch_std_test ${quoll_pch_std} <gmock/gmock.h> <gtest/gtest.h> <rapidcheck/gtest.h>)
set(quoll_pch_asio_test ${quoll_pch_asio} <gmock/gmock.h> <gtest/gtest.h>)

# The set for targets that link LINKS... and, if asked for, are TESTs; made on first use. Its target's name in `out`.
# A larger one costs each file the time to load it: no set has what only few of its files include.
function(quoll_precompiled_set out)
  cmake_parse_arguments(ARG "TEST" "" "LINKS" ${ARGN})
  set(set std)
  set(links "")
  if("quoll_asio" IN_LIST ARG_LINKS OR "quoll_net" IN_LIST ARG_LINKS)
    set(set asio)
    list(APPEND links quoll_asio)
    if("Boost::json" IN_LIST ARG_LINKS AND "fmt::fmt" IN_LIST ARG_LINKS AND NOT ARG_TEST)
      set(set program)
      list(APPEND links Boost::json fmt::fmt)
    endif()
  endif()
  if(set STREQUAL std AND "fmt::fmt" IN_LIST ARG_LINKS AND NOT ARG_TEST)
    set(set text)
    list(APPEND links fmt::fmt)
  endif()
  if(ARG_TEST)
    string(APPEND set _test)
    list(APPEND links rapidcheck GTest::gmock)
  endif()
  set(target quoll_pch_${set})
  if(NOT TARGET ${target})
    set(source ${PROJECT_BINARY_DIR}/pch/${target}.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT "// Something for the precompiled headers to belong to.\n")
    add_library(${target} OBJECT ${source})
    target_link_libraries(${target} PRIVATE quoll_warnings ${links})
    if(ARG_TEST)
      target_compile_options(${target} PRIVATE ${QUOLL_TEST_OPTIMISATION})
    endif()
    target_precompile_headers(${target} PRIVATE ${quoll_pch_${set}})
  endif()
  set(${out} ${target} PARENT_SCOPE)
endfunction()

# quoll_precompile(TARGET [TEST] [LINKS target...]): has TARGET use the set that fits what it links.
function(quoll_precompile target)
  cmake_parse_arguments(ARG "TEST" "" "LINKS" ${ARGN})
  if(ARG_TEST)
    target_compile_options(${target} PRIVATE ${QUOLL_TEST_OPTIMISATION})
  endif()
  if(QUOLL_PCH)
    set(test "")
    if(ARG_TEST)
      set(test TEST)
    endif()
    quoll_precompiled_set(set ${test} LINKS ${ARG_LINKS})
    target_precompile_headers(${target} REUSE_FROM ${set})
  endif()
endfunction()
