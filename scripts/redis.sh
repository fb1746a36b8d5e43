# shellcheck shell=bash
# This checkout's private Redis servers: "redis" for everything, "bench" for measurements, so that
# emptying it hurts no demo. They keep nothing on disk: what Redis holds must be rebuildable.

own_redis_url() { echo "redis://:$PASSWORD@127.0.0.1:$(remembered_port "$1")/0"; }

# The password goes through the environment, where other users do not see it.
own_redis_cli() {
  local name="$1"
  shift
  REDISCLI_AUTH="$PASSWORD" redis-cli -h 127.0.0.1 -p "$(remembered_port "$name")" "$@" 2>/dev/null </dev/null
}

# Redis titles its process "redis-server 127.0.0.1:PORT".
redis_title() { echo "redis-server 127.0.0.1:$(remembered_port "$1")"; }

redis_pid() { cat "$STATE/$1/pid" 2>/dev/null || true; }

# Our process is looked for first: redis-cli knows no time-out, and a stranger on the port may keep silent.
redis_answers() {
  process_is "$(redis_pid "$1")" "$(redis_title "$1")" && [[ "$(own_redis_cli "$1" ping)" == PONG ]]
}

write_redis_conf() {
  (
    umask 077
    cat >"$STATE/$1/redis.conf" <<CONF
bind 127.0.0.1
port $(remembered_port "$1")
requirepass $PASSWORD
daemonize yes
dir "$STATE/$1"
pidfile "$STATE/$1/pid"
logfile "$STATE/$1/log"
save ""
appendonly no
maxmemory-policy noeviction
CONF
  )
}

start_redis() {
  local name="$1"
  ! redis_answers "$name" || return 0
  stop_redis "$name"
  mkdir -p "$STATE/$name"
  claim_port "$name"
  write_redis_conf "$name"
  say "starting Redis on 127.0.0.1:$(remembered_port "$name")"
  redis-server "$STATE/$name/redis.conf" >/dev/null 2>&1 </dev/null || redis_failed "$name"
  wait_until 10 redis_answers "$name" || redis_failed "$name"
}

redis_failed() {
  tail -n 10 "$STATE/$1/log" >&2 || true
  die "Redis did not start; its log in $STATE/$1 ends as above"
}

stop_redis() { stop_process "$(redis_pid "$1")" "$(redis_title "$1")" 10; }
