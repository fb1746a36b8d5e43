# shellcheck shell=bash
# ./dev bench, ./dev bench search and ./dev soak: a database, a Redis and a search index of their own, all empty at the
# start.

start_bench_stores() {
  start_postgres
  fresh_database madang_bench
  start_redis bench
  own_redis_cli bench flushall >/dev/null
  rm -rf "$STATE/bench-search"
}

# An archive for `search` to load beside the demo community: the one named, else real posts where they lie beside the
# checkout. Sets ARCHIVE to options, perhaps none.
find_archive() {
  local data
  ARCHIVE=()
  [[ " $* " != *" --archive"* ]] || return 0
  if data="$(cd "$ROOT/../shared/data/stocknet" 2>/dev/null && pwd -P)"; then
    ARCHIVE=(--archive "$data")
  else
    say "there is no ../shared/data/stocknet: queries about real posts are left out"
  fi
}

# cmd_measure bench|soak ARGS…; `bench search` is a kind of its own.
cmd_measure() {
  local kind="$1" status=0 ARCHIVE=()
  shift
  if [[ "$kind" == bench && "${1:-}" == search ]]; then
    kind=search
    shift
    find_archive "$@"
  fi
  ensure_tools measure
  load_secret
  build_release
  with_lock start_bench_stores
  DATABASE_URL="$(app_url madang_bench)"
  MIGRATE_DATABASE_URL="$(owner_url madang_bench)"
  REDIS_URL="$(own_redis_url bench)"
  export DATABASE_URL MIGRATE_DATABASE_URL REDIS_URL
  export BENCH_MADANG="$MADANG" SIGNING_KEY="$OWN_SIGNING_KEY"
  export SEARCH_DIR="$STATE/bench-search" MEILI_PREFIX="${MEILI_PREFIX:-madang_bench_}"
  "$MADANG" migrate >&2
  raise_open_files
  "$LOADTEST" "$kind" ${ARCHIVE[@]+"${ARCHIVE[@]}"} "$@" || status=$?
  with_lock stop_redis bench
  exit "$status"
}
