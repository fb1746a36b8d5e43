# shellcheck shell=bash
# What every part of ./dev uses: messages, secrets, ports, processes, the lock.
# Messages go to stderr, so that stdout stays what a script asked for (./dev env, ./dev madang).

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

usage_error() {
  say "error: $*"
  say "./dev help lists the commands and their options"
  exit 2
}

# --- secrets ------------------------------------------------------------------

random_hex() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }

# Sets PASSWORD (PostgreSQL roles and Redis) and OWN_SIGNING_KEY, made once per checkout.
load_secret() {
  mkdir -p "$STATE"
  if [[ ! -s "$STATE/secret" ]]; then
    (
      umask 077
      printf 'password=%s\nsigning_key=%s\n' "$(random_hex 16)" "$(random_hex 32)" >"$STATE/secret.new"
    )
    mv "$STATE/secret.new" "$STATE/secret"
  fi
  # shellcheck disable=SC2034 # read by the other parts
  PASSWORD="$(sed -n 's/^password=//p' "$STATE/secret")"
  # shellcheck disable=SC2034
  OWN_SIGNING_KEY="$(sed -n 's/^signing_key=//p' "$STATE/secret")"
}

# --- ports --------------------------------------------------------------------

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

remembered_port() { sed -n "s/^$1=//p" "$STATE/ports" 2>/dev/null || true; }

remember_port() {
  { grep -v "^$1=" "$STATE/ports" 2>/dev/null || true; } >"$STATE/ports.new"
  echo "$1=$2" >>"$STATE/ports.new"
  mv "$STATE/ports.new" "$STATE/ports"
}

# Below the ephemeral range, so that no outgoing connection takes a remembered port meanwhile.
choose_port() {
  local port
  while :; do
    port=$((15000 + RANDOM % 16000))
    if ! grep -q "=$port\$" "$STATE/ports" 2>/dev/null && ! port_answers "$port"; then
      remember_port "$1" "$port"
      return
    fi
  done
}

# To be called while our own service is down: whoever answers on the remembered port is a stranger.
claim_port() {
  local port
  port="$(remembered_port "$1")"
  if [[ -z "$port" ]]; then
    choose_port "$1"
  elif port_answers "$port"; then
    say "port $port is taken by something else, choosing another for $1"
    choose_port "$1"
  fi
}

# --- processes ----------------------------------------------------------------

process_args() {
  if [[ -d /proc/self ]]; then
    { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null || true
  else
    ps -ww -o args= -p "$1" 2>/dev/null || true
  fi
}

# A pid alone proves nothing: after a crash it may belong to anyone.
process_is() {
  local pid="$1" text="$2"
  [[ "$pid" =~ ^[0-9]+$ ]] && [[ "$(process_args "$pid")" == *"$text"* ]]
}

# wait_until SECONDS COMMAND…
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [[ $SECONDS -lt $deadline ]] || return 1
    sleep 0.2
  done
}

process_is_gone() { ! process_is "$1" "$2"; }

# stop_process PID TEXT SECONDS: asks, waits, and only then insists.
stop_process() {
  process_is "$1" "$2" || return 0
  kill -TERM "$1" 2>/dev/null || true
  if ! wait_until "$3" process_is_gone "$1" "$2"; then
    say "process $1 did not stop within $3 s, killing it"
    kill -KILL "$1" 2>/dev/null || true
    wait_until 5 process_is_gone "$1" "$2" || die "process $1 cannot be stopped"
  fi
}

# As many open files as this user may have: each connection is one.
raise_open_files() { ulimit -Sn "$(ulimit -Hn)" 2>/dev/null || true; }

# --- one ./dev at a time may start or stop services of a checkout ------------------------------

LOCK_HELD=""

# A symlink is made or refused in one step and carries the holder's pid as its target.
try_lock() {
  local holder
  if ln -s "$$" "$STATE/lock" 2>/dev/null; then
    LOCK_HELD=yes
    return 0
  fi
  holder="$(readlink "$STATE/lock" || true)"
  if [[ -n "$holder" ]] && ! process_is "$holder" "dev"; then
    rm -f "$STATE/lock"
  fi
  return 1
}

unlock() {
  [[ -z "$LOCK_HELD" ]] || rm -f "$STATE/lock"
  LOCK_HELD=""
}

# with_lock COMMAND…
with_lock() {
  mkdir -p "$STATE"
  if ! try_lock; then
    wait_until 2 try_lock || say "waiting for another ./dev that starts or stops services"
    [[ -n "$LOCK_HELD" ]] || wait_until 600 try_lock || die "$STATE/lock is still held; remove it if no other ./dev runs"
  fi
  "$@"
  unlock
}

trap unlock EXIT
