//! Where things stand on the picture of a card. Labels are Korean, with English beside or below.

use super::{
    card::CardFacts,
    font::{BLANK, Ruler},
    picture::{Canvas, HEIGHT, Style, WIDTH, colour},
    seal::Seal,
    subject::Subject,
    text::{self, Choice, Language},
    values::Rate,
};

pub(super) const PAPER: &str = "#ffffff";
pub(super) const PANEL: &str = "#f3f5f8";
pub(super) const INK: &str = "#10151f";
pub(super) const SOFT: &str = "#4c5566";
pub(super) const RISE: &str = "#c8102e";
pub(super) const FALL: &str = "#1450c8";
pub(super) const NIGHT: &str = "#10151f";
pub(super) const SNOW: &str = "#ffffff";
pub(super) const MIST: &str = "#b9c2d0";
pub(super) const VERIFIED: &str = "#6fe0a8";
pub(super) const WARNING: &str = "#fff0c2";
pub(super) const WARNING_INK: &str = "#6b4300";
const TRACK: &str = "#d5dae2";

const LEFT: f32 = 64.0;
const LEFT_ROOM: f32 = 612.0;
const PANEL_X: f32 = 720.0;
const PANEL_WIDTH: f32 = 416.0;
const INNER: f32 = PANEL_X + 32.0;
const INNER_WIDTH: f32 = PANEL_WIDTH - 64.0;
const INNER_END: f32 = INNER + INNER_WIDTH;
const FOOT: f32 = 530.0;

/// The picture of a card as SVG.
pub(super) fn card(ruler: &Ruler, facts: &CardFacts, seal: &Seal, choice: Choice) -> String {
    let mut canvas = Canvas::new(ruler);
    frame(&mut canvas, colour(facts.shown));
    heading(&mut canvas, facts);
    shown_return(&mut canvas, facts);
    author(&mut canvas, facts, choice);
    canvas.area([PANEL_X, 56.0, PANEL_WIDTH, 442.0], 24.0, PANEL);
    beside(&mut canvas, facts);
    gauge(&mut canvas, facts);
    let made = facts.made_at.format("%Y-%m-%d %H:%M UTC").to_string();
    canvas.text((LEFT + 262.0, FOOT + 60.0), 500.0, Style::new(24.0, VERIFIED), VERIFIED_WORDS);
    canvas.text((1136.0, FOOT + 46.0), 300.0, Style::new(28.0, SNOW).end(), &seal.short_code());
    canvas.text((1136.0, FOOT + 78.0), 300.0, Style::new(20.0, MIST).end(), &made);
    canvas.finish()
}

const VERIFIED_WORDS: &str = "✓ 원장으로 확인됨 · Verified from the ledger";

/// The picture of a card that is no longer shown, as SVG.
pub(super) fn withdrawn(ruler: &Ruler) -> String {
    let mut canvas = Canvas::new(ruler);
    frame(&mut canvas, SOFT);
    canvas.area([LEFT, 120.0, 1072.0, 320.0], 24.0, PANEL);
    let middle = (600.0, 270.0);
    canvas.text(middle, 1000.0, Style::new(64.0, INK).middle(), "공개 중단");
    canvas.text((600.0, 322.0), 1000.0, Style::new(30.0, SOFT).middle(), "No longer disclosed");
    let why = "작성자가 수익 공개를 중단해 이 카드를 보여 주지 않습니다.";
    canvas.text((600.0, 384.0), 1000.0, Style::new(26.0, SOFT).middle(), why);
    canvas.finish()
}

fn frame(canvas: &mut Canvas<'_>, accent: &str) {
    let (width, height) = (dots(WIDTH), dots(HEIGHT));
    canvas.area([0.0, 0.0, width, height], 0.0, PAPER);
    canvas.area([0.0, 0.0, width, 12.0], 0.0, accent);
    canvas.area([0.0, FOOT, width, height - FOOT], 0.0, NIGHT);
    let used = canvas.text((LEFT, FOOT + 63.0), 200.0, Style::new(38.0, SNOW), "마당");
    canvas.text((LEFT + used + 14.0, FOOT + 62.0), 200.0, Style::new(28.0, MIST), "Madang");
}

/// Pixel numbers are small whole numbers, which `f32` holds exactly.
#[expect(clippy::cast_precision_loss, reason = "a picture has far fewer than 2^24 pixels a side")]
const fn dots(pixels: u32) -> f32 {
    pixels as f32
}

fn heading(canvas: &mut Canvas<'_>, facts: &CardFacts) {
    let subject = &facts.subject;
    let name = subject_name(canvas.ruler(), subject);
    canvas.text((LEFT, 108.0), LEFT_ROOM, Style::new(48.0, INK), &name);
    let (korean, english) =
        (text::subject_kind(subject, Language::Korean), text::subject_kind(subject, Language::English));
    let kind = format!("{korean} {english}");
    let room = LEFT_ROOM - canvas.ruler().width(" · ", 26.0) - canvas.ruler().width(&kind, 26.0);
    let symbol = subject.instrument().map(|it| canvas.ruler().fit(&it.symbol, 26.0, room) + " · ");
    let line = symbol.unwrap_or_default() + &kind;
    canvas.text((LEFT, 152.0), LEFT_ROOM, Style::new(26.0, SOFT), &line);
    let days = text::days(facts, Language::Korean);
    canvas.text((LEFT, 192.0), LEFT_ROOM, Style::new(26.0, SOFT), &days);
}

/// The Korean name, the English one where the font cannot draw it, the symbol where it can draw neither.
fn subject_name(ruler: &Ruler, subject: &Subject) -> String {
    let names = [Language::Korean, Language::English].map(|language| text::subject_name(subject, language));
    let whole = |name: &&str| !ruler.drawable(name).is_empty() && !ruler.drawable(name).contains(BLANK);
    let symbol = || subject.instrument().map_or_else(String::new, |it| it.symbol.clone());
    names.into_iter().find(whole).map_or_else(symbol, str::to_owned)
}

fn shown_return(canvas: &mut Canvas<'_>, facts: &CardFacts) {
    let shown = text::percent(facts.shown);
    let colour = colour(facts.shown);
    // arrow and gap take seven tenths of the font size
    let size = canvas.ruler().size_for(&shown, LEFT_ROOM - 20.0, 40.0, 240.0).min(120.0);
    let size = size.min((LEFT_ROOM - 4.0) / (canvas.ruler().width(&shown, 1.0) + 0.72));
    let baseline = 330.0 - (120.0 - size) * 0.3;
    canvas.arrow(
        (LEFT + size * 0.03, baseline - size * 0.05),
        size * 0.56,
        text::direction(facts.shown),
        colour,
    );
    canvas.text((LEFT + size * 0.72, baseline), LEFT_ROOM, Style::new(size, colour), &shown);
    let (korean, english) = (
        text::denominator(facts.denominator, Language::Korean),
        text::denominator(facts.denominator, Language::English),
    );
    let used = canvas.text((LEFT, 380.0), LEFT_ROOM, Style::new(24.0, INK), korean);
    if let Some(amounts) = &facts.amounts {
        let realised = format!("실현 {}", text::amount(amounts.realised, &amounts.currency));
        let (style, room) = (Style::new(24.0, INK), LEFT_ROOM - used - 24.0);
        // half an amount would be a wrong amount
        if canvas.ruler().width(&realised, style.size) <= room {
            canvas.text((LEFT + LEFT_ROOM, 380.0), room, style.end(), &realised);
        }
    }
    canvas.text((LEFT, 411.0), LEFT_ROOM, Style::new(20.0, SOFT), english);
}

fn author(canvas: &mut Canvas<'_>, facts: &CardFacts, choice: Choice) {
    let handle = canvas.ruler().fit(&format!("@{}", facts.handle), 26.0, LEFT_ROOM / 2.0);
    let handle_width = canvas.ruler().width(&handle, 26.0);
    // a name that is mostly boxes tells nothing; the handle is always legible
    let name = Some(canvas.ruler().drawable(&facts.name)).filter(|name| mostly_legible(name));
    let baseline = if choice == Choice::CherryPicked { 458.0 } else { 478.0 };
    let used = name.map_or(0.0, |name| {
        let room = LEFT_ROOM - handle_width - 14.0;
        canvas.text((LEFT, baseline), room, Style::new(28.0, INK), &name) + 14.0
    });
    canvas.text((LEFT + used, baseline), LEFT_ROOM - used, Style::new(26.0, SOFT), &handle);
    if choice == Choice::CherryPicked {
        canvas.area([LEFT, 474.0, LEFT_ROOM, 40.0], 10.0, WARNING);
        let style = Style::new(21.0, WARNING_INK);
        let words = "! 보여 준 카드가 전체 기록보다 눈에 띄게 좋음 · Cherry-picked";
        canvas.text((LEFT + 16.0, 501.0), LEFT_ROOM - 32.0, style, words);
    }
}

fn mostly_legible(drawn: &str) -> bool {
    let boxes = drawn.chars().filter(|character| *character == BLANK).count();
    !drawn.is_empty() && boxes * 2 < drawn.chars().count()
}

/// What stands beside the shown return.
fn beside(canvas: &mut Canvas<'_>, facts: &CardFacts) {
    let signed = |rate: Rate| (text::percent(rate), colour(rate));
    let rows = [
        ("같은 기간 계좌", "Account, same days", signed(facts.account)),
        ("같은 기간 시장", "Market, same days", facts.market.map_or_else(|| ("–".to_owned(), SOFT), signed)),
        ("개설 이후 계좌", "Account, all time", signed(facts.record)),
        ("같은 기간 최대 낙폭", "Deepest fall, same days", (text::fall(facts.drawdown), INK)),
    ];
    let mut y = 104.0;
    for (korean, english, (value, colour)) in rows {
        canvas.text((INNER, y), 210.0, Style::new(24.0, INK), korean);
        canvas.text((INNER, y + 25.0), 210.0, Style::new(19.0, SOFT), english);
        let size = canvas.ruler().size_for(&value, 140.0, 14.0, 30.0);
        canvas.text((INNER_END, y + 12.0), 150.0, Style::new(size, colour).end(), &value);
        y += 66.0;
    }
}

fn gauge(canvas: &mut Canvas<'_>, facts: &CardFacts) {
    canvas.area([INNER, 346.0, INNER_WIDTH, 2.0], 0.0, TRACK);
    let used = canvas.text((INNER, 384.0), 200.0, Style::new(24.0, INK), "체리픽 지수");
    canvas.text((INNER + used + 10.0, 384.0), 180.0, Style::new(19.0, SOFT), "Cherry-pick index");
    let value = facts.cherry_index.map_or_else(|| "–".to_owned(), |index| format!("{:.0}", index.value()));
    canvas.text((INNER_END, 384.0), 70.0, Style::new(32.0, INK).end(), &value);
    canvas.area([INNER, 404.0, INNER_WIDTH, 14.0], 7.0, TRACK);
    if let Some(index) = facts.cherry_index {
        let share = f32::from(index.tenths()) / 1000.0;
        let at = INNER + 10.0 + share * (INNER_WIDTH - 20.0);
        canvas.area([INNER, 404.0, at - INNER, 14.0], 7.0, SOFT);
        canvas.dot((at, 411.0), 11.0, INK, PANEL);
    }
    let [korean, english] =
        [Language::Korean, Language::English].map(|language| text::ranking(facts, language));
    canvas.text((INNER, 452.0), INNER_WIDTH, Style::new(21.0, INK), &korean);
    canvas.text((INNER, 479.0), INNER_WIDTH, Style::new(18.0, SOFT), &english);
}
