#![expect(clippy::unwrap_used, reason = "a test may panic")]

use resvg::tiny_skia::Pixmap;
use rust_decimal::Decimal;

use super::*;
use crate::{
    cards::{Amounts, CardKey, Index, Instrument, Subject, sample, seal},
    returns::Window,
};

fn cases() -> Vec<(&'static str, CardFacts, Choice)> {
    let named = |name: &str, handle: &str, instrument: &str, ko: Option<&str>| {
        let mut facts = sample::position();
        facts.name = name.into();
        facts.handle = handle.into();
        if let Subject::Position { instrument: it, .. } = &mut facts.subject {
            *it = Instrument {
                symbol: "KRX:005930".into(),
                name: instrument.into(),
                name_ko: ko.map(str::to_owned),
            };
        }
        facts
    };
    let mut huge = named("큰손", "whale", "Moonshot Holdings", Some("문샷홀딩스"));
    huge.shown = sample::rate(999_999.999_999);
    huge.account = sample::rate(123_456.789);
    huge.market = None;
    huge.amounts = Some(Amounts { realised: Decimal::from(98_765_432_100_i64), currency: "KRW".into() });
    let mut small = sample::window();
    small.shown = sample::rate(0.000_03);
    small.cherry_index = None;
    small.ranked_among = 1;
    let mut fall = named(
        "한글이름이아주길어서마흔자까지갈수있는사람의이름은이렇게까지길어질수가있습니다정말로",
        "handle_of_20_letters",
        "A Company With A Remarkably Long Registered Name And Then Some More, Incorporated (Class B Shares)",
        None,
    );
    fall.shown = sample::rate(-0.987_65);
    fall.cherry_index = Some(Index::new(0.0).unwrap());
    fall.drawdown = sample::rate(0.99);
    if let Subject::Position { instrument, closed, .. } = &mut fall.subject {
        *closed = None;
        instrument.symbol = "NASDAQ:VERYLONGSYMBOLTHATNOBODYHASEVERSEENBEFORE".into();
    }
    let mut amount = sample::position();
    amount.amounts = Some(Amounts { realised: Decimal::from(1_500_000), currency: "KRW".into() });
    let mut ticker_window = sample::window();
    ticker_window.subject = Subject::Window {
        instrument: Some(sample::samsung()),
        window: Window::YearToDate,
        from: "2026-01-02".parse().unwrap(),
        to: "2026-03-27".parse().unwrap(),
    };
    ticker_window.denominator = ticker_window.subject.denominator();
    let long = "타이거미국필라델피아반도체나스닥증권상장지수투자신탁";
    vec![
        ("position", sample::position(), Choice::Ordinary),
        ("flagged", sample::position(), Choice::CherryPicked),
        ("window", sample::window(), Choice::Ordinary),
        ("ticker_window", ticker_window, Choice::Ordinary),
        ("huge", huge, Choice::Ordinary),
        ("small", small, Choice::Ordinary),
        ("fall", fall, Choice::CherryPicked),
        ("amount", amount, Choice::Ordinary),
        ("long", named("바다", "bada", "TIGER US", Some(long)), Choice::Ordinary),
        ("emoji", named("🚀달까지🚀 가자👨\u{200d}👩\u{200d}👧", "moon", "🚀", Some("🚀")), Choice::Ordinary),
        ("rtl", named("\u{202e}مستثمر שלום abc", "rtl", "שלום", Some("مستثمر")), Choice::Ordinary),
        (
            "xml",
            named("</text><script>&'\"", "a<b>&c", "AT&T <Inc> \"x\" &amp; ]]> <!--", None),
            Choice::Ordinary,
        ),
    ]
}

fn painted(facts: &CardFacts, choice: Choice) -> Vec<u8> {
    picture(facts, &seal(facts, &CardKey::derive(b"key")).unwrap(), choice).unwrap()
}

/// How many colours a picture has, up to a few hundred.
fn colours(pixels: &Pixmap) -> usize {
    pixels
        .pixels()
        .iter()
        .map(|pixel| (pixel.red(), pixel.green(), pixel.blue()))
        .collect::<std::collections::HashSet<_>>()
        .len()
}

#[test]
fn every_card_becomes_a_picture_of_the_right_size_with_the_same_bytes_each_time() {
    let keep = std::env::var_os("MADANG_CARD_PICTURES").map(std::path::PathBuf::from);
    let (mut spent, mut painted_cards) = (std::time::Duration::ZERO, 0_u32);
    for (name, facts, choice) in cases() {
        let start = std::time::Instant::now();
        let png = painted(&facts, choice);
        spent += start.elapsed();
        painted_cards += 1;
        let pixels = Pixmap::decode_png(&png).unwrap();
        assert_eq!((pixels.width(), pixels.height()), (1200, 630), "{name}");
        assert!(colours(&pixels) > 50, "{name}");
        assert_eq!(png, painted(&facts, choice), "{name}");
        if let Some(folder) = &keep {
            std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
        }
    }
    println!("{:.1} ms a picture", spent.as_secs_f64() * 1e3 / f64::from(painted_cards));
    let png = withdrawn_picture().unwrap();
    let pixels = Pixmap::decode_png(&png).unwrap();
    assert_eq!((pixels.width(), pixels.height()), (1200, 630));
    assert!(colours(&pixels) > 50);
    if let Some(folder) = &keep {
        std::fs::write(folder.join("withdrawn.png"), png).unwrap();
    }
}

#[test]
fn other_facts_give_another_picture() {
    let mut other = sample::position();
    other.account = sample::rate(0.021_3);
    assert_ne!(painted(&sample::position(), Choice::Ordinary), painted(&other, Choice::Ordinary));
}

fn texts(group: &usvg::Group, found: &mut Vec<(String, usvg::Rect)>) {
    for node in group.children() {
        match node {
            usvg::Node::Text(text) => {
                let words = text.chunks().iter().map(|chunk| chunk.text().to_owned()).collect();
                found.push((words, text.abs_bounding_box()));
            }
            usvg::Node::Group(group) => texts(group, found),
            _ => {}
        }
    }
}

/// As the renderer measures them, not as we do.
#[test]
fn no_text_leaves_its_column_or_runs_into_another() {
    let painter = Painter::shared().unwrap();
    for (name, facts, choice) in cases() {
        let sealed = seal(&facts, &CardKey::derive(b"key")).unwrap();
        let tree = painter.tree(&layout::card(&painter.ruler, &facts, &sealed, choice)).unwrap();
        let mut found = Vec::new();
        texts(tree.root(), &mut found);
        assert!(found.len() > 15, "{name}: {}", found.len());
        for (at, (words, place)) in found.iter().enumerate() {
            let foot = place.top() > 530.0;
            let (left, right) = match (foot, place.left() < 700.0) {
                (true, _) => (60.0, 1140.0),
                (false, true) => (60.0, 680.0),
                (false, false) => (748.0, 1108.0),
            };
            assert!(place.left() >= left && place.right() <= right, "{name}: {words} {place:?}");
            for (others, other) in found.iter().skip(at + 1) {
                let apart = place.right() <= other.left() + 2.0
                    || other.right() <= place.left() + 2.0
                    || place.bottom() <= other.top() + 14.0
                    || other.bottom() <= place.top() + 14.0;
                assert!(apart, "{name}: {words} {place:?} over {others} {other:?}");
            }
        }
    }
}

#[test]
fn what_people_write_never_becomes_markup() {
    let painter = Painter::shared().unwrap();
    let (_, facts, choice) = cases().into_iter().find(|case| case.0 == "xml").unwrap();
    let sealed = seal(&facts, &CardKey::derive(b"key")).unwrap();
    let svg = layout::card(&painter.ruler, &facts, &sealed, choice);
    assert!(svg.contains("&lt;/text&gt;&lt;script&gt;&amp;&#39;&quot;") && !svg.contains("<script"));
}

#[test]
fn every_colour_of_a_text_stands_out_from_what_is_behind_it() {
    let light = |colour: &str| {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let pairs = [
        (layout::INK, layout::PAPER),
        (layout::SOFT, layout::PAPER),
        (layout::RISE, layout::PAPER),
        (layout::FALL, layout::PAPER),
        (layout::INK, layout::PANEL),
        (layout::SOFT, layout::PANEL),
        (layout::RISE, layout::PANEL),
        (layout::FALL, layout::PANEL),
        (layout::SNOW, layout::NIGHT),
        (layout::MIST, layout::NIGHT),
        (layout::VERIFIED, layout::NIGHT),
        (layout::WARNING_INK, layout::WARNING),
    ];
    for (front, back) in pairs {
        let (one, two) = (light(front), light(back));
        let contrast = (one.max(two) + 0.05) / (one.min(two) + 0.05);
        assert!(contrast >= 4.5, "{front} on {back}: {contrast:.2}");
    }
}
