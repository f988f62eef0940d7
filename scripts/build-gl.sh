#!/bin/sh
# Builds the package gl, gpu.js' way to headless GL, from the source that npm brought, with the headers of the pinned Node
# that came with it: nothing else is downloaded. Never fails: where it cannot be built, WebGPU is the only way to a gpu.
set -u
cd "$(dirname "$0")/.."

if [ -e node_modules/gl/build/Release/webgl.node ]; then exit 0; fi
for tool in g++ make python3; do
  if ! command -v "$tool" >/dev/null 2>&1; then
    echo "headless GL: not built, for want of $tool"
    exit 0
  fi
done
headers=''
for folder in node_modules/node-linux-*; do
  if [ -e "$folder/include/node/node_api.h" ]; then headers=$PWD/$folder; fi
done
if [ -z "$headers" ] || [ ! -e node_modules/node-gyp/bin/node-gyp.js ]; then
  echo "headless GL: not built, for want of node-gyp or the headers of the pinned Node"
  exit 0
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The build runs `node`: the pinned one.
if PATH="$PWD/node_modules/.bin:$PATH" JOBS=max node node_modules/node-gyp/bin/node-gyp.js rebuild --directory=node_modules/gl --nodedir="$headers" >"$log" 2>&1; then
  echo "headless GL: built"
else
  rm -rf node_modules/gl/build
  echo "headless GL: could not be built:"
  tail -n 5 "$log"
fi
