#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE};
use chrono::{DateTime, NaiveDate};
use madang_core::ids::{CardId, UserId};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

use super::*;
use crate::cards::{
    Amounts, Index, Instrument, Rate, Subject,
    encoding::{Reader, Tag, VERSION},
    sample,
};
use crate::returns::Window;

fn key() -> CardKey {
    CardKey::derive(b"the service's signing key")
}

fn signed(content: &[u8], key: &CardKey) -> String {
    let mut bytes = content.to_vec();
    bytes.extend_from_slice(key.sign(content).bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_card_comes_back_as_it_was_sealed() {
    for facts in [sample::position(), sample::window()] {
        let seal = seal(&facts, &key()).unwrap();
        assert!(verify(&facts, &seal, &key()));
        assert!(verify(&facts, &Seal::from_bytes(*seal.bytes()), &key()));
        let (read, again) = decode(&encode(&facts, &key()).unwrap(), &key()).unwrap();
        assert_eq!((read, again.bytes()), (facts.clone(), seal.bytes()));
        assert_eq!(seal.short_code().len(), 9);
        assert!(!verify(&facts, &seal, &CardKey::derive(b"another key")));
    }
}

/// One field changed, so that the facts still fit together where they can.
fn change_a_field(facts: &mut CardFacts, at: u32, random: &mut ChaCha8Rng) {
    let step = |rate: &mut Rate| {
        *rate = Rate::new(
            rate.decimal() + Decimal::new(if rate.decimal().is_sign_negative() { 1 } else { -1 }, 6),
        )
        .unwrap();
    };
    match at {
        0 => facts.card = CardId::new(facts.card.get() + 1),
        1 => facts.author = UserId::new(facts.author.get() + 1),
        2 => facts.handle.push('x'),
        3 => facts.name.push('씨'),
        4 => step(&mut facts.shown),
        5 => step(&mut facts.account),
        6 => facts.market = facts.market.is_none().then(|| sample::rate(0.5)),
        7 => step(&mut facts.record),
        8 => facts.cherry_index = Some(Index::from_tenths(random.random_range(0..900)).unwrap()),
        9 => facts.ranked_among += 1,
        10 => step(&mut facts.drawdown),
        11 => facts.made_at += chrono::TimeDelta::microseconds(1),
        12 => facts.ledger_revision += 1,
        13 => facts.consent_version += 1,
        14 => facts.amounts = Some(Amounts { realised: Decimal::ONE, currency: "KRW".into() }),
        15 => std::mem::swap(&mut facts.account, &mut facts.shown),
        16 => std::mem::swap(&mut facts.handle, &mut facts.name),
        _ => match &mut facts.subject {
            Subject::Position { closed, instrument, .. } if at == 17 => {
                *closed = None;
                instrument.symbol.push('0');
            }
            Subject::Position { opened, .. } => *opened = opened.succ_opt().unwrap(),
            Subject::Window { from, .. } if at == 17 => *from = from.pred_opt().unwrap(),
            Subject::Window { window, .. } => *window = Window::HalfYear,
        },
    }
}

/// Where the fields of these bytes begin and end.
fn fields(content: &[u8]) -> Vec<(usize, usize)> {
    let (mut reader, mut at, mut found) = (Reader(&content[1..]), 1, Vec::new());
    while reader.field().is_some() {
        let next = content.len() - reader.0.len();
        found.push((at, next));
        at = next;
    }
    found
}

/// A token that is not the one of `facts`, with the way it was made.
fn mutate(facts: &CardFacts, random: &mut ChaCha8Rng) -> (&'static str, String) {
    let token = encode(facts, &key()).unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
    let at = random.random_range(0..bytes.len());
    let content = canonical_bytes(facts).unwrap();
    match random.random_range(0..14) {
        0 => {
            bytes[at] ^= 1 << random.random_range(0..8);
            ("bit flipped", URL_SAFE_NO_PAD.encode(bytes))
        }
        1 => {
            bytes.insert(at, random.random());
            ("byte inserted", URL_SAFE_NO_PAD.encode(bytes))
        }
        2 => {
            bytes.remove(at);
            ("byte deleted", URL_SAFE_NO_PAD.encode(bytes))
        }
        3 => {
            bytes.truncate(at);
            ("truncated", URL_SAFE_NO_PAD.encode(bytes))
        }
        4 => {
            bytes.extend((0..random.random_range(1..40)).map(|_| random.random::<u8>()));
            ("bytes appended", URL_SAFE_NO_PAD.encode(bytes))
        }
        5 => {
            let (all, seal) = (fields(&content), &bytes[content.len()..]);
            let (one, two) = (all[random.random_range(0..9)], all[random.random_range(10..all.len())]);
            let swapped = [
                &content[..one.0],
                &content[two.0..two.1],
                &content[one.1..two.0],
                &content[one.0..one.1],
                &content[two.1..],
                seal,
            ];
            ("fields swapped", URL_SAFE_NO_PAD.encode(swapped.concat()))
        }
        6 => {
            let mut changed = facts.clone();
            change_a_field(&mut changed, random.random_range(0..19), random);
            let Ok(mut content) = canonical_bytes(&changed) else { return ("facts refused", String::new()) };
            content.extend_from_slice(seal(facts, &key()).unwrap().bytes());
            ("field changed under the old seal", URL_SAFE_NO_PAD.encode(content))
        }
        7 => ("other key", encode(facts, &CardKey::derive(&random.random::<[u8; 32]>())).unwrap()),
        8 => {
            let mut content = content;
            content[0] = random.random_range(2..=255);
            ("other version, signed", signed(&content, &key()))
        }
        9 => {
            let text = if random.random() { URL_SAFE.encode(&bytes) + "=" } else { token + "=" };
            ("padded", text)
        }
        10 => {
            let mut text = token;
            text.insert(
                random.random_range(0..=text.len()),
                *b" \n\t.+/%=\0".map(char::from).get(random.random_range(0..9)).unwrap(),
            );
            ("foreign character", text)
        }
        11 => {
            let mut text = token.into_bytes();
            let at = random.random_range(0..text.len());
            text[at] = if text[at] == b'A' { b'-' } else { b'A' };
            ("character changed", String::from_utf8(text).unwrap())
        }
        12 => {
            let other = if *facts == sample::window() { sample::position() } else { sample::window() };
            let foreign = *seal(&other, &key()).unwrap().bytes();
            ("another card's seal", URL_SAFE_NO_PAD.encode([&content[..], &foreign].concat()))
        }
        _ => {
            let zeros = [0; SEAL_BYTES];
            let wrong = if random.random() { random.random::<[u8; SEAL_BYTES]>() } else { zeros };
            ("guessed seal", URL_SAFE_NO_PAD.encode([&content[..], &wrong].concat()))
        }
    }
}

#[test]
fn of_ten_thousand_mutated_cards_none_is_accepted() {
    let mut random = ChaCha8Rng::seed_from_u64(0x00CA_4D00);
    let (mut tried, mut accepted, mut kinds) = (0, 0, BTreeMap::<&str, u32>::new());
    while tried < 10_000 {
        let facts = if tried % 2 == 0 { sample::position() } else { sample::window() };
        let (kind, token) = mutate(&facts, &mut random);
        if token == encode(&facts, &key()).unwrap() {
            continue;
        }
        tried += 1;
        *kinds.entry(kind).or_default() += 1;
        accepted += u32::from(decode(&token, &key()).is_ok());
    }
    println!("{tried} mutated cards, {accepted} accepted: {kinds:?}");
    assert_eq!(accepted, 0);
    assert!(kinds.len() >= 14, "{kinds:?}");
}

#[test]
fn changed_facts_do_not_match_the_stored_seal() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for facts in [sample::position(), sample::window()] {
        let seal = seal(&facts, &key()).unwrap();
        for at in 0..19 {
            let mut changed = facts.clone();
            change_a_field(&mut changed, at, &mut random);
            assert!(changed == facts || !verify(&changed, &seal, &key()), "{at}: {changed:?}");
        }
    }
}

/// What a careless signer might have signed: the right key, but not the canonical bytes.
#[test]
fn what_is_not_canonical_is_refused_even_when_signed() {
    let content = canonical_bytes(&sample::position()).unwrap();
    let replaced = |from: &str, to: &str| {
        let pattern = [&u32::try_from(from.len()).unwrap().to_be_bytes()[..], from.as_bytes()].concat();
        let at = content.windows(pattern.len()).position(|part| part == pattern).unwrap();
        let length = u32::try_from(to.len()).unwrap().to_be_bytes();
        [&content[..at], &length, to.as_bytes(), &content[at + pattern.len()..]].concat()
    };
    assert_eq!(
        signed(&replaced("0.021400", "0.021400"), &key()),
        encode(&sample::position(), &key()).unwrap()
    );
    let wrong = [
        replaced("0.021400", "0.0214"),
        replaced("0.021400", "0.0214000"),
        replaced("0.021400", "+0.021400"),
        replaced("0.021400", "00.021400"),
        replaced("0.021400", "2.14e-2"),
        replaced("1000", "01000"),
        replaced("1000", "1001"),
        replaced("1000", "+1000"),
        replaced("2026-01-05", "2026-1-5"),
        replaced("2026-01-05", "2026-01-32"),
        replaced("2026-01-05", "+2026-01-05"),
        replaced("bada_invest", ""),
        replaced("cost_of_position", "value_of_account"),
        replaced("cost_of_position", "Cost_of_position"),
        [&content[..], &[0]].concat(),
        content[..content.len() - 5].to_vec(),
        [&[VERSION + 1], &content[1..]].concat(),
        Vec::new(),
    ];
    for content in wrong {
        let refusal = decode(&signed(&content, &key()), &key()).unwrap_err();
        assert_eq!(refusal, BadCard::Content);
    }
}

#[test]
fn a_missing_field_and_an_empty_text_are_not_the_same() {
    let mut facts = sample::position();
    facts.market = None;
    let content = canonical_bytes(&facts).unwrap();
    let missing = content.iter().position(|byte| *byte == Tag::Missing as u8).unwrap();
    let mut changed = content;
    changed[missing] = Tag::Text as u8;
    assert_eq!(decode(&signed(&changed, &key()), &key()).unwrap_err(), BadCard::Content);
}

#[test]
fn other_alphabets_and_endless_tokens_are_refused() {
    let mut facts = sample::position();
    // enough cards that some token holds a character in which the alphabets differ
    for id in 1..40 {
        facts.card = CardId::new(id);
        let token = encode(&facts, &key()).unwrap();
        let standard = STANDARD_NO_PAD.encode(URL_SAFE_NO_PAD.decode(&token).unwrap());
        assert!(standard == token || decode(&standard, &key()).is_err());
    }
    assert_eq!(decode(&"A".repeat(MAX_TOKEN_CHARS + 1), &key()).unwrap_err(), BadCard::Form);
    assert_eq!(decode("", &key()).unwrap_err(), BadCard::Form);
}

#[test]
fn the_longest_card_fits_its_token() {
    let mut facts = sample::position();
    let long = "가".repeat(170);
    facts.handle.clone_from(&long);
    facts.name.clone_from(&long);
    facts.amounts =
        Some(Amounts { realised: "-79228162514264337593543.95033".parse().unwrap(), currency: "KRW".into() });
    let Subject::Position { instrument, .. } = &mut facts.subject else { return };
    *instrument = Instrument { symbol: long.clone(), name: long.clone(), name_ko: Some(long) };
    let token = encode(&facts, &key()).unwrap();
    println!("the longest token has {} characters", token.len());
    assert!(token.len() <= MAX_TOKEN_CHARS);
    assert_eq!(decode(&token, &key()).unwrap().0, facts);
}

fn any_text() -> impl Strategy<Value = String> {
    "[^\\p{Cc}\\s][^\\p{Cc}]{0,40}"
}

fn any_rate() -> impl Strategy<Value = Rate> {
    (-10_000_000_i64..=1_000_000_000_000)
        .prop_map(|millionths| Rate::new(Decimal::new(millionths, 6)).unwrap())
}

fn any_instrument() -> impl Strategy<Value = Instrument> {
    (any_text(), any_text(), proptest::option::of(any_text()))
        .prop_map(|(symbol, name, name_ko)| Instrument { symbol, name, name_ko })
}

fn any_subject() -> impl Strategy<Value = Subject> {
    let day = |offset: u64| NaiveDate::from_ymd_opt(2000, 1, 3).unwrap() + chrono::Days::new(offset);
    let position = (any_instrument(), 0..9_000_u64, proptest::option::of(0..500_u64)).prop_map(
        move |(instrument, opened, held)| Subject::Position {
            instrument,
            opened: day(opened),
            closed: held.map(|held| day(opened + held)),
        },
    );
    let window = (proptest::option::of(any_instrument()), 0..7_usize, 0..9_000_u64, 0..500_u64).prop_map(
        move |(instrument, which, from, length)| Subject::Window {
            instrument,
            window: Window::EACH[which],
            from: day(from),
            to: day(from + length),
        },
    );
    prop_oneof![position, window]
}

prop_compose! {
    fn any_facts()(
        ids in (0..=i64::MAX, 0..=i64::MAX, 0..=i64::MAX, 0..=i32::MAX),
        texts in (any_text(), any_text()),
        subject in any_subject(),
        rates in (any_rate(), any_rate(), any_rate(), proptest::option::of(any_rate()), 0..=1_000_000_i64),
        ranking in proptest::option::of((0..=1000_u16, 2..=u32::MAX)),
        at in 1_800_000_000_000_000_i64..30_000_000_000_000_000,
        amount in proptest::option::of((any::<i64>(), 0..=8_u32)),
    ) -> CardFacts {
        CardFacts {
            card: CardId::new(ids.0),
            author: UserId::new(ids.1),
            handle: texts.0,
            name: texts.1,
            denominator: subject.denominator(),
            subject,
            shown: rates.0,
            account: rates.1,
            market: rates.3,
            record: rates.2,
            cherry_index: ranking.map(|(tenths, _)| Index::from_tenths(tenths).unwrap()),
            ranked_among: ranking.map_or(1, |(_, among)| among),
            drawdown: Rate::new(Decimal::new(rates.4, 6)).unwrap(),
            made_at: DateTime::from_timestamp_micros(at).unwrap(),
            ledger_revision: ids.2,
            consent_version: ids.3,
            amounts: amount.map(|(number, scale)| Amounts {
                realised: Decimal::new(number, scale),
                currency: "USD".into(),
            }),
        }
    }
}

proptest! {
    #[test]
    fn every_card_survives_the_journey_and_two_cards_never_share_bytes(one in any_facts(), two in any_facts()) {
        let (read, seal) = decode(&encode(&one, &key()).unwrap(), &key()).unwrap();
        prop_assert_eq!(&read, &one);
        prop_assert!(verify(&one, &seal, &key()));
        prop_assert_eq!(canonical_bytes(&one).unwrap() == canonical_bytes(&two).unwrap(), one == two);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        prop_assert!(decode(&text, &key()).is_err());
        prop_assert!(read(&bytes).is_none());
        let _ = decode(&signed(&bytes, &key()), &key());
    }
}
