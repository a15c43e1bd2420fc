#!/bin/sh
# Starts a PDS on loopback and prints the variables of the interop test.
# Installs its two packages the first time. See README.md.
set -eu
cd "$(dirname "$0")"
sqlite=node_modules/better-sqlite3/build/Release/better_sqlite3.node
[ -d node_modules/@atproto/pds ] || npm install --no-audit --no-fund >&2
# Some npm versions install without running build scripts.
[ -f "$sqlite" ] || npm rebuild better-sqlite3 >&2
exec node start.mjs "$@"
