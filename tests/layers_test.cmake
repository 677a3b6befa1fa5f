# The table of allowed edges must refuse what it does not list. Run as: cmake -DROOT=... -DWORK=... -P layers_test.cmake
#
# For each case a small project asks quoll_module() for one edge, and configuring must fail with the message that names it.

cmake_minimum_required(VERSION 3.25)
set(failures "")

# expect(NAME USES RESULT): configuring a module NAME that uses USES must be "refused" or "allowed".
function(expect name uses result)
  set(dir ${WORK}/${name}_${uses})
  file(REMOVE_RECURSE ${dir})
  file(WRITE ${dir}/CMakeLists.txt "
    cmake_minimum_required(VERSION 3.25)
    project(layers NONE)
    include(${ROOT}/cmake/QuollModule.cmake)
    quoll_module(${name} USES ${uses})
  ")
  execute_process(COMMAND ${CMAKE_COMMAND} -G Ninja -S ${dir} -B ${dir}/build RESULT_VARIABLE code OUTPUT_QUIET ERROR_VARIABLE err)
  if(result STREQUAL refused AND (code EQUAL 0 OR NOT err MATCHES "may not use"))
    set(failures "${failures}\n  ${name} -> ${uses} was allowed" PARENT_SCOPE)
  elseif(result STREQUAL allowed AND NOT code EQUAL 0)
    set(failures "${failures}\n  ${name} -> ${uses} was refused: ${err}" PARENT_SCOPE)
  endif()
endfunction()

expect(core base allowed)
expect(proxy net allowed)
expect(core telemetry refused)
expect(core net refused)
expect(http net refused)
expect(net core refused)
expect(telemetry net refused)
expect(proxy_data proxy_config allowed)
expect(proxy_config proxy_data refused)
expect(proxy_data proxy_live refused)
expect(proxy_data proxy_admin refused)
expect(proxy_live proxy_admin refused)
expect(lab_backend proxy refused)
expect(lab_loadgen core refused)
expect(lab_experiments proxy refused)
expect(sim net refused)

# The same promise for #include lines: a header of a module that is not on the row cannot be reached.
foreach(rule "core:net|http|telemetry|proxy|lab|boost" "http:net|core|telemetry|proxy|lab" "net:core|http|proxy|lab"
             "telemetry:net|core|http|proxy|lab" "lab:core|proxy"
             "proxy/config:proxy/(data|live|admin)" "proxy/data:proxy/(live|admin)" "proxy/live:proxy/admin" "sim:net|http|telemetry|proxy|lab")
  string(REPLACE ":" ";" parts ${rule})
  list(GET parts 0 module)
  list(GET parts 1 forbidden)
  file(GLOB_RECURSE files ${ROOT}/${module}/*.h ${ROOT}/${module}/*.cc)
  foreach(file IN LISTS files)
    file(STRINGS ${file} lines REGEX "^#include [<\"]((quoll/)?(${forbidden}))/")
    if(lines)
      set(failures "${failures}\n  ${file}: ${lines}")
    endif()
  endforeach()
endforeach()

# Real clocks and sleeps in core's tests would make them lie.
file(GLOB clocked ${ROOT}/core/src/*.cc ${ROOT}/core/include/quoll/core/*.h ${ROOT}/http/src/*_test.cc ${ROOT}/sim/src/*.cc)
foreach(file IN LISTS clocked)
  file(STRINGS ${file} lines REGEX "steady_now\\(|wall_now\\(|_clock::now|sleep_for|sleep_until|usleep\\(")
  if(lines)
    set(failures "${failures}\n  ${file} reads a clock or sleeps: ${lines}")
  endif()
endforeach()

# Elsewhere a clock may be read, and nobody sleeps: a test waits for a condition or spends time by its name
# (testing/wait.h), and what Quoll itself waits for is an event. The others on the list sleep because it is their task.
set(may_sleep testing/include/quoll/testing/wait.h base/include/quoll/base/steady_env.h lab/pressure/src/cpu.cc
    lab/pressure/src/cpu_group.cc)
file(GLOB folders RELATIVE ${ROOT} ${ROOT}/*)
list(REMOVE_ITEM folders build bench examples web)
list(TRANSFORM folders PREPEND ${ROOT}/ OUTPUT_VARIABLE headers)
list(TRANSFORM headers APPEND /*.h OUTPUT_VARIABLE headers)
list(TRANSFORM folders PREPEND ${ROOT}/)
list(TRANSFORM folders APPEND /*.cc)
file(GLOB_RECURSE sources RELATIVE ${ROOT} ${headers} ${folders})
list(FILTER sources EXCLUDE REGEX "^tests/(snippets|consumer)/")
foreach(file IN LISTS sources)
  if(file IN_LIST may_sleep)
    continue()
  endif()
  file(STRINGS ${ROOT}/${file} lines
       REGEX "sleep_for|sleep_until|usleep|nanosleep|[^a-zA-Z_]poll\\( *(nullptr|NULL|0) *,|select\\( *0 *,|[ (]::sleep\\(")
  if(lines)
    set(failures "${failures}\n  ${file} sleeps: ${lines}")
  endif()
endforeach()

if(failures)
  message(FATAL_ERROR "layers:${failures}")
endif()
message("layers: every edge as the table says")
