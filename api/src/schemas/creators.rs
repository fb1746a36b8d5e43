//! The schemas of creators: the ledger, disclosure, returns, boards and cards.

use serde_json::{Value, json};

use super::{list, object, page, reference};

/// All of them, by name.
pub(super) fn schemas() -> Value {
    let mut all = serde_json::Map::new();
    for part in [ledger(), disclosure()] {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    Value::Object(all)
}

const DECIMAL: &str = "A decimal as text (\"1234.5\"), or a number of at most 15 digits; at most 8 decimals.";

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
            "low": text, "close": text, "adj_close": maybe, "volume": whole}});
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
