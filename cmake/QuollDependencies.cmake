# Everything comes from Debian 12 packages (the list is in ./dev); nothing is vendored or downloaded. Only what the
# chosen components and programs need is looked for.

if(QUOLL_APPS)
  set(BOOST_ROOT_VERSION 1.81)
  find_package(Boost 1.81 REQUIRED COMPONENTS url json)
  find_package(yaml-cpp REQUIRED)
  find_path(QUOLL_CLI11_INCLUDE CLI/CLI.hpp REQUIRED)
endif()
if(telemetry IN_LIST QUOLL_COMPONENTS)
  find_package(fmt REQUIRED)
  find_package(spdlog REQUIRED)
  find_package(prometheus-cpp REQUIRED COMPONENTS core)
endif()

if(net IN_LIST QUOLL_COMPONENTS OR http IN_LIST QUOLL_COMPONENTS)
  find_package(Boost 1.81 REQUIRED)
  # Asio is compiled once (third_party.cc in net), not in each file that includes it. Every file of a program that
  # includes Asio must be compiled with the same definitions, so they travel with quoll::net; net/executor.h checks.
  add_library(quoll_asio INTERFACE)
  target_compile_definitions(quoll_asio INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE
    # Frames of many sizes miss that cache more often than they hit it; malloc is cheaper (callgrind: 3 % of a request).
    BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING
    # clang 14 has C++20 coroutines but does not announce them in the way libstdc++ and Asio look for.
    $<$<AND:$<CXX_COMPILER_ID:Clang>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,17>>:__cpp_impl_coroutine=201902L>
    $<$<CXX_COMPILER_ID:Clang>:BOOST_ASIO_HAS_CO_AWAIT>
    $<$<CXX_COMPILER_ID:Clang>:BOOST_ASIO_HAS_STD_COROUTINE>)
  target_link_libraries(quoll_asio INTERFACE Boost::headers Threads::Threads)
endif()

if(QUOLL_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
  find_package(rapidcheck REQUIRED)
endif()
if(QUOLL_BENCH)
  find_package(benchmark REQUIRED)
endif()
