# Builds the page and writes it as C++. Run at build time by web/CMakeLists.txt.
cmake_minimum_required(VERSION 3.25)

# Writes OUTPUT and ends. `reason` is empty when the page is there.
function(write_output reason files_text table_text)
  string(REPLACE "\\" "\\\\" reason "${reason}")
  string(REPLACE "\"" "\\\"" reason "${reason}")
  file(WRITE ${OUTPUT} "// Made by web/build.cmake.
#include \"web_page.h\"

#include <array>

namespace quoll::web {
namespace {

constexpr std::string_view kMissing = \"${reason}\";
${files_text}
${table_text}
}  // namespace

std::span<const File> files() {
  return kFiles;
}
std::string_view missing() {
  return kMissing;
}

}  // namespace quoll::web
")
endfunction()

macro(give_up reason)
  if(MODE STREQUAL "ON")
    message(FATAL_ERROR "the live page cannot be built: ${reason}")
  endif()
  message(WARNING "the live page is left out: ${reason}")
  write_output("${reason}" "" "constexpr std::span<const File> kFiles;")
  return()
endmacro()

# Top level, so that return() ends the script.
if(MODE STREQUAL "OFF")
  write_output("this binary was built without it (QUOLL_WEB=OFF)" "" "constexpr std::span<const File> kFiles;")
  return()
endif()
# Looked for at each build, not once when it was configured: they may have been installed since.
find_program(NODE NAMES node nodejs)
find_program(NPM npm)
if(NOT NODE OR NOT NPM)
  give_up("there was no Node.js with npm on the machine that built it; install nodejs and npm, configure and build again")
endif()
execute_process(COMMAND ${NODE} --version OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX REPLACE "^v" "" version "${version}")
if(version VERSION_LESS 18)
  give_up("it needs Node.js 18 or newer, and the machine that built it had ${version}")
endif()

# One build tree at a time: they share web/node_modules.
file(LOCK ${SOURCE}/.build-lock GUARD PROCESS TIMEOUT 600)
file(SHA256 ${SOURCE}/package-lock.json wanted)
set(stamp ${SOURCE}/node_modules/.quoll-lock)
set(installed "")
if(EXISTS ${stamp})
  file(READ ${stamp} installed)
endif()
if(NOT installed STREQUAL wanted)
  execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --loglevel=error WORKING_DIRECTORY ${SOURCE}
                  RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE complaint TIMEOUT 300)
  if(failed)
    file(WRITE ${WORK}/npm.log "${complaint}")
    give_up("npm could not install what the page is built with (web/package-lock.json), see web/npm.log in the build folder; when the npm registry can be reached, configure and build again")
  endif()
  file(WRITE ${stamp} "${wanted}")
endif()
execute_process(COMMAND ${NODE} node_modules/vite/bin/vite.js build --logLevel warn --emptyOutDir --outDir ${WORK}/dist
                WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed OUTPUT_VARIABLE complaint ERROR_VARIABLE complaint
                TIMEOUT 300)
if(failed)
  message(STATUS "${complaint}")
  give_up("vite could not build the page; run 'npm run build' in web/ to see why")
endif()

set(definitions "")
set(table "")
set(number 0)
function(embed file path type)
  file(READ ${WORK}/dist/${file} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR bytes "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," hex "${hex}")
  math(EXPR next "${number} + 1")
  set(number ${next} PARENT_SCOPE)
  set(definitions "${definitions}constexpr std::array<char, ${bytes}> kBytes${number} = {${hex}};\n" PARENT_SCOPE)
  set(table "${table}    File{\"${path}\", \"${type}\", {kBytes${number}.data(), kBytes${number}.size()}},\n" PARENT_SCOPE)
endfunction()
embed(index.html /dashboard "text/html; charset=utf-8")
embed(app.js /dashboard/app.js "text/javascript; charset=utf-8")
embed(app.css /dashboard/app.css "text/css; charset=utf-8")
write_output("" "${definitions}" "constexpr std::array kFiles = {\n${table}};")
