#!/bin/sh
# Quoll as others use it: install_test.sh CASE, with the build's settings in the environment (tests/CMakeLists.txt).
#
#   install     the whole of it into PREFIX: what the other cases use
#   layout      everything is there, nothing else is, and no file names the machine it was built on
#   cmake       tests/consumer through find_package
#   pkgconfig   the same programs through pkg-config and the compiler alone, with warnings as errors
#   refusals    find_package says what is wrong with a missing component and with a version that is not here
#   subproject  add_subdirectory on a machine where nothing but the compiler is to be found
set -eu

: "${SOURCE:?}" "${BUILD:?}" "${PREFIX:?}" "${WORK:?}" "${CXX:?}" "${FLAGS?}" "${LAUNCHER?}" "${CMAKE:?}"
case=$1
fail() { echo "install: $*" >&2; exit 1; }
rm -rf "${WORK:?}/$case"
mkdir -p "$WORK/$case"
cd "$WORK/$case"

# A project of its own, built as the main build is, so that the compiler cache serves both.
configure() {
  from=$1; shift
  "$CMAKE" -G Ninja -S "$from" -B build -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS_RELEASE=-O2" \
    "-DCMAKE_CXX_COMPILER=$CXX" "-DCMAKE_CXX_FLAGS=$FLAGS" "-DCMAKE_CXX_COMPILER_LAUNCHER=$LAUNCHER" "$@"
}

opened="opened: 5 of 5 calls failed (100.0 %, limit 50 %) in the last 10s; open for 5s"
with_core() {
  out=$("$1")
  [ "$out" = "$opened
refused: open" ] || fail "with_core printed: $out"
}
with_net() {
  out=$("$1")
  [ "$out" = "1 request" ] || fail "with_net printed: $out"
}

case $case in
  install)
    rm -rf "${PREFIX:?}"
    "$CMAKE" --install "$BUILD" --prefix "$PREFIX" >log
    ;;

  layout)
    cd "$PREFIX"
    for file in bin/quoll include/quoll/core/breaker.h include/quoll/base/assert.h include/quoll/net/stamped_socket.h \
      lib*/libquoll_core.a lib*/cmake/quoll/quoll-config.cmake lib*/cmake/quoll/quoll-config-version.cmake \
      lib*/pkgconfig/quoll-core.pc lib*/pkgconfig/quoll-net.pc share/doc/quoll/LICENSE share/doc/quoll/README.md \
      share/doc/quoll/docs/library.md share/doc/quoll/examples/CMakeLists.txt; do
      [ -f "$file" ] || fail "$file is not installed"
    done
    others=$(find . -type f | grep -Ev '^\./(bin/quoll|share/doc/quoll/.*|lib[^/]*/(.*/)?(libquoll_[a-z]+\.a|cmake/quoll/quoll-[a-z-]+\.cmake|pkgconfig/quoll-[a-z]+\.pc)|include/quoll/(base|core|http|telemetry|net)/[a-z_]+\.h)$' || true)
    [ -z "$others" ] || fail "installed, and nobody knows why: $others"
    # Debug information names its sources, and should.
    if ! readelf -S bin/quoll | grep -q debug_info; then
      places=$(grep -rlF -e "$SOURCE/" -e "$BUILD" . || true)
      [ -z "$places" ] || fail "these name the place they were built in: $places"
    fi
    bin/quoll --version
    ;;

  cmake)
    configure "$SOURCE/tests/consumer" "-DCMAKE_PREFIX_PATH=$PREFIX" >log 2>&1 || { cat log; exit 1; }
    "$CMAKE" --build build
    with_core build/with_core
    with_net build/with_net
    rm -rf build
    configure "$PREFIX/share/doc/quoll/examples" "-DCMAKE_PREFIX_PATH=$PREFIX" >log 2>&1 || { cat log; exit 1; }
    "$CMAKE" --build build --target example_pipeline
    build/example_pipeline | grep -q "page 2, on the third attempt" || fail "the installed examples do not work"
    ;;

  pkgconfig)
    pc=$(command -v pkg-config || command -v pkgconf) || { echo "pkg-config is not installed: skipped"; exit 77; }
    PKG_CONFIG_PATH=$(echo "$PREFIX"/lib*/pkgconfig "$PREFIX"/lib/*/pkgconfig | tr ' ' ':')
    export PKG_CONFIG_PATH
    "$pc" --validate quoll-core quoll-net quoll-http quoll-telemetry
    strict="-std=c++20 -O2 -Wall -Wextra -Wpedantic -Wshadow -Werror -Wno-maybe-uninitialized"
    # program PACKAGE...: compiled and linked with what pkg-config says.
    program() {
      name=$1; shift
      # shellcheck disable=SC2046,SC2086
      $LAUNCHER "$CXX" $strict $FLAGS $("$pc" --cflags "$@") -c "$SOURCE/tests/consumer/$name.cc" -o "$name.o"
      # shellcheck disable=SC2046,SC2086
      "$CXX" $FLAGS "$name.o" -o "$name" $("$pc" --libs "$@")
    }
    program with_core quoll-core
    ldd with_core | grep -E 'boost|fmt|spdlog|prometheus' && fail "core alone needs more than the compiler's libraries"
    with_core ./with_core
    program with_net quoll-net quoll-http quoll-telemetry
    with_net ./with_net
    # Without net's definitions its headers do not compile, rather than make a program of two halves that differ.
    if "$CXX" -std=c++20 -fsyntax-only "-I$PREFIX/include" "$SOURCE/tests/consumer/with_net.cc" 2>err; then
      fail "net's headers compile without the definitions of quoll::net"
    fi
    grep -q "link that CMake target" err || { cat err; fail "the reason is not said"; }
    ;;

  refusals)
    # refused VERSION COMPONENT TEXT: configuring fails, and says TEXT.
    refused() {
      rm -rf build
      if configure "$SOURCE/tests/consumer" "-DCMAKE_PREFIX_PATH=$PREFIX" "-DVERSION=$1" "-DCOMPONENTS=$2" >log 2>&1; then
        fail "quoll $1 with $2 was found"
      fi
      tr -s ' \n' ' ' <log | grep -qF "$3" || { cat log; fail "it does not say: $3"; }
    }
    refused 0.1 sim "no component 'sim' here; installed are: base, core, http, telemetry, net"
    refused 0.2 core 'version "0.2"'
    refused 1.0 core 'version "1.0"'
    ;;

  subproject)
    hidden=
    for package in Boost fmt spdlog prometheus-cpp yaml-cpp GTest rapidcheck benchmark; do
      hidden="$hidden -DCMAKE_DISABLE_FIND_PACKAGE_$package=ON"
    done
    # shellcheck disable=SC2086
    configure "$SOURCE/tests/subproject" "-DQUOLL=$SOURCE" -DQUOLL_WERROR=ON $hidden >log 2>&1 || { cat log; exit 1; }
    "$CMAKE" --build build
    with_core build/with_core
    ;;

  *) fail "no case '$case'" ;;
esac
echo "install: $case is well"
