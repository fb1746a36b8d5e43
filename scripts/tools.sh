# shellcheck shell=bash
# Finds the programs ./dev needs and installs those that are missing with the system's package
# manager. Only programs: a system-wide PostgreSQL or Redis is neither used nor touched.

POSTGRES_AT_LEAST=15
REDIS_AT_LEAST=7

has() { command -v "$1" >/dev/null 2>&1; }

postgres_major() { "$1/postgres" --version 2>/dev/null | sed -n 's/.*) \([0-9][0-9]*\).*/\1/p'; }

postgres_dirs() {
  local found dir
  if found="$(command -v postgres)"; then dirname "$found"; fi
  if has pg_config; then pg_config --bindir; fi
  for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do echo "$dir"; done
  if has brew; then
    for dir in "$(brew --prefix)"/opt/postgresql@*/bin; do echo "$dir"; done
  fi
}

# find_postgres MAJOR|any: sets PG_BIN, to the newest of any usable version.
find_postgres() {
  local want="$1" dir major best=0
  PG_BIN=""
  while read -r dir; do
    [[ -x "$dir/postgres" && -x "$dir/initdb" && -x "$dir/pg_ctl" && -x "$dir/psql" ]] || continue
    major="$(postgres_major "$dir")"
    [[ -n "$major" && "$major" -ge $POSTGRES_AT_LEAST ]] || continue
    [[ "$want" == any || "$major" == "$want" ]] || continue
    if [[ "$major" -gt $best ]]; then
      best="$major"
      PG_BIN="$dir"
    fi
  done < <(postgres_dirs)
  [[ -n "$PG_BIN" ]]
}

redis_is_recent() {
  local major
  has redis-server && has redis-cli || return 1
  major="$(redis-server --version | sed -n 's/.*v=\([0-9][0-9]*\).*/\1/p')"
  [[ -n "$major" && "$major" -ge $REDIS_AT_LEAST ]]
}

# Sets MISSING to the names of what is absent; "measure" asks for the measuring programs too.
find_missing() {
  MISSING=()
  find_postgres any || MISSING+=("postgresql")
  redis_is_recent || MISSING+=("redis")
  has cc || MISSING+=("cc")
  has curl || MISSING+=("curl")
  if [[ "${1:-}" == measure ]]; then
    has wrk || MISSING+=("wrk")
    has redis-benchmark || MISSING+=("redis-benchmark")
    [[ -z "$PG_BIN" || -x "$PG_BIN/pgbench" ]] || has pgbench || MISSING+=("pgbench")
  fi
}

ensure_tools() {
  has cargo || die "cargo is missing: install Rust from https://rustup.rs and try again"
  find_missing "$@"
  if [[ ${#MISSING[@]} -gt 0 ]]; then
    install_missing
    find_missing "$@"
    [[ ${#MISSING[@]} -eq 0 ]] || explain_missing
  fi
  export PATH="$PG_BIN:$PATH"
}

explain_missing() {
  say "still missing or too old here: ${MISSING[*]}"
  say "needed: PostgreSQL >= $POSTGRES_AT_LEAST (initdb, pg_ctl, psql; pgbench for measuring),"
  say "  Redis >= $REDIS_AT_LEAST (redis-server, redis-cli; redis-benchmark for measuring),"
  say "  a C compiler (cc), curl, and wrk for measuring"
  say "where the system's packages are older: https://www.postgresql.org/download/ and https://redis.io/downloads/"
  die "install these and run the command again"
}

install_missing() {
  if has apt-get; then
    install_with_apt
  elif has brew; then
    install_with_brew
  else
    say "neither apt-get nor brew is here to install them with"
    explain_missing
  fi
}

# --- Debian, Ubuntu -------------------------------------------------------------

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif has sudo; then
    sudo "$@"
  else
    die "root is needed to run: $*"
  fi
}

apt_package() {
  case "$1" in
    postgresql | pgbench) echo "postgresql postgresql-client" ;;
    redis) echo "redis-server redis-tools" ;;
    redis-benchmark) echo "redis-tools" ;;
    cc) echo "build-essential" ;;
    *) echo "$1" ;;
  esac
}

POLICY=/usr/sbin/policy-rc.d

# Debian starts a service as soon as it is installed; exit status 101 of this file forbids it.
forbid_service_start() {
  [[ ! -e "$POLICY" ]] || grep -q 'by madang ./dev' "$POLICY" || return 0
  printf '#!/bin/sh\n# by madang ./dev, only while it installs packages\nexit 101\n' | as_root tee "$POLICY" >/dev/null
  as_root chmod 755 "$POLICY"
}

allow_service_start() {
  if grep -qs 'by madang ./dev' "$POLICY"; then as_root rm -f "$POLICY"; fi
}

# Units that came only with our installation must not start at the next boot either.
disable_new_units() {
  local unit
  has systemctl || return 0
  for unit in "$@"; do
    as_root systemctl disable --quiet "$unit" >/dev/null 2>&1 || true
  done
}

install_with_apt() {
  local packages=() new_units=() name
  for name in "${MISSING[@]}"; do
    # shellcheck disable=SC2207 # package names hold no spaces
    packages+=($(apt_package "$name"))
  done
  [[ -e /lib/systemd/system/postgresql.service ]] || new_units+=(postgresql)
  [[ -e /lib/systemd/system/redis-server.service ]] || new_units+=(redis-server)
  say "installing with apt-get: ${packages[*]}"
  (
    trap allow_service_start EXIT
    trap 'exit 130' INT TERM
    forbid_service_start
    as_root apt-get update -q >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}" >&2
  ) </dev/null || die "apt-get could not install: ${packages[*]}"
  disable_new_units ${new_units[@]+"${new_units[@]}"}
}

# --- macOS ----------------------------------------------------------------------

install_with_brew() {
  local packages=() name
  for name in "${MISSING[@]}"; do
    case "$name" in
      postgresql | pgbench) packages+=("postgresql@17") ;;
      redis | redis-benchmark) packages+=("redis") ;;
      cc) die "the C compiler is missing: run 'xcode-select --install' and try again" ;;
      *) packages+=("$name") ;;
    esac
  done
  say "installing with brew: ${packages[*]}"
  brew install "${packages[@]}" >&2 </dev/null || die "brew could not install: ${packages[*]}"
}
