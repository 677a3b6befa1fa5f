# The parts of Quoll that others can use, and what each takes along: the components of find_package(quoll), the names
# of the pkg-config files, and what QUOLL_COMPONENTS may list. One table for all three.
#
# QUOLL_COMPONENTS: which of them to build. All, for those who build Quoll; only core inside another project, since core
# needs nothing but a compiler, and net, http and telemetry need packages that the other project may not have.

set(QUOLL_ALL_COMPONENTS base core http telemetry net)  # each after those that it uses

set(QUOLL_COMPONENT_base_TEXT "what every part uses: results, time, histogram, randomness")
set(QUOLL_COMPONENT_base_USES "")
set(QUOLL_COMPONENT_base_NEEDS "Threads")
set(QUOLL_COMPONENT_core_TEXT "circuit breaker, adaptive timeout, retry and the other policies")
set(QUOLL_COMPONENT_core_USES base)
set(QUOLL_COMPONENT_http_TEXT "HTTP/1.1 heads and bodies, bytes in and events out")
set(QUOLL_COMPONENT_http_USES base)
set(QUOLL_COMPONENT_telemetry_TEXT "sharded metrics, Prometheus exposition, structured log")
set(QUOLL_COMPONENT_telemetry_USES base)
set(QUOLL_COMPONENT_telemetry_NEEDS "fmt" "spdlog" "prometheus-cpp COMPONENTS core")
set(QUOLL_COMPONENT_telemetry_PKGCONFIG "fmt spdlog prometheus-cpp-core")
set(QUOLL_COMPONENT_net_TEXT "sockets whose reads carry the kernel's arrival time, deadlines, workers; on Boost.Asio")
set(QUOLL_COMPONENT_net_USES base)
set(QUOLL_COMPONENT_net_NEEDS "Boost 1.81")

if(QUOLL_APPS)
  set(QUOLL_COMPONENTS ${QUOLL_ALL_COMPONENTS})  # the programs use them all
else()
  set(wanted ${QUOLL_ALL_COMPONENTS})
  if(NOT PROJECT_IS_TOP_LEVEL)
    set(wanted core)
  endif()
  set(QUOLL_COMPONENTS "${wanted}" CACHE STRING "Library components to build: ${QUOLL_ALL_COMPONENTS}")
  foreach(component IN LISTS QUOLL_COMPONENTS)
    if(NOT component IN_LIST QUOLL_ALL_COMPONENTS)
      message(FATAL_ERROR "QUOLL_COMPONENTS: no component '${component}'; there are: ${QUOLL_ALL_COMPONENTS}")
    endif()
  endforeach()
  # What they use comes with them, in the table's order.
  set(wanted base ${QUOLL_COMPONENTS})
  set(QUOLL_COMPONENTS "")
  foreach(component IN LISTS QUOLL_ALL_COMPONENTS)
    if(component IN_LIST wanted)
      list(APPEND QUOLL_COMPONENTS ${component})
    endif()
  endforeach()
endif()
if(QUOLL_EXAMPLES AND NOT (core IN_LIST QUOLL_COMPONENTS AND net IN_LIST QUOLL_COMPONENTS))
  message(STATUS "examples/ is left out: it needs the components core and net")
  set(QUOLL_EXAMPLES OFF)
endif()
