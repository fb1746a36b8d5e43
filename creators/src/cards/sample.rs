//! Cards for tests.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, NaiveDate};
use madang_core::ids::{CardId, UserId};

use super::{
    card::CardFacts,
    subject::{Denominator, Instrument, Subject},
    values::{Index, Rate},
};
use crate::returns::Window;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn rate(fraction: f64) -> Rate {
    Rate::from_fraction(fraction).unwrap()
}

pub(super) fn samsung() -> Instrument {
    Instrument {
        symbol: "KRX:005930".into(),
        name: "Samsung Electronics".into(),
        name_ko: Some("삼성전자".into()),
    }
}

/// A closed position that did better than 22 of 23 trades.
pub(super) fn position() -> CardFacts {
    CardFacts {
        card: CardId::new(1_234_567_890_123),
        author: UserId::new(987_654_321),
        handle: "bada_invest".into(),
        name: "바다를 보는 사람".into(),
        subject: Subject::Position {
            instrument: samsung(),
            opened: day("2026-01-05"),
            closed: Some(day("2026-03-27")),
        },
        denominator: Denominator::CostOfPosition,
        shown: rate(0.341_256),
        account: rate(0.021_4),
        market: Some(rate(0.058_1)),
        record: rate(-0.073_9),
        cherry_index: Some(Index::new(100.0).unwrap()),
        ranked_among: 23,
        drawdown: rate(0.184_2),
        made_at: DateTime::parse_from_rfc3339("2026-03-28T01:02:03.456789Z").unwrap().to_utc(),
        ledger_revision: 4_211,
        consent_version: 3,
        amounts: None,
    }
}

/// A losing quarter of the whole account.
pub(super) fn window() -> CardFacts {
    CardFacts {
        subject: Subject::Window {
            instrument: None,
            window: Window::Quarter,
            from: day("2025-12-27"),
            to: day("2026-03-27"),
        },
        denominator: Denominator::ValueOfAccount,
        shown: rate(-0.052_7),
        account: rate(-0.052_7),
        cherry_index: Some(Index::new(41.7).unwrap()),
        ranked_among: 310,
        ..position()
    }
}
