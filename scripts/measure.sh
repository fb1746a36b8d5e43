# shellcheck shell=bash
# ./dev bench and ./dev soak: a database and a Redis of their own, both empty at the start.

start_bench_stores() {
  start_postgres
  fresh_database madang_bench
  start_redis bench
  own_redis_cli bench flushall >/dev/null
}

# cmd_measure bench|soak ARGS…
cmd_measure() {
  local kind="$1" status=0
  shift
  ensure_tools measure
  load_secret
  build_release
  with_lock start_bench_stores
  DATABASE_URL="$(app_url madang_bench)"
  MIGRATE_DATABASE_URL="$(owner_url madang_bench)"
  REDIS_URL="$(own_redis_url bench)"
  export DATABASE_URL MIGRATE_DATABASE_URL REDIS_URL
  export BENCH_MADANG="$MADANG" SIGNING_KEY="$OWN_SIGNING_KEY"
  "$MADANG" migrate >&2
  raise_open_files
  "$LOADTEST" "$kind" "$@" || status=$?
  with_lock stop_redis bench
  exit "$status"
}
