# cmake --install: what a user of the library and of the program gets. Three install components, for packagers:
# runtime (the program), development (headers, archives, CMake and pkg-config files), documentation.
#
# Each library component has an export of its own, so that find_package(quoll COMPONENTS core) does not look for what
# only the others need. The proxy, the lab, the simulator and testing are parts of the program, not of the library.

include(CMakePackageConfigHelpers)

set(cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/quoll)

if(TARGET quoll_asio)
  set_target_properties(quoll_asio PROPERTIES EXPORT_NAME asio)
endif()
foreach(component IN LISTS QUOLL_COMPONENTS)
  set(targets quoll_${component})
  if(component STREQUAL net)
    list(APPEND targets quoll_asio)
  endif()
  set_target_properties(quoll_${component} PROPERTIES EXPORT_NAME ${component})
  install(TARGETS ${targets} EXPORT quoll-${component}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
  install(EXPORT quoll-${component} NAMESPACE quoll:: DESTINATION ${cmake_dir} FILE quoll-${component}-targets.cmake
          COMPONENT development)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${component}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          COMPONENT development FILES_MATCHING PATTERN "*.h")
endforeach()

# The table of QuollComponents.cmake, as quoll-config.cmake reads it.
set(component_table "set(quoll_components ${QUOLL_COMPONENTS})\n")
foreach(component IN LISTS QUOLL_COMPONENTS)
  string(APPEND component_table "set(quoll_${component}_uses ${QUOLL_COMPONENT_${component}_USES})\n")
  set(needs "")
  foreach(need IN LISTS QUOLL_COMPONENT_${component}_NEEDS)
    string(APPEND needs " \"${need}\"")
  endforeach()
  string(APPEND component_table "set(quoll_${component}_needs${needs})\n")
endforeach()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/quoll-config.cmake.in
                              ${PROJECT_BINARY_DIR}/install/quoll-config.cmake INSTALL_DESTINATION ${cmake_dir}
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/install/quoll-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/install/quoll-config.cmake ${PROJECT_BINARY_DIR}/install/quoll-config-version.cmake
        DESTINATION ${cmake_dir} COMPONENT development)

# pkg-config: one file for each component. They find the prefix from where they lie, so that it may be moved.
set(pc_prefix ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  file(RELATIVE_PATH up /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
  string(REGEX REPLACE "/$" "" up "${up}")
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
cmake_path(APPEND pc_libdir "\${prefix}" "${CMAKE_INSTALL_LIBDIR}")
cmake_path(APPEND pc_includedir "\${prefix}" "${CMAKE_INSTALL_INCLUDEDIR}")
foreach(component IN LISTS QUOLL_COMPONENTS)
  set(pc_name quoll-${component})
  set(pc_description "${QUOLL_COMPONENT_${component}_TEXT}")
  list(TRANSFORM QUOLL_COMPONENT_${component}_USES PREPEND "quoll-" OUTPUT_VARIABLE pc_requires)
  list(TRANSFORM pc_requires APPEND " = ${PROJECT_VERSION}")
  list(APPEND pc_requires ${QUOLL_COMPONENT_${component}_PKGCONFIG})
  string(REPLACE ";" ", " pc_requires "${pc_requires}")
  set(pc_cflags "")
  if(component STREQUAL net)
    # What quoll_asio defines, without what only clang needs: pkg-config does not know the compiler.
    get_target_property(definitions quoll_asio INTERFACE_COMPILE_DEFINITIONS)
    list(FILTER definitions EXCLUDE REGEX "^\\$<")
    list(TRANSFORM definitions PREPEND " -D" OUTPUT_VARIABLE pc_cflags)
    list(JOIN pc_cflags "" pc_cflags)
  endif()
  set(pc_libs "-lquoll_${component}")
  if(component STREQUAL base)
    string(APPEND pc_libs " ${CMAKE_THREAD_LIBS_INIT}")
  endif()
  configure_file(${CMAKE_CURRENT_LIST_DIR}/quoll.pc.in ${PROJECT_BINARY_DIR}/install/${pc_name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/install/${pc_name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT development)
endforeach()

if(QUOLL_APPS)
  install(TARGETS quoll RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
endif()

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}
        COMPONENT documentation)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR}
        COMPONENT documentation PATTERN ".gitkeep" EXCLUDE)
