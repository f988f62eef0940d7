#!/bin/sh
# Makes a clone ready to run: system libraries, npm packages, and the pinned Node that comes with them.
# Plain sh, because until it is done there may be no Node that runs TypeScript. Takes a moment when all is there.
set -eu
cd "$(dirname "$0")/.."

if [ -z "${ADJOINT_SKIP_SYSTEM:-}" ]; then sh scripts/system-libraries.sh; fi

# A copy of the lock file that node_modules was made from: npm ci runs again exactly when the two differ.
stamp=node_modules/.adjoint-package-lock.json
if ! cmp -s package-lock.json "$stamp"; then
  echo 'setup: npm ci'
  # Errors only: npm would warn that the host's Node is older than the one that runs the code, which is the point.
  npm ci --loglevel=error
  cp package-lock.json "$stamp"
fi

# npm links the pinned Node's binary itself, but older versions drop the link again with the packages of the other
# platforms, which name the same binary.
if [ ! -x node_modules/.bin/node ]; then
  for binary in node_modules/node-*/bin/node; do ln -sf "../../$binary" node_modules/.bin/node; done
fi

if ! node_modules/.bin/node --version >/dev/null; then
  echo 'setup: the pinned Node (node_modules/.bin/node) does not start here; see the line above for what it lacks.' >&2
  echo 'setup: on Debian or Ubuntu: apt-get install libatomic1 libstdc++6' >&2
  exit 1
fi
