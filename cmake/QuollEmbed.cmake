# quoll_embed(TARGET NAMESPACE file...): carries files of assets/ in the library as strings. They are files of their own
# so that editors and browsers know them; in the code, `#include "assets.h"` and NAMESPACE::assets::chart_js.
function(quoll_embed target namespace)
  set(assets "// Made by CMake from assets/.\n#pragma once\n\n#include <string_view>\n\nnamespace ${namespace}::assets {\n")
  foreach(asset IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS assets/${asset})
    file(READ assets/${asset} content)
    string(REPLACE "." "_" name ${asset})
    string(APPEND assets "inline constexpr std::string_view ${name} = R\"__asset__(${content})__asset__\";\n")
  endforeach()
  string(APPEND assets "}  // namespace ${namespace}::assets\n")
  file(CONFIGURE OUTPUT generated/assets.h CONTENT "@assets@" @ONLY)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/generated)
endfunction()
