//! A card as JSON, wherever one is shown.

use serde_json::{Value, json};

use super::keep::State;
use crate::cards::{CardFacts, Choice, Language, Seal, Subject, describe, withdrawn};

/// A card's JSON. Of one that does not hold any more only its id and state are left.
pub fn json(id: i64, state: State, facts: &CardFacts, seal: &Seal, choice: Choice, token: &str) -> Value {
    if state != State::Valid {
        return taken_off(id, state);
    }
    let (from, to) = facts.subject.days();
    let (kind, window) = match &facts.subject {
        Subject::Position { .. } => ("position", None),
        Subject::Window { window, .. } => ("window", Some(window.as_str())),
    };
    let instrument = facts
        .subject
        .instrument()
        .map(|one| json!({"symbol": one.symbol, "name": one.name, "name_ko": one.name_ko}));
    let amounts =
        facts.amounts.as_ref().map(|one| json!({"realised": one.realised, "currency": one.currency}));
    json!({
        "id": id.to_string(), "state": state.as_str(), "kind": kind, "window": window, "ticker": instrument,
        "from": from, "to": to, "denominator": facts.denominator.code(), "shown": facts.shown.to_string(),
        "account": facts.account.to_string(), "market": facts.market.map(|rate| rate.to_string()),
        "record": facts.record.to_string(), "cherry_index": facts.cherry_index.map(|index| index.value()),
        "ranked_among": facts.ranked_among, "cherry_picked": choice == Choice::CherryPicked,
        "drawdown": facts.drawdown.to_string(), "amounts": amounts, "handle": facts.handle, "made_at": facts.made_at,
        "code": seal.short_code(), "token": token, "image": format!("/v1/cards/{id}/image.png"),
        "text": {"ko": describe(facts, seal, choice, Language::Korean),
                 "en": describe(facts, seal, choice, Language::English)}})
}

/// What is left of a card that does not hold.
pub(super) fn taken_off(id: i64, state: State) -> Value {
    json!({"id": id.to_string(), "state": state.as_str(),
           "text": {"ko": words(state, Language::Korean), "en": words(state, Language::English)}})
}

/// Why a card shows nothing.
pub const fn words(state: State, language: Language) -> &'static str {
    match state {
        State::Superseded => superseded(language),
        State::Valid | State::Withdrawn => withdrawn(language),
    }
}

const fn superseded(language: Language) -> &'static str {
    match language {
        Language::Korean => {
            "이 수익 카드가 만들어진 뒤 증권사의 거래 원장이 정정되어 더 이상 유효하지 않습니다."
        }
        Language::English => "The broker corrected the ledger after this card was made; it no longer holds.",
    }
}
