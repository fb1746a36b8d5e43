# shellcheck shell=bash
# Building, loading and serving: demo, up, env, madang, down.

DEMO_PASSWORD=madang-demo-2026
MADANG="$TARGET/release/madang"
LOADTEST="$TARGET/release/loadtest"

# --- building and loading ------------------------------------------------------------

build_release() {
  say "building (release)"
  cargo build --release --locked -p madang-api -p madang-loadtest
}

create_login() { "$MADANG" admin create-user "$1" --role "$2" --password "$DEMO_PASSWORD" --if-missing >&2; }

create_demo_logins() {
  say "demo logins: investor, creator, moderator, senior, legal, admin"
  if is_foreign "$DATABASE_URL"; then say "  (in the database that DATABASE_URL names, with a password everybody knows)"; fi
  create_login investor investor
  create_login creator investor
  create_login moderator moderator
  create_login senior senior
  create_login legal legal
  create_login admin admin
  create_login service service
}

# Renamed when complete, so that an interrupted generation is never taken for data.
generate_demo_data() {
  [[ ! -d "$STATE/demo-data" ]] || return 0
  say "generating the demo community: 2,000 people, 20,000 posts"
  rm -rf "$STATE/demo-data.partial"
  "$LOADTEST" generate --out "$STATE/demo-data.partial" --people 2000 --posts 20000 --seed 42 >&2
  mv "$STATE/demo-data.partial" "$STATE/demo-data"
}

# A second import would change nothing, but it would take its time.
import_demo_data() {
  local id
  id="$(database_id)"
  if [[ "$(cat "$STATE/demo-imported" 2>/dev/null || true)" == "$id" ]]; then return 0; fi
  say "importing the demo community"
  "$MADANG" import "$STATE/demo-data" --rejects "$STATE/demo-data.rejects.csv" >&2
  echo "$id" >"$STATE/demo-imported"
}

# The field of a JSON answer.
json_field() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }

# login HANDLE: prints a token.
demo_token() {
  curl -fsS --max-time 10 "$PUBLIC_URL/v1/auth/login" -H 'content-type: application/json' \
    -d "{\"handle\":\"$1\",\"password\":\"$DEMO_PASSWORD\"}" | json_field token
}

# as TOKEN METHOD PATH [JSON]: one call of the API; what is so already is no failure.
as() {
  local token="$1" method="$2" path="$3" body="${4:-}"
  curl -sS -o /dev/null --max-time 10 -X "$method" "$PUBLIC_URL$path" -H "authorization: Bearer $token" \
    ${body:+-H 'content-type: application/json' -d "$body"}
}

# demo_favourites FIRST,LAST: handles of those with the most followers, as they stand in an address.
demo_favourites() {
  local handle
  gzip -dc "$STATE/demo-data/authors.csv.gz" | tail -n +2 | sort -t, -k2,2nr | cut -d, -f7 | sed -n "$1p" |
    while read -r handle; do printf %s "$handle" | od -An -v -tx1 | tr -d '\n' | tr ' ' %; echo; done
}

# The demo logins come to a home that has something in it: they follow people and watch tickers as anybody
# would, through the API.
settle_demo_logins() {
  local id investor creator handle ticker
  id="$(database_id)"
  [[ "$(cat "$STATE/demo-settled" 2>/dev/null || true)" != "$id" ]] || return 0
  say "the demo logins follow people and watch tickers"
  investor="$(demo_token investor)" && creator="$(demo_token creator)" || die "the demo logins do not work"
  for handle in $(demo_favourites 1,25); do as "$investor" PUT "/v1/users/$handle/follow"; done
  for handle in $(demo_favourites 20,40); do as "$creator" PUT "/v1/users/$handle/follow"; done
  as "$investor" PUT /v1/users/creator/follow
  as "$creator" PUT /v1/users/investor/follow
  for ticker in XKRX:005930 XKRX:000660 XNAS:AAPL XNAS:NVDA; do as "$investor" PUT "/v1/tickers/$ticker/watch"; done
  as "$creator" POST /v1/posts '{"body":"반도체 업황이 바닥을 지났다고 본다. 재고가 두 분기째 줄었다 $삼성전자 $SK하이닉스","stance":"bull"}'
  as "$creator" POST /v1/posts '{"body":"Margins held up better than I feared, but the guidance is soft $AAPL","stance":"none"}'
  fill_moderation_queue "$creator"
  fill_creators "$creator"
  echo "$id" >"$STATE/demo-settled"
}

# Handles of demo people with posts of their own, so that they stand as others do.
demo_people() { gzip -dc "$STATE/demo-data/authors.csv.gz" | tail -n +2 | cut -d, -f7 | sed -n "$1p"; }

# view_token TOKEN POST: what a reader needs to report a post.
view_token() {
  curl -fsS -o /dev/null -D - --max-time 10 "$PUBLIC_URL/v1/posts/$2" -H "authorization: Bearer $1" |
    tr -d '\r' | sed -n 's/^x-view-token: //p'
}

# What moderators find: twelve accounts of one network against the creator's post, which it survives; an
# invitation to a leading room that was held; and its author's appeal.
fill_moderation_queue() {
  local creator="$1" post token tokens=() seen=() statement i handle
  say "moderators find a brigade, a held invitation, an appeal, copies and a ban"
  post="$(curl -fsS --max-time 10 "$PUBLIC_URL/v1/users/creator/posts?limit=1" -H "authorization: Bearer $creator" |
    sed 's/.*"items":\[{"id":"\([0-9]*\)".*/\1/')"
  while read -r handle; do
    token="$("$MADANG" admin issue-token "$handle" --days 1)"
    tokens+=("$token")
    seen+=("$(view_token "$token" "$post")")
  done < <(demo_people 101,112)
  sleep 2.1 # a report counts from one who had the post before their eyes for two seconds
  for i in "${!tokens[@]}"; do
    as "${tokens[$i]}" POST "/v1/posts/$post/reports" "{\"category\":\"abuse\",\"note\":\"기분 나쁜 글\",\"view_token\":\"${seen[$i]}\"}"
  done
  token="$("$MADANG" admin issue-token "$(demo_people 150)" --days 1)"
  as "$token" POST /v1/posts '{"body":"수익률 300% 보장 무료 체험방, 선착순 입장 open.kakao.com/o/demo12Cd $삼성전자"}'
  statement="$(curl -fsS --max-time 10 "$PUBLIC_URL/v1/me/statements?limit=1" -H "authorization: Bearer $token" |
    grep -o '"id":"[0-9]*"' | head -n 1 | json_field id)"
  as "$token" POST /v1/appeals "{\"decision_id\":\"$statement\",\"body\":\"광고가 아니라 예시를 든 글입니다. 다시 봐 주세요.\"}"
  fill_moderation_desk
}

# posted TOKEN JSON: writes a post and prints its id.
posted() {
  curl -fsS --max-time 10 "$PUBLIC_URL/v1/posts" -H "authorization: Bearer $1" -H 'content-type: application/json' -d "$2" |
    sed 's/^{"id":"\([0-9]*\)".*/\1/'
}

# An advert on three boards by three accounts; an account that was banned for a leading room after the investor
# had seen its post, which another copied; a rights claim.
fill_moderation_desk() {
  local senior legal investor advert seen handle token symbol
  advert='가입만 해도 커피 쿠폰을 드리는 이벤트입니다 자세한 내용은 제 소개 글을 읽어 주시고 친구에게도 알려 주세요'
  senior="$(demo_token senior)" && legal="$(demo_token legal)" && investor="$(demo_token investor)" || die "the demo logins do not work"
  for symbol in 삼성전자 SK하이닉스 AAPL; do
    handle="$(demo_people $((160 + ${#symbol})))"
    token="$("$MADANG" admin issue-token "$handle" --days 1)"
    seen="$(posted "$token" "{\"body\":\"$advert \$$symbol\"}")"
  done
  as "$senior" POST /v1/moderation/cases "{\"post_id\":\"$seen\",\"reason\":\"spam\"}"
  advert='매일 아침 여덟 시에 오늘 오를 종목을 정리해 드립니다 궁금하시면 제 글을 차례로 읽어 보시고 기다려 주세요'
  token="$("$MADANG" admin issue-token "$(demo_people 170)" --days 1)"
  seen="$(posted "$token" "{\"body\":\"$advert\"}")"
  as "$investor" GET "/v1/posts/$seen"
  token="$("$MADANG" admin issue-token "$(demo_people 171)" --days 1)"
  posted "$token" "{\"body\":\"$advert!!\"}" >/dev/null
  seen="$(posted "$token" '{"body":"그 회사 대표는 회계 장부를 두 벌 쓴다고 들었다"}')"
  as "$legal" POST /v1/moderation/legal-requests "{\"post_id\":\"$seen\",\"claimant\":\"주식회사 보기\",\"ground\":\"defamation\",\"proof\":\"감사보고서 사본\"}"
  sleep 2.5 # views and fingerprints are written each second
  handle="$(demo_people 170)"
  as "$senior" POST "/v1/moderation/users/$(printf %s "$handle" | od -An -v -tx1 | tr -d '\n' | tr ' ' %)/sanctions" \
    '{"kind":"ban","reason":"leading_room","terms_clause":"제5조"}'
}

# closes SYMBOL N: day and close of the N-th newest market day.
closes() {
  curl -fsS --max-time 10 "$PUBLIC_URL/v1/tickers/$1/prices?limit=100" |
    grep -o '"close":"[^"]*","day":"[^"]*"' | sed -E 's/"close":"([^"]*)","day":"([^"]*)"/\2 \1/' | sed -n "$2p"
}

# trade ID USER KIND SYMBOL N QUANTITY: a row of the ledger, at the close of the N-th newest market day.
trade() {
  local day close
  read -r day close < <(closes "$4" "$5")
  printf '{"trade_id":"%s","user":"%s","kind":"%s","symbol":"%s","quantity":"%s","price":"%s","executed_at":"%sT15:20:00+09:00"}' \
    "$1" "$2" "$3" "$4" "$6" "$close" "$day"
}

# The people of a shape, as the generator made them.
demo_shape() { awk -F, -v shape="$1" '$3 == shape { print $2 }' "$STATE/demo-data/shapes.csv"; }

card_id() { sed 's/.*"id":"\([0-9]*\)".*/\1/'; }

# What the broker reports of the demo logins, what they agree to show, and cards: the creator's quarter; the one
# winner of somebody who lost twenty times; a boast without a card; and an ambassador.
fill_creators() {
  local creator="$1" service day picker winner card
  say "the broker reports trades; cards, a boast without one, an ambassador"
  service="$("$MADANG" admin issue-token service)"
  read -r day _ < <(closes XKRX:005930 90)
  as "$service" POST /v1/ledger/trades "{\"trades\":[
    {\"trade_id\":\"demo-1\",\"user\":\"creator\",\"kind\":\"deposit\",\"amount\":\"60000000\",\"currency\":\"KRW\",\"executed_at\":\"${day}T09:00:00+09:00\"},
    {\"trade_id\":\"demo-2\",\"user\":\"investor\",\"kind\":\"deposit\",\"amount\":\"20000000\",\"currency\":\"KRW\",\"executed_at\":\"${day}T09:00:00+09:00\"},
    $(trade demo-3 creator buy XKRX:005930 89 200),$(trade demo-4 creator buy XKRX:000660 80 60),
    $(trade demo-5 creator sell XKRX:000660 40 60),$(trade demo-6 creator buy XKRX:035420 38 50),
    $(trade demo-7 creator sell XKRX:035420 20 50),$(trade demo-8 creator buy XKRX:000660 18 50),
    $(trade demo-9 investor buy XKRX:005930 70 100),$(trade demo-10 investor buy XKRX:000660 50 10)]}"
  as "$creator" PUT /v1/me/disclosure '{"consent_version":1,"holdings":true,"trade_delay":1}'
  card="$(curl -sS --max-time 10 "$PUBLIC_URL/v1/me/cards" -H "authorization: Bearer $creator" -H 'content-type: application/json' \
    -d '{"kind":"window","window":"3M"}' | card_id)"
  as "$creator" POST /v1/posts "{\"body\":\"최근 석 달 수익률을 인증합니다. 아래 카드는 원장으로 계산된 것입니다.\",\"card_id\":\"$card\"}"
  demo_shape cherry_picker | while read -r picker; do
    picker="$("$MADANG" admin issue-token "$picker" --days 1)"
    # The best of all positions; those who show one share only cannot put others on a card.
    winner="$(curl -fsS --max-time 10 "$PUBLIC_URL/v1/me/positions?limit=100" -H "authorization: Bearer $picker" |
      grep -o '"opened":"[^"]*","rate":[0-9.]*,"ticker":"[^"]*"' |
      sed -E 's/"opened":"([^"]*)","rate":([0-9.]*),"ticker":"([^"]*)"/\2 \1 \3/' | sort -rg | head -n 1 || true)"
    [[ -n "$winner" ]] || continue
    read -r _ day winner <<<"$winner"
    as "$picker" PUT /v1/me/disclosure '{"consent_version":1,"holdings":true}'
    card="$(curl -sS --max-time 10 "$PUBLIC_URL/v1/me/cards" -H "authorization: Bearer $picker" -H 'content-type: application/json' \
      -d "{\"kind\":\"position\",\"ticker\":\"$winner\",\"opened\":\"$day\"}" | card_id)"
    as "$picker" POST /v1/posts "{\"body\":\"이번 매매 수익 인증합니다!\",\"card_id\":\"$card\"}"
  done
  as "$("$MADANG" admin issue-token "$(demo_people 120)" --days 1)" POST /v1/posts '{"body":"이번 달 수익률 250% 찍었습니다. 따라오세요 $삼성전자"}'
  name_an_ambassador
}

# The first of those with the most followers who may be one.
name_an_ambassador() {
  local handle token admin id
  admin="$(demo_token admin)" || die "the demo logins do not work"
  while read -r handle; do
    token="$("$MADANG" admin issue-token "$handle" --days 1)"
    id="$(curl -sS --max-time 10 "$PUBLIC_URL/v1/me/ambassador" -H "authorization: Bearer $token" -H 'content-type: application/json' \
      -d '{"motivation":"초보 투자자에게 공시 읽는 법을 알려 주고 싶습니다","conflict_declaration":"삼성전자를 보유하고 있으며 회사와의 이해관계는 없습니다"}' |
      grep -o '^{"id":"[0-9]*"' | card_id || true)"
    [[ -n "$id" ]] || continue
    as "$admin" POST "/v1/ambassadors/applications/$id/decision" '{"approve":true,"tier":"bronze","reason":"꾸준하고 성실한 글"}'
    return 0
  done < <(gzip -dc "$STATE/demo-data/authors.csv.gz" | tail -n +2 | sort -t, -k2,2nr | cut -d, -f7 | sed -n 1,40p)
}

# --- the server -------------------------------------------------------------------------

stop_server() {
  local pid
  pid="$(sed -n 1p "$STATE/serve.pid" 2>/dev/null || true)"
  if process_is "$pid" "$(sed -n 2p "$STATE/serve.pid" 2>/dev/null)"; then
    say "stopping the server (pid $pid)"
    stop_process "$pid" "madang serve" 40
  fi
  rm -f "$STATE/serve.pid"
}

server_is_ready() {
  curl -fsS -o /dev/null --max-time 2 "$PUBLIC_URL/readyz" 2>/dev/null || ! kill -0 "$SERVER_PID" 2>/dev/null
}

# Starts the server in a process group of its own: Ctrl-C reaches this script alone, which then asks the
# server once to stop. A second signal would cut its work in hand short.
launch_server() {
  local log="$1"
  raise_open_files
  set -m
  if [[ -n "$log" ]]; then
    nohup "$MADANG" serve --with-worker >"$log" 2>&1 </dev/null &
  else
    "$MADANG" serve --with-worker </dev/null &
  fi
  SERVER_PID=$!
  set +m
  printf '%s\n%s\n' "$SERVER_PID" "$MADANG serve" >"$STATE/serve.pid"
}

# The build and the options asked for now are those that serve, so a running server makes way.
replace_server() {
  stop_server
  claim_port http
  export_settings
  say "starting the server at $PUBLIC_URL"
  launch_server "$1"
}

search_answers() { curl -fsS -o /dev/null --max-time 5 "$PUBLIC_URL/v1/search?type=posts&q=a" 2>/dev/null; }

# The index is built in the background; a demo in which nothing is found yet would be a poor one.
await_search() {
  search_answers || say "waiting for the index of search"
  wait_until 120 search_answers || say "search is not ready yet; ./dev madang search status says how far it is"
}

# Meaningful even when the server died at once: then it is "ready" to be reported.
await_server() {
  local log="$1"
  if wait_until 60 server_is_ready && kill -0 "$SERVER_PID" 2>/dev/null; then return 0; fi
  if [[ -n "$log" ]]; then tail -n 30 "$log" >&2; fi
  with_lock stop_server
  die "the server did not become ready at $PUBLIC_URL/readyz"
}

# serve detach|front demo|logins|empty
serve() {
  local mode="$1" content="$2" log=""
  [[ "$mode" == front ]] || log="$STATE/serve.log"
  with_lock replace_server "$log"
  [[ -n "$log" ]] || trap 'kill -TERM "$SERVER_PID" 2>/dev/null || true' INT TERM HUP
  await_server "$log"
  if [[ "$content" == demo ]]; then settle_demo_logins; await_search; fi
  print_welcome "$content"
  if [[ -n "$log" ]]; then
    say "it runs behind, its log is $log; ./dev down stops it"
  else
    say "Ctrl-C stops the server; PostgreSQL and Redis stay for the next start, ./dev down stops them"
    await_end
  fi
}

# `wait` returns early when a trapped signal arrives; the server's own end is what counts.
await_end() {
  local status=0
  while kill -0 "$SERVER_PID" 2>/dev/null; do
    status=0
    wait "$SERVER_PID" || status=$?
  done
  # Unless another ./dev has put its own server in our place.
  [[ "$(sed -n 1p "$STATE/serve.pid" 2>/dev/null)" != "$SERVER_PID" ]] || rm -f "$STATE/serve.pid"
  say "the server has stopped"
  # 143: ended by the TERM that Ctrl-C became, before it handled signals.
  [[ $status -ne 143 ]] || status=0
  exit "$status"
}

print_welcome() {
  cat <<TEXT

Madang is at $PUBLIC_URL   (the API's documentation: $PUBLIC_URL/docs)
TEXT
  [[ "$1" != empty ]] || return 0
  cat <<TEXT
logins: investor, creator, moderator, senior, legal, admin; password: $DEMO_PASSWORD

to try:
  TOKEN=\$(curl -s $PUBLIC_URL/v1/auth/login -H 'content-type: application/json' \\
    -d '{"handle":"investor","password":"$DEMO_PASSWORD"}' | sed 's/.*"token":"\([^"]*\)".*/\1/')
TEXT
  [[ "$1" == demo ]] || return 0
  cat <<TEXT
  curl -s "$PUBLIC_URL/v1/timeline?order=top" -H "authorization: Bearer \$TOKEN"
  curl -s "$PUBLIC_URL/v1/tickers/XKRX:005930/posts?order=top"
  curl -s "$PUBLIC_URL/v1/trending/tickers"
  curl -sG "$PUBLIC_URL/v1/search/suggest" --data-urlencode "q=ㅅㅅㅈㅈ"
  curl -sG "$PUBLIC_URL/v1/search" --data-urlencode "q=삼성전자 실적" -d type=posts
  curl -s "$PUBLIC_URL/v1/leaderboard?window=1Y"
  curl -s "$PUBLIC_URL/v1/tickers/XKRX:005930/creators"
  curl -s "$PUBLIC_URL/v1/users/creator/returns"
  curl -s "$PUBLIC_URL/v1/suggestions/creators" -H "authorization: Bearer \$TOKEN"
  # as moderator: the queue, worst first; as investor: what one is told
  curl -s "$PUBLIC_URL/v1/moderation/cases" -H "authorization: Bearer \$TOKEN"
  curl -s "$PUBLIC_URL/v1/notifications" -H "authorization: Bearer \$TOKEN"
  curl -s $PUBLIC_URL/v1/posts -H "authorization: Bearer \$TOKEN" -H "idempotency-key: \$RANDOM-\$RANDOM" \\
    -H 'content-type: application/json' -d '{"body":"실적이 기대보다 좋다 \$삼성전자","stance":"bull"}'
TEXT
}

# --- commands ------------------------------------------------------------------------------

prepare_service() {
  ensure_tools
  load_secret
  remember_stores
  prepare_stores
  build_release
  say "applying migrations"
  "$MADANG" migrate >&2
}

cmd_demo() {
  local mode=front
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --detach) mode=detach ;;
      *) usage_error "demo knows --detach, not '$1'" ;;
    esac
    shift
  done
  prepare_service
  create_demo_logins
  generate_demo_data
  import_demo_data
  serve "$mode" demo
}

cmd_up() {
  local mode=front content=logins
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --detach) mode=detach ;;
      --empty) content=empty ;;
      *) usage_error "up knows --detach and --empty, not '$1'" ;;
    esac
    shift
  done
  prepare_service
  [[ "$content" == empty ]] || create_demo_logins
  serve "$mode" "$content"
}

# For commands that use what is built: release, else debug.
use_built() {
  [[ -x "$MADANG" ]] || MADANG="$TARGET/debug/madang"
  [[ -x "$MADANG" ]] || die "madang is not built yet: ./dev up or ./dev demo builds it"
}

prepare_built() {
  ensure_tools
  use_built
  load_secret
  recall_stores
  prepare_stores
}

# Kept with the identity of its database: a new database knows no old token.
ensure_service_token() {
  local id token
  id="$(database_id)"
  if [[ "$(sed -n 2p "$STATE/service-token" 2>/dev/null || true)" == "$id" ]]; then return 0; fi
  create_login service service || die "no service account: has ./dev up or ./dev demo run yet?"
  token="$("$MADANG" admin issue-token service)" || die "the service token could not be made"
  (
    umask 077
    printf '%s\n%s\n' "$token" "$id" >"$STATE/service-token.new"
  )
  mv "$STATE/service-token.new" "$STATE/service-token"
}

cmd_env() {
  [[ $# -eq 0 ]] || usage_error "env takes no arguments"
  prepare_built
  with_lock ensure_service_token
  printf 'export MADANG_URL=%q\n' "$PUBLIC_URL"
  printf 'export DATABASE_URL=%q\n' "$DATABASE_URL"
  printf 'export MIGRATE_DATABASE_URL=%q\n' "$MIGRATE_DATABASE_URL"
  printf 'export REDIS_URL=%q\n' "$REDIS_URL"
  printf 'export MADANG_SERVICE_TOKEN=%q\n' "$(sed -n 1p "$STATE/service-token")"
}

cmd_madang() {
  prepare_built
  exec "$MADANG" "$@"
}

stop_everything() {
  stop_server
  stop_redis redis
  stop_redis bench
  if known_pg_home; then stop_postgres; fi
}

erase_data() {
  if known_pg_home && [[ "$PG_HOME" == "$(fallback_pg_home)" ]]; then rm -rf "$PG_HOME"; fi
  rm -rf "$STATE" # and with it the lock
}

cmd_down() {
  local erase=""
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --erase) erase=yes ;;
      *) usage_error "down knows --erase, not '$1'" ;;
    esac
    shift
  done
  [[ -d "$STATE" ]] || return 0
  with_lock stop_everything
  if [[ -n "$erase" ]]; then
    say "removing $STATE"
    with_lock erase_data
  fi
}
