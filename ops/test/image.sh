#!/bin/sh
# Builds the container image with buildah and looks at it: it runs, and not as root, and its health check works.
# Opt-in, because it takes minutes and needs Debian's base image: QUOLL_TEST_IMAGE=build, or =NAME of an image that is
# there already. BUILDAH is the command, with its options if it needs any. usage: image.sh ROOT
set -eu
image=${QUOLL_TEST_IMAGE:-}
buildah=${BUILDAH:-buildah}
[ -n "$image" ] || { echo "QUOLL_TEST_IMAGE is not set: skipped"; exit 77; }
command -v "${buildah%% *}" >/dev/null || { echo "buildah is not installed: skipped"; exit 77; }
if [ "$image" = build ]; then
  image=localhost/quoll-test
  $buildah bud --format docker -q -f "$1/ops/Dockerfile" -t "$image" "$1"
fi
container=$($buildah from --pull-never "$image")
trap '$buildah rm "$container" >/dev/null' EXIT
[ "$($buildah run "$container" -- id -u)" != 0 ] || { echo "FAILED: it runs as root"; exit 1; }
$buildah run "$container" -- sh -c '
  quoll backend --listen 127.0.0.1:0 >/dev/null 2>&1 & backend=$!
  quoll proxy --listen 127.0.0.1:0 --admin 127.0.0.1:3900 --log-level off & proxy=$!
  for i in 1 2 3 4 5 6 7 8 9 10; do quoll status >/dev/null 2>&1 && break; sleep 0.3; done
  status=0; quoll status || status=$?
  kill $backend $proxy; exit $status'
echo "the image runs, not as root, and its health check answers"
