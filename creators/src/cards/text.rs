//! A card in words, in Korean and English: for screen readers, for sharing, and for the labels of its picture.
//! It states, it advises nothing.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    card::CardFacts,
    seal::Seal,
    subject::{Denominator, Subject},
    values::{Index, Rate},
};
use crate::returns::Window;

/// Which language a card is put into words in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Korean.
    Korean,
    /// English.
    English,
}

/// What the author's cards together say about the choice of what is shown; see `judge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Nothing remarkable.
    Ordinary,
    /// What is shown is far better than what could have been shown.
    CherryPicked,
}

/// Digits with a comma before each third one, from the right.
fn grouped(digits: &str) -> String {
    let (whole, rest) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(rest) = rest {
        text.push('.');
        text.push_str(rest);
    }
    text
}

fn sign(value: Decimal) -> &'static str {
    if value.is_zero() {
        ""
    } else if value.is_sign_negative() {
        "\u{2212}"
    } else {
        "+"
    }
}

fn hundredfold(rate: Rate) -> Decimal {
    let percent = rate.decimal() * Decimal::ONE_HUNDRED;
    let mut rounded = percent.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(2);
    rounded
}

/// `+12.34 %`, `−0.50 %`, `0.00 %`, `+1,234.00 %`.
pub fn percent(rate: Rate) -> String {
    let rounded = hundredfold(rate);
    format!("{}{} %", sign(rounded), grouped(&rounded.abs().to_string()))
}

/// An amount with its sign and currency: `+1,234,000 KRW`.
pub(super) fn amount(realised: Decimal, currency: &str) -> String {
    format!("{}{} {currency}", sign(realised), grouped(&realised.normalize().abs().to_string()))
}

/// Up, down, or neither once rounded to what is shown.
pub(super) fn direction(rate: Rate) -> std::cmp::Ordering {
    hundredfold(rate).cmp(&Decimal::ZERO)
}

/// Which place from the top, as a share of all: the best of 23 is in the top 4 per cent. At least 1.
pub fn top_percent(index: Index, among: u32) -> u32 {
    let among = f64::from(among.max(1));
    let better = (1.0 - index.value() / 100.0) * (among - 1.0);
    let share = ((better + 1.0) / among * 100.0).round().clamp(1.0, 100.0);
    // from 1 to 100
    rust_decimal::prelude::ToPrimitive::to_u32(&share).unwrap_or(100)
}

/// What the index says, in a phrase.
pub fn ranking(facts: &CardFacts, language: Language) -> String {
    let (of_position, among) = (matches!(facts.subject, Subject::Position { .. }), facts.ranked_among);
    let Some(index) = facts.cherry_index else {
        return match (language, of_position) {
            (Language::Korean, true) => "비교할 다른 종료 거래가 없음".to_owned(),
            (Language::Korean, false) => "비교할 다른 기간이 없음".to_owned(),
            (Language::English, true) => "no other closed trade to compare with".to_owned(),
            (Language::English, false) => "no other window to compare with".to_owned(),
        };
    };
    let (top, among) = (top_percent(index, among), grouped(&among.to_string()));
    // A position that is still held is one of those it is ranked among, and not closed.
    let held = matches!(facts.subject, Subject::Position { closed: None, .. });
    match (language, of_position) {
        (Language::Korean, true) if held => format!("본인의 거래 {among}건 중 상위 {top} %"),
        (Language::English, true) if held => format!("top {top} % of their {among} trades"),
        (Language::Korean, true) => format!("본인의 종료 거래 {among}건 중 상위 {top} %"),
        (Language::Korean, false) => format!("본인의 같은 길이 기간 {among}개 중 상위 {top} %"),
        (Language::English, true) => format!("top {top} % of their {among} closed trades"),
        (Language::English, false) => format!("top {top} % of their {among} windows of this length"),
    }
}

/// What the return is a fraction of.
pub(super) const fn denominator(kind: Denominator, language: Language) -> &'static str {
    match (language, kind) {
        (Language::Korean, Denominator::CostOfPosition) => "이 포지션의 매입 원가 대비",
        (Language::Korean, Denominator::ValueOfHolding) => "보유 종목의 평가액 대비, 시간가중",
        (Language::Korean, Denominator::ValueOfAccount) => "계좌 전체 평가액 대비, 시간가중",
        (Language::English, Denominator::CostOfPosition) => "of the position's cost",
        (Language::English, Denominator::ValueOfHolding) => "of the holding's value, time-weighted",
        (Language::English, Denominator::ValueOfAccount) => "of the account's value, time-weighted",
    }
}

pub(super) const fn window_name(window: Window, language: Language) -> &'static str {
    match (language, window) {
        (Language::Korean, Window::Week) => "최근 1주",
        (Language::Korean, Window::Month) => "최근 1개월",
        (Language::Korean, Window::Quarter) => "최근 3개월",
        (Language::Korean, Window::HalfYear) => "최근 6개월",
        (Language::Korean, Window::Year) => "최근 1년",
        (Language::Korean, Window::YearToDate) => "올해",
        (Language::Korean, Window::All) => "전체 기간",
        (Language::English, Window::Week) => "1 week",
        (Language::English, Window::Month) => "1 month",
        (Language::English, Window::Quarter) => "3 months",
        (Language::English, Window::HalfYear) => "6 months",
        (Language::English, Window::Year) => "1 year",
        (Language::English, Window::YearToDate) => "year to date",
        (Language::English, Window::All) => "all time",
    }
}

/// The instrument's name, or what stands for it on a card of the account.
pub(super) fn subject_name(subject: &Subject, language: Language) -> &str {
    match (subject.instrument(), language) {
        (Some(instrument), Language::Korean) => instrument.name_ko.as_deref().unwrap_or(&instrument.name),
        (Some(instrument), Language::English) => &instrument.name,
        (None, Language::Korean) => "계좌 전체",
        (None, Language::English) => "Whole account",
    }
}

pub(super) fn subject_kind(subject: &Subject, language: Language) -> &'static str {
    match (subject, language) {
        (Subject::Position { .. }, Language::Korean) => "포지션",
        (Subject::Position { .. }, Language::English) => "position",
        (Subject::Window { window, .. }, _) => window_name(*window, language),
    }
}

/// First and last day; of a position also whether it still runs.
pub(super) fn days(facts: &CardFacts, language: Language) -> String {
    let (first, last) = facts.subject.days();
    let made = facts.made_at.date_naive();
    match (last, language, &facts.subject) {
        (Some(last), _, Subject::Window { .. }) => format!("{first} – {last}"),
        (Some(last), Language::Korean, Subject::Position { .. }) => format!("{first} – {last} (종료)"),
        (Some(last), Language::English, Subject::Position { .. }) => format!("{first} – {last} (closed)"),
        (None, Language::Korean, _) => format!("{first} – {made} (보유 중)"),
        (None, Language::English, _) => format!("{first} – {made} (still held)"),
    }
}

/// The card in words, a line each.
pub fn describe(facts: &CardFacts, seal: &Seal, choice: Choice, language: Language) -> String {
    let mut lines = match language {
        Language::Korean => korean(facts),
        Language::English => english(facts),
    };
    if choice == Choice::CherryPicked {
        lines.push(choice_notice(language).to_owned());
    }
    let made = facts.made_at.format("%Y-%m-%d %H:%M");
    let (card, code) = (facts.card, seal.short_code());
    lines.push(match language {
        Language::Korean => format!("증권사 원장으로 확인됨 · 카드 {card} · 확인 코드 {code} · {made} UTC"),
        Language::English => {
            format!("Verified from the broker's ledger · card {card} · code {code} · {made} UTC")
        }
    });
    lines.join("\n")
}

/// The sentence that stands on cards of people who show far better than they trade.
pub(super) const fn choice_notice(language: Language) -> &'static str {
    match language {
        Language::Korean => "주의: 지금까지 보여 준 카드가 본인의 전체 기록보다 눈에 띄게 좋습니다.",
        Language::English => "Note: the cards shown so far are far better than the person's whole record.",
    }
}

fn korean(facts: &CardFacts) -> Vec<String> {
    let language = Language::Korean;
    let CardFacts { subject, name, handle, .. } = facts;
    let symbol = subject.instrument().map(|it| format!(" ({})", it.symbol)).unwrap_or_default();
    let (of, kind) = (subject_name(subject, language), subject_kind(subject, language));
    let market = facts.market.map_or_else(|| "시세 없음".to_owned(), percent);
    let mut lines = vec![
        format!("마당 수익 카드 · {name} (@{handle})"),
        format!("{of}{symbol} {kind}: {}", percent(facts.shown)),
        format!("기간: {}", days(facts, language)),
        format!("기준: {}", denominator(facts.denominator, language)),
        format!("같은 기간 계좌 전체: {} · 시장: {market}", percent(facts.account)),
        format!(
            "개설 이후 계좌 전체: {} · 같은 기간 최대 낙폭: {}",
            percent(facts.record),
            fall(facts.drawdown)
        ),
        index_line("체리픽 지수", facts, language),
    ];
    if let Some(amounts) = &facts.amounts {
        lines.push(format!("실현 손익: {}", amount(amounts.realised, &amounts.currency)));
    }
    lines
}

fn english(facts: &CardFacts) -> Vec<String> {
    let language = Language::English;
    let CardFacts { subject, name, handle, .. } = facts;
    let symbol = subject.instrument().map(|it| format!(" ({})", it.symbol)).unwrap_or_default();
    let (of, kind) = (subject_name(subject, language), subject_kind(subject, language));
    let market = facts.market.map_or_else(|| "no prices".to_owned(), percent);
    let mut lines = vec![
        format!("Madang profit card · {name} (@{handle})"),
        format!("{of}{symbol}, {kind}: {}", percent(facts.shown)),
        format!("Days: {}", days(facts, language)),
        format!("Measured as a share {}", denominator(facts.denominator, language)),
        format!("Whole account over the same days: {} · market: {market}", percent(facts.account)),
        format!(
            "Whole account since it began: {} · deepest fall over the same days: {}",
            percent(facts.record),
            fall(facts.drawdown)
        ),
        index_line("Cherry-pick index", facts, language),
    ];
    if let Some(amounts) = &facts.amounts {
        lines.push(format!("Realised: {}", amount(amounts.realised, &amounts.currency)));
    }
    lines
}

fn index_line(label: &str, facts: &CardFacts, language: Language) -> String {
    let value = facts.cherry_index.map_or_else(|| "–".to_owned(), |index| format!("{:.0}", index.value()));
    format!("{label} {value}: {}", ranking(facts, language))
}

/// A drawdown is a depth: it has no sign.
pub(super) fn fall(drawdown: Rate) -> String {
    format!("{} %", hundredfold(drawdown).abs())
}

/// What stands in a card's place once its author no longer discloses.
pub const fn withdrawn(language: Language) -> &'static str {
    match language {
        Language::Korean => "작성자가 수익 공개를 중단해 이 카드는 더 이상 보여 주지 않습니다.",
        Language::English => "The author no longer discloses returns, so this card is not shown.",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::cards::{Amounts, CardKey, sample, seal};

    #[test]
    fn percentages_have_a_sign_two_digits_and_groups() {
        let shown = |fraction| percent(sample::rate(fraction));
        assert_eq!(shown(0.123_4), "+12.34 %");
        assert_eq!(shown(-0.005), "\u{2212}0.50 %");
        assert_eq!(shown(0.0), "0.00 %");
        assert_eq!(shown(-0.000_04), "0.00 %");
        assert_eq!(shown(12_345.678_9), "+1,234,567.89 %");
        assert_eq!(amount(Decimal::new(-1_234_500, 0), "KRW"), "\u{2212}1,234,500 KRW");
        assert_eq!(amount(Decimal::new(123_450, 2), "USD"), "+1,234.5 USD");
    }

    #[test]
    fn the_best_of_twenty_three_is_in_the_top_four_per_cent() {
        let top = |index, among| top_percent(Index::new(index).unwrap(), among);
        assert_eq!(top(100.0, 23), 4);
        assert_eq!(top(0.0, 23), 100);
        assert_eq!(top(100.0, 1000), 1);
        assert_eq!(top(50.0, 3), 67);
    }

    #[test]
    fn a_position_that_is_held_is_not_called_closed() {
        let mut facts = sample::position();
        if let Subject::Position { closed, .. } = &mut facts.subject {
            *closed = None;
        }
        assert_eq!(ranking(&facts, Language::Korean), "본인의 거래 23건 중 상위 4 %");
        assert_eq!(ranking(&facts, Language::English), "top 4 % of their 23 trades");
    }

    #[test]
    fn a_card_reads_well_in_both_languages() {
        let facts = sample::position();
        let seal = seal(&facts, &CardKey::derive(b"key")).unwrap();
        let korean = describe(&facts, &seal, Choice::CherryPicked, Language::Korean);
        println!("{korean}\n");
        assert!(korean.contains("삼성전자 (KRX:005930) 포지션: +34.13 %"));
        assert!(korean.contains("체리픽 지수 100: 본인의 종료 거래 23건 중 상위 4 %"));
        assert!(korean.contains("주의:") && korean.contains(&seal.short_code()));
        let english = describe(&facts, &seal, Choice::Ordinary, Language::English);
        println!("{english}\n");
        assert!(english.contains("Samsung Electronics (KRX:005930), position: +34.13 %"));
        assert!(english.contains("top 4 % of their 23 closed trades") && !english.contains("Note:"));
        println!("{}\n", describe(&sample::window(), &seal, Choice::Ordinary, Language::Korean));
        println!("{}", describe(&sample::window(), &seal, Choice::Ordinary, Language::English));
    }

    #[test]
    fn money_stands_on_a_card_only_when_its_author_ticked_that() {
        let mut facts = sample::position();
        let seal = seal(&facts, &CardKey::derive(b"key")).unwrap();
        assert!(!describe(&facts, &seal, Choice::Ordinary, Language::Korean).contains("실현"));
        facts.amounts = Some(Amounts { realised: Decimal::from(1_500_000), currency: "KRW".into() });
        assert!(
            describe(&facts, &seal, Choice::Ordinary, Language::Korean).contains("실현 손익: +1,500,000 KRW")
        );
    }
}
