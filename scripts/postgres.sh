# shellcheck shell=bash
# This checkout's private PostgreSQL: where it lives, starting, stopping, roles and databases.
#
#   PG_HOME/data     the cluster; appears only complete (made as data.partial, then renamed)
#   PG_HOME/log      what the server says
#
# PG_HOME is .dev/pg. For root it belongs to another user, since PostgreSQL refuses to run as root;
# where that user cannot reach .dev (a checkout in /root), it is a folder under /var/tmp.

PG_OS_USER=postgres

own_postgres_url() { echo "postgres://$1:$PASSWORD@127.0.0.1:$(remembered_port pg)/$2"; }
owner_url() { own_postgres_url madang_owner "$1"; }
app_url() { own_postgres_url madang_app "$1"; }

# --- the operating system's side ------------------------------------------------

# From /, because the other user may not be allowed into the current directory.
as_postgres_user() {
  if [[ $EUID -eq 0 ]]; then
    (cd / && runuser -u "$PG_OS_USER" -- "$@")
  else
    "$@"
  fi
}

ensure_postgres_user() {
  [[ $EUID -eq 0 ]] || return 0
  has runuser || die "PostgreSQL does not run as root and runuser is not here: run ./dev as another user"
  if ! id "$PG_OS_USER" >/dev/null 2>&1; then
    say "creating the system user $PG_OS_USER"
    useradd --system --no-create-home --shell /usr/sbin/nologin "$PG_OS_USER"
  fi
}

owner_of() { stat -c %U "$1" 2>/dev/null || stat -f %Su "$1"; }

fallback_pg_home() { echo "/var/tmp/madang-$(printf %s "$ROOT" | cksum | cut -d ' ' -f 1)"; }

# Anyone may write to /var/tmp, so a folder there that belongs to someone else is not trusted. One that
# is ours while .dev knows nothing of it was left by an earlier checkout at this path.
make_fallback_home() {
  local home="$1"
  if [[ -e "$home" || -L "$home" ]]; then
    if [[ -L "$home" || "$(owner_of "$home")" != "$PG_OS_USER" ]]; then
      die "$home exists and does not belong to $PG_OS_USER"
    fi
    say "removing $home, left by an earlier checkout at this path"
    PG_HOME="$home"
    stop_postgres
    rm -rf "$home"
  fi
  as_postgres_user mkdir -m 700 "$home"
}

# Sets PG_HOME if this checkout has one already.
known_pg_home() {
  PG_HOME="$(cat "$STATE/pg-home" 2>/dev/null || true)"
  [[ -n "$PG_HOME" && -d "$PG_HOME" ]]
}

prepare_pg_home() {
  ! known_pg_home || return 0
  PG_HOME="$STATE/pg"
  mkdir -p "$PG_HOME"
  if [[ $EUID -eq 0 ]]; then
    chown "$PG_OS_USER" "$PG_HOME"
    if ! as_postgres_user test -w "$PG_HOME" -a -x "$PG_HOME"; then
      rmdir "$PG_HOME"
      PG_HOME="$(fallback_pg_home)"
      say "$PG_OS_USER cannot enter $STATE: PostgreSQL's data goes to $PG_HOME"
      make_fallback_home "$PG_HOME"
    fi
  fi
  as_postgres_user chmod 700 "$PG_HOME"
  echo "$PG_HOME" >"$STATE/pg-home"
}

# --- the cluster ------------------------------------------------------------------

# Byte order for sorting; a UTF-8 character type, without which Hangul has no trigrams.
utf8_locale() {
  local name
  for name in C.UTF-8 C.utf8 en_US.UTF-8 en_US.utf8; do
    if locale -a 2>/dev/null | grep -qx "$name"; then
      echo "$name"
      return
    fi
  done
  echo C
}

init_cluster() {
  local partial="$PG_HOME/data.partial"
  [[ ! -d "$PG_HOME/data" ]] || return 0
  say "creating PostgreSQL's data in $PG_HOME"
  rm -rf "$partial"
  # The other user cannot open our files, but can read what it inherits.
  # shellcheck disable=SC2016 # expanded by the inner shell
  as_postgres_user sh -c 'umask 077; cat >"$1"' sh "$PG_HOME/password" <<<"$PASSWORD"
  LC_ALL=C as_postgres_user "$PG_BIN/initdb" -D "$partial" -U postgres --auth=scram-sha-256 \
    --pwfile="$PG_HOME/password" --encoding=UTF8 --lc-collate=C --lc-ctype="$(utf8_locale)" \
    >/dev/null </dev/null || die "initdb failed"
  rm -f "$PG_HOME/password"
  mv "$partial" "$PG_HOME/data"
}

# The first line of postmaster.pid is the pid, the fourth the port.
postmaster_line() { sed -n "${1}p" "$PG_HOME/data/postmaster.pid" 2>/dev/null || true; }

postmaster_runs() { process_is "$(postmaster_line 1)" "-D $PG_HOME/data"; }

super_psql() {
  PGPASSWORD="$PASSWORD" PGCONNECT_TIMEOUT=5 "$PG_BIN/psql" -h 127.0.0.1 -p "$(remembered_port pg)" -U postgres -qAtX \
    -v ON_ERROR_STOP=1 "$@"
}

postgres_answers() { [[ "$(super_psql -d postgres -c 'SELECT 1' 2>/dev/null </dev/null)" == 1 ]]; }

# Settings stand here and not in a file, so that an existing cluster gets a changed one too. No unix
# socket: its path may be at most 107 bytes long, and a checkout can lie deeper than that.
launch_postgres() {
  local options="-c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
  options+=" -p $(remembered_port pg) -c max_connections=200 -c shared_buffers=256MB -c max_wal_size=2GB"
  LC_ALL=C as_postgres_user "$PG_BIN/pg_ctl" start -s -w -t 60 -D "$PG_HOME/data" -l "$PG_HOME/log" -o "$options" \
    >/dev/null 2>&1 </dev/null
}

start_postgres() {
  local major attempt
  ensure_postgres_user
  prepare_pg_home
  major="$(cat "$PG_HOME/data/PG_VERSION" 2>/dev/null || echo any)"
  find_postgres "$major" || die "the data in $PG_HOME was made by PostgreSQL $major, which is not here: install it, or ./dev down --erase"
  init_cluster
  if postmaster_runs; then
    [[ "$(postmaster_line 4)" == "$(remembered_port pg)" ]] || remember_port pg "$(postmaster_line 4)"
  else
    claim_port pg
    say "starting PostgreSQL on 127.0.0.1:$(remembered_port pg)"
    # After a crash its children may hold the shared memory for a moment longer.
    for attempt in 1 2 3 4 5; do
      ! launch_postgres || break
      postmaster_runs || [[ $attempt -lt 5 ]] || postgres_failed
      sleep 1
    done
  fi
  wait_until 60 postgres_answers || postgres_failed
  ensure_roles
}

postgres_failed() {
  tail -n 15 "$PG_HOME/log" >&2 || true
  die "PostgreSQL in $PG_HOME does not answer with this checkout's password; its log ends as above"
}

stop_postgres() {
  local pid
  pid="$(postmaster_line 1)"
  postmaster_runs || return 0
  say "stopping PostgreSQL"
  kill -INT "$pid" # "fast": ends sessions, then a clean shutdown
  wait_until 30 process_is_gone "$pid" "-D $PG_HOME/data" || stop_process "$pid" "-D $PG_HOME/data" 5
}

# --- roles and databases ------------------------------------------------------------

# madang_owner owns the schema; madang_app is what the service runs as and owns nothing.
ensure_roles() {
  super_psql -d postgres -v password="$PASSWORD" >/dev/null <<'SQL'
SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['madang_owner', 'madang_app']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE madang_owner LOGIN CREATEDB PASSWORD :'password';
ALTER ROLE madang_app LOGIN PASSWORD :'password';
SQL
}

ensure_database() {
  super_psql -d postgres -v name="$1" >/dev/null <<'SQL'
SELECT format('CREATE DATABASE %I OWNER madang_owner', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SQL
  super_psql -d "$1" -c 'ALTER SCHEMA public OWNER TO madang_owner' >/dev/null </dev/null
}

fresh_database() {
  super_psql -d postgres -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" >/dev/null 2>&1 </dev/null
  ensure_database "$1"
}
