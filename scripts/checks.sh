# shellcheck shell=bash
# ./dev test: every check, in the order in which failures are cheapest to learn of.

# check TITLE COMMAND…: the first failure ends the run.
check() {
  local title="$1" began=$SECONDS status=0
  shift
  say ""
  say "== $title"
  # In a subshell with -e of its own: a function called in a condition would run on after a failure.
  set +e
  (
    set -e
    "$@"
  )
  status=$?
  set -e
  if [[ $status -ne 0 ]]; then
    say "== failed: $title ($((SECONDS - began)) s)"
    exit 1
  fi
  say "== passed: $title ($((SECONDS - began)) s)"
}

# --- set-up ---------------------------------------------------------------------------

start_test_stores() {
  start_postgres
  fresh_database madang_check
  ensure_database madang_test
  start_redis redis
}

apply_migrations() {
  local file
  for file in migrations/*.sql; do
    [[ -f "$file" ]] || continue
    PGOPTIONS='-c client_min_messages=warning' "$PG_BIN/psql" "$(owner_url madang_check)" -qX -v ON_ERROR_STOP=1 \
      --single-transaction -f "$file" >/dev/null </dev/null || die "$file cannot be applied"
  done
}

# --- checks -----------------------------------------------------------------------------

# Writes sqlx's query metadata into $1 while linting with the arguments that follow. sqlx's macros only
# run where cargo compiles, and cargo does not know that the database matters: a cfg that is new each
# time makes it compile the workspace again, and no file has to be touched for it.
lint_and_describe_queries() {
  local into="$1"
  shift
  rm -rf "$into"
  mkdir -p "$into"
  SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$into" DATABASE_URL="$(owner_url madang_check)" \
    cargo clippy --workspace --all-targets --locked -- "$@" --cfg "described_at=\"$(date +%s)-$$\""
}

check_lints() { lint_and_describe_queries "$STATE/sqlx-fresh" -D warnings; }

check_query_metadata() {
  local committed=.sqlx
  if [[ ! -d "$committed" ]]; then
    committed="$STATE/no-sqlx"
    mkdir -p "$committed"
  fi
  if ! diff -r "$committed" "$STATE/sqlx-fresh" >&2; then
    die ".sqlx differs from what the code and the migrations say: ./dev sqlx refreshes it"
  fi
}

# Without cargo-deny the test file supply_chain.rs checks licences, bans and sources by deny.toml.
check_dependencies() {
  if ! cargo deny --version >/dev/null 2>&1; then
    say "cargo-deny is not installed: tests/tests/supply_chain.rs stands in for licences, bans and sources;"
    say "advisories are not looked up"
    return
  fi
  cargo deny check licenses bans sources
  if cargo deny fetch db; then
    cargo deny check --disable-fetch advisories
  else
    say "the advisory database cannot be reached: advisories are not looked up"
  fi
}

build_for_tests() { SQLX_OFFLINE=true cargo build --workspace --all-targets --locked; }

run_tests() {
  local data
  if data="$(cd "$ROOT/../shared/data" 2>/dev/null && pwd -P)"; then
    export MADANG_DATA="$data"
  else
    say "there is no ../shared/data: tests on real input are left out"
  fi
  SQLX_OFFLINE=true DATABASE_URL="$(owner_url madang_test)" REDIS_URL="$(own_redis_url redis)" \
    MADANG_BIN="$TARGET/debug/madang" cargo test --workspace --locked --no-fail-fast "$@"
}

# A filter that matches nothing would pass too, and say that something was tested.
run_chosen_tests() {
  run_tests "$@" | tee "$STATE/chosen-tests.log"
  grep -q '^test result: .* [1-9][0-9]* passed' "$STATE/chosen-tests.log" || die "no test matches: $*"
}

check_docs() { SQLX_OFFLINE=true RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked; }

# --- commands -----------------------------------------------------------------------------

prepare_checks() {
  # What the caller's shell has for a running service must not reach the tests.
  unset DATABASE_URL MIGRATE_DATABASE_URL REDIS_URL MADANG_URL MADANG_SERVICE_TOKEN SIGNING_KEY
  ensure_tools
  load_secret
  with_lock start_test_stores
}

cmd_test() {
  SECONDS=0
  prepare_checks
  if [[ $# -gt 0 ]]; then
    say "only the tests that match: $*"
    check "build" build_for_tests
    check "tests" run_chosen_tests "$@"
    echo "the chosen tests passed, in $SECONDS s; the other checks were left out"
    return
  fi
  check "formatting" cargo fmt --all --check
  check "migrations" apply_migrations
  check "lints" check_lints
  check "query metadata (.sqlx)" check_query_metadata
  check "dependencies" check_dependencies
  check "build" build_for_tests
  check "tests" run_tests
  check "documentation" check_docs
  echo "all is well: every check passed, in $SECONDS s"
}

cmd_sqlx() {
  [[ $# -eq 0 ]] || usage_error "sqlx takes no arguments"
  prepare_checks
  apply_migrations
  lint_and_describe_queries "$STATE/sqlx-fresh"
  rm -rf .sqlx
  mv "$STATE/sqlx-fresh" .sqlx
  say ".sqlx now holds $(find .sqlx -name 'query-*.json' | wc -l | tr -d ' ') queries"
}
