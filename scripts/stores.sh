# shellcheck shell=bash
# Which PostgreSQL and Redis a command works on: those the caller names, else this checkout's own. Ends in
# the environment that the service reads.

# A URL with our password came from an earlier `./dev env` and is ours, even when its port has changed.
is_foreign() { [[ -n "$1" && "$1" != *":$PASSWORD@127.0.0.1:"* ]]; }

# Remembers stores the caller named, so that `./dev env` and `./dev madang` mean the served ones.
remember_stores() {
  rm -f "$STATE/stores"
  if is_foreign "${DATABASE_URL:-}" || is_foreign "${REDIS_URL:-}"; then
    (
      umask 077
      printf 'DATABASE_URL=%q\nMIGRATE_DATABASE_URL=%q\nREDIS_URL=%q\n' \
        "${DATABASE_URL:-}" "${MIGRATE_DATABASE_URL:-}" "${REDIS_URL:-}" >"$STATE/stores"
    )
  fi
}

recall_stores() {
  # shellcheck source=/dev/null # written by remember_stores
  if [[ -z "${DATABASE_URL:-}${REDIS_URL:-}" && -f "$STATE/stores" ]]; then source "$STATE/stores"; fi
}

start_own_stores() {
  if is_foreign "${DATABASE_URL:-}"; then
    MIGRATE_DATABASE_URL="${MIGRATE_DATABASE_URL:-$DATABASE_URL}"
  else
    start_postgres
    ensure_database madang
    DATABASE_URL="$(app_url madang)"
    MIGRATE_DATABASE_URL="$(owner_url madang)"
  fi
  if ! is_foreign "${REDIS_URL:-}"; then
    start_redis redis
    REDIS_URL="$(own_redis_url redis)"
  fi
  [[ -n "$(remembered_port http)" ]] || choose_port http
}

# What the service reads; everything else keeps its default.
export_settings() {
  export DATABASE_URL MIGRATE_DATABASE_URL REDIS_URL
  export SIGNING_KEY="${SIGNING_KEY:-$OWN_SIGNING_KEY}" RUST_LOG="${RUST_LOG:-info}"
  # MEILI_URL, where it is set, is passed on as it is: then search is there.
  export SEARCH_DIR="${SEARCH_DIR:-$STATE/search}"
  HTTP_BIND="127.0.0.1:$(remembered_port http)"
  PUBLIC_URL="http://$HTTP_BIND"
  export HTTP_BIND PUBLIC_URL
}

prepare_stores() {
  with_lock start_own_stores
  export_settings
}

# Changes when the database is another one or was made anew; markers in .dev are tied to it.
database_id() {
  local id
  id="$("$PG_BIN/psql" "$DATABASE_URL" -qAtX -c 'SELECT oid FROM pg_database WHERE datname = current_database()' 2>/dev/null </dev/null || true)"
  printf '%s %s' "$DATABASE_URL" "$id" | cksum
}
