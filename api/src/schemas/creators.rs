//! The schemas of creators: the ledger, disclosure, returns, boards and cards.

use serde_json::{Value, json};

use super::{list, object, page, reference};

/// All of them, by name.
pub(super) fn schemas() -> Value {
    let mut all = serde_json::Map::new();
    for part in [ledger(), disclosure(), returns(), boards(), cards(), calls()] {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    Value::Object(all)
}

const DECIMAL: &str =
    "A decimal as text (\"1234.5\") or as a number, taken digit by digit; at most 8 decimals, no exponent.";

fn ledger() -> Value {
    let (text, whole) = (json!({"type": "string"}), json!({"type": "integer"}));
    let time = json!({"type": "string", "format": "date-time"});
    let number = json!({"type": ["string", "number", "null"], "description": DECIMAL});
    let maybe = json!({"type": ["string", "null"]});
    let trade = json!({"type": "object", "additionalProperties": false,
        "required": ["trade_id", "kind", "executed_at"],
        "properties": {
            "trade_id": {"type": "string", "description": "Your own; sent again unchanged, nothing happens."},
            "user": {"type": ["string", "null"], "description": "Handle, or the id in an imported archive."},
            "subject": {"type": ["string", "null"], "description": "Or issuer and subject of your identity provider."},
            "kind": {"type": "string", "enum": ["buy", "sell", "dividend", "fee", "tax", "deposit", "withdrawal",
                "shares_in", "shares_out", "split", "cancellation"]},
            "symbol": maybe, "quantity": number, "price": number, "amount": number, "fee": number, "tax": number,
            "ratio": {"type": ["string", "null"], "description": "Of a split: new shares for old ones, \"5:1\"."},
            "currency": {"type": ["string", "null"], "description": "ISO 4217; of a trade, the ticker's."},
            "executed_at": time,
            "corrects": {"type": ["string", "null"],
                "description": "The trade id this row stands for from now on, or cancels."}}});
    let result = json!({"type": "object", "additionalProperties": false, "required": ["trade_id", "status"],
        "properties": {"trade_id": text, "status": {"type": "string", "enum": ["accepted", "duplicate", "refused"]},
            "code": text, "field": text, "reason": text}});
    let price = json!({"type": "object", "additionalProperties": false,
        "required": ["symbol", "day", "open", "high", "low", "close"],
        "properties": {"symbol": text, "day": {"type": "string", "format": "date"}, "open": text, "high": text,
            "low": text, "close": text, "adj_close": maybe, "volume": whole,
            "raw": {"type": "boolean", "default": false, "description": "Whether the close is as it was traded. Else it is \
                divided by all splits that have happened by now."}}});
    let rate =
        object(json!({"currency": text, "day": {"type": "string", "format": "date"}, "won": text}), &[]);
    json!({
        "Trade": trade,
        "TradeBatch": object(json!({"trades": list("Trade")}), &[]),
        "TradeResult": result,
        "TradeResults": object(json!({"accepted": whole, "duplicates": whole, "refused": whole,
            "results": list("TradeResult")}), &[]),
        "RefusedTrade": object(json!({"id": text, "trade_id": text, "code": text, "reason": text, "sent": {},
            "source": text, "times": whole, "received_at": time, "last_at": time}), &[]),
        "RefusedTradePage": page("RefusedTrade"),
        "PriceRow": price,
        "PriceBatch": object(json!({"prices": list("PriceRow")}), &[]),
        "RateRow": rate,
        "RateBatch": object(json!({"rates": list("RateRow")}), &[]),
        "FeedResults": object(json!({"new": whole, "already_here": whole}), &[]),
    })
}

fn returns() -> Value {
    let (text, whole, flag) =
        (json!({"type": "string"}), json!({"type": "integer"}), json!({"type": "boolean"}));
    let day = json!({"type": "string", "format": "date"});
    let rate = json!({"type": "number", "description": "A fraction: 0.1 is ten per cent."});
    let maybe = json!({"type": ["number", "null"]});
    let window = object(
        json!({"window": {"type": "string", "enum": ["1W", "1M", "3M", "6M", "1Y", "YTD", "ALL"]},
        "from": day, "to": day, "complete": flag, "days": whole, "twr": rate,
        "money_weighted": {"type": ["number", "null"], "description": "Yearly; null where no rate exists."},
        "market": rate, "excess": rate, "volatility": maybe, "drawdown": rate,
        "risk": {"type": ["integer", "null"], "minimum": 1, "maximum": 10}, "invested": rate,
        "lower_bound": {"type": "number", "description": "Yearly log excess over the market it has at least."},
        "ineligible": {"type": "array", "items": {"type": "string"}}}),
        &[],
    );
    let gains = json!({"type": ["object", "null"], "description": "Null unless amounts are shown.",
        "properties": {"currency": text, "realised": text, "unrealised": {"type": ["string", "null"]}, "income": text}});
    let account = json!({"oneOf": [{"type": "null"}, object(json!({"windows": list("WindowReturn"),
        "curve": {"type": "array", "items": object(json!({"day": day, "account": rate, "market": rate}), &[])},
        "trading_days": whole, "closed_positions": whole, "average_holding_days": maybe, "gains": gains}), &[])]});
    let amount = json!({"type": ["string", "null"], "description": "Null unless amounts are shown."});
    let holding = json!({"oneOf": [{"type": "null"}, object(json!({"weight": maybe, "stake": stake(), "since": day,
        "unrealised_rate": maybe, "quantity": amount, "average_cost": amount, "unrealised": amount}), &[])]});
    let ticker = object(
        json!({"ticker": {"oneOf": [reference("Ticker"), {"type": "null"}]},
        "windows": list("WindowReturn"), "closed_positions": whole, "average_holding_days": maybe, "holding": holding,
        "gains": gains}),
        &[],
    );
    let record = json!({"as_of": day, "incomplete": {"type": ["string", "null"]}, "account": account,
        "tickers": list("TickerReturn")});
    let mut named = record.clone();
    if let Some(members) = named.as_object_mut() {
        members.insert("handle".to_owned(), text);
    }
    json!({"WindowReturn": window, "TickerReturn": ticker, "OwnReturnRecord": object(record, &[]),
        "ReturnRecord": object(named, &[])})
}

fn stake() -> Value {
    json!({"type": ["string", "null"], "enum": ["small", "medium", "large", "main", null],
        "description": "Share of the account: from 1 to 5 %, to 20 %, to 50 %, more; null below 1 %."})
}

fn boards() -> Value {
    let (text, whole, flag) =
        (json!({"type": "string"}), json!({"type": "integer"}), json!({"type": "boolean"}));
    let (day, rate) = (json!({"type": "string", "format": "date"}), json!({"type": "number"}));
    let risk = json!({"type": ["integer", "null"]});
    let person = json!({"handle": text, "name": text, "verified": flag, "follower_count": whole});
    let with = |more: Value| {
        let mut all = person.clone();
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
        object(all, &[])
    };
    let entry =
        with(json!({"place": whole, "from": day, "to": day, "complete": flag, "days": whole, "twr": rate,
        "market": rate, "excess": rate, "lower_bound": rate, "score": rate, "drawdown": rate, "risk": risk}));
    let me = json!({"oneOf": [{"type": "null"}, object(json!({"place": {"type": ["integer", "null"]},
        "beyond": {"type": ["integer", "null"], "description": "So many are better at least, where there is no place."},
        "shown": flag,
        "twr": rate, "score": rate, "lower_bound": rate, "ineligible": {"type": "array", "items": text}}), &[])]});
    json!({
        "Shareholder": object(json!({"ticker": text, "stake": stake(), "since": day}), &[]),
        "BoardEntry": entry,
        "Leaderboard": object(json!({"window": text, "items": list("BoardEntry"),
            "next_cursor": {"type": ["string", "null"]}, "me": me}), &[]),
        "Holder": with(json!({"stake": stake(), "since": day, "held_days": whole, "twr": rate, "market": rate,
            "excess": rate, "lower_bound": rate})),
        "HolderPage": page("Holder"),
    })
}

fn cards() -> Value {
    let (text, maybe) = (json!({"type": "string"}), json!({"type": ["string", "null"]}));
    let day = json!({"type": ["string", "null"], "format": "date"});
    let rate = json!({"type": ["string", "null"], "description": "A fraction with six decimals, as signed."});
    let words = object(json!({"ko": text, "en": text}), &[]);
    let ticker = json!({"oneOf": [{"type": "null"}, object(json!({"symbol": text, "name": text, "name_ko": maybe}), &[])]});
    let amounts =
        json!({"oneOf": [{"type": "null"}, object(json!({"realised": text, "currency": text}), &[])]});
    let card = json!({"type": "object", "additionalProperties": false, "required": ["id", "state", "text"],
        "description": "Of a card that does not hold any more only id, state and text are left.",
        "properties": {"id": text, "state": {"type": "string", "enum": ["valid", "withdrawn", "superseded"]},
            "kind": {"type": "string", "enum": ["position", "window"]}, "window": maybe, "ticker": ticker, "from": day,
            "to": day, "denominator": {"type": "string",
                "enum": ["cost_of_position", "value_of_holding", "value_of_account"]},
            "shown": rate, "account": rate, "market": rate, "record": rate, "drawdown": rate,
            "cherry_index": {"type": ["number", "null"], "minimum": 0, "maximum": 100},
            "ranked_among": {"type": "integer"}, "cherry_picked": {"type": "boolean"}, "amounts": amounts,
            "handle": text, "made_at": {"type": "string", "format": "date-time"}, "code": text, "token": text,
            "image": text, "text": words}});
    json!({
        "Card": card, "CardPage": page("Card"),
        "NewCard": object(json!({"kind": {"type": "string", "enum": ["position", "window"]}, "ticker": maybe,
            "opened": day, "window": maybe}), &["ticker", "opened", "window"]),
        "Position": object(json!({"ticker": maybe, "opened": {"type": "string", "format": "date"}, "closed": day,
            "rate": {"type": ["number", "null"]}}), &[]),
        "PositionPage": page("Position"),
        "CardToken": object(json!({"token": text}), &[]),
        "CardVerdict": object(json!({"genuine": {"type": "boolean"},
            "card": {"oneOf": [reference("Card"), {"type": "null"}]}}), &[]),
    })
}

fn calls() -> Value {
    let (text, whole) = (json!({"type": "string"}), json!({"type": "integer"}));
    let (rate, maybe) = (json!({"type": "number"}), json!({"type": ["number", "null"]}));
    let symbol = json!({"type": ["string", "null"]});
    let interval = object(json!({"low": rate, "high": rate}), &[]);
    let point =
        object(json!({"predicted": rate, "observed": rate, "count": whole, "interval": interval}), &[]);
    let horizon = object(
        json!({"days": whole, "right": whole, "total": whole, "independent": whole, "pending": whole,
        "no_price": whole, "interval": {"oneOf": [interval, {"type": "null"}]}, "mean_excess": maybe,
        "calibration": {"type": "array", "items": point}}),
        &[],
    );
    let outcome = object(
        json!({"days": whole, "state": {"type": "string", "enum": ["pending", "no_price", "known"]},
        "right": {"type": ["boolean", "null"]}, "excess": maybe}),
        &[],
    );
    let call = object(
        json!({"post_id": text, "ticker": symbol, "stance": {"type": "string", "enum": ["bull", "bear"]},
        "posted_at": {"type": "string", "format": "date-time"}, "deleted": {"type": "boolean"},
        "entry_day": {"type": ["string", "null"], "format": "date"},
        "outcomes": {"type": "array", "items": outcome}}),
        &[],
    );
    let reason = object(
        json!({"kind": text, "tickers": {"type": "array", "items": text}, "count": whole,
        "text": object(json!({"ko": text, "en": text}), &[])}),
        &[],
    );
    let suggestion = object(
        json!({"user": reference("User"),
        "place": {"type": "string", "enum": ["relevance", "newcomer", "exploration"]},
        "reasons": {"type": "array", "items": reason}}),
        &[],
    );
    json!({
        "Call": call,
        "CallLedger": object(json!({"horizons": {"type": "array", "items": horizon}, "items": list("Call"),
            "next_cursor": {"type": ["string", "null"]}}), &[]),
        "DisclosedTrade": object(json!({"ticker": symbol, "side": {"type": "string", "enum": ["buy", "sell"]},
            "day": {"type": "string", "format": "date"}, "price": symbol, "quantity": symbol}), &[]),
        "DisclosedTradePage": page("DisclosedTrade"),
        "Contradiction": object(json!({"ticker": text, "kind": {"type": "string",
            "enum": ["scalped", "sold_after_bull", "sold_before_bull", "bought_after_bear"]}, "hours": rate,
            "share": rate}), &[]),
        "ContradictionList": object(json!({"items": list("Contradiction")}), &[]),
        "Suggestion": suggestion, "SuggestionList": object(json!({"items": list("Suggestion")}), &[]),
    })
}

fn disclosure() -> Value {
    let (text, whole, flag) =
        (json!({"type": "string"}), json!({"type": "integer"}), json!({"type": "boolean"}));
    let time = json!({"type": "string", "format": "date-time"});
    let ticker = json!({"type": ["string", "null"], "description": "Null: the whole account."});
    let delay = json!({"type": ["integer", "null"], "enum": [0, 1, 20, null],
        "description": "Market days after which trades are shown; null: never."});
    json!({
        "ConsentText": object(json!({"version": whole, "ko": text, "en": text, "since": time}), &[]),
        "Disclosure": object(json!({"ticker": ticker, "holdings": flag, "trade_delay": delay, "amounts": flag,
            "consent_version": whole, "granted_at": time,
            "revoked_at": {"type": ["string", "null"], "format": "date-time"}}), &[]),
        "OwnDisclosure": object(json!({"consent": reference("ConsentText"), "in_force": list("Disclosure"),
            "history": list("Disclosure")}), &[]),
        "NewDisclosure": object(json!({"consent_version": whole, "ticker": ticker, "holdings": flag,
            "trade_delay": delay, "amounts": flag}), &["ticker", "holdings", "trade_delay", "amounts"]),
    })
}
