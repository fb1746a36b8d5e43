//! The calibration plot, drawn on the server: no script, no style sheet, nothing fetched. Everything it shows
//! is said in words as well.

use std::fmt::Write;

use super::{CalibrationPoint, Horizon};

/// What language labels are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Korean.
    Ko,
    /// English.
    En,
}

const SIZE: f64 = 360.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 16.0;
const SIDE: f64 = 288.0;

struct Words {
    title: &'static str,
    predicted: &'static str,
    observed: &'static str,
    diagonal: &'static str,
    empty: &'static str,
}

const KO: Words = Words {
    title: "지난 적중률과 다음 예측의 적중률",
    predicted: "글을 쓸 때까지의 적중률",
    observed: "실제 적중률",
    diagonal: "점이 대각선에 가까울수록 지난 적중률을 믿을 수 있습니다. 세로선은 95% 구간입니다.",
    empty: "아직 점을 그릴 만큼 결과가 나온 예측이 없습니다.",
};

const EN: Words = Words {
    title: "Past hit rate and hit rate of the next calls",
    predicted: "Hit rate before the post",
    observed: "Hit rate observed",
    diagonal: "The nearer the points lie to the diagonal, the more a past hit rate can be relied on. \
               Vertical lines are 95 % intervals.",
    empty: "Too few calls have been decided to draw a point.",
};

const fn words(language: Language) -> &'static Words {
    match language {
        Language::Ko => &KO,
        Language::En => &EN,
    }
}

/// What the plot shows, in sentences: its description and its text alternative.
pub fn describe(points: &[CalibrationPoint], language: Language) -> String {
    let words = words(language);
    if points.is_empty() {
        return words.empty.to_owned();
    }
    let mut text = words.diagonal.to_owned();
    for point in points {
        let [predicted, observed, low, high] =
            [point.predicted, point.observed, point.interval.low, point.interval.high].map(percent);
        // Writing to a string cannot fail.
        let _ = match language {
            Language::Ko => write!(
                text,
                " 지난 적중률 {predicted}%: 실제 {observed}% (95% 구간 {low}~{high}%, 예측 {}건).",
                point.count
            ),
            Language::En => write!(
                text,
                " Past hit rate {predicted} %: {observed} % observed (95 % interval {low} to {high} %, {} {}).",
                point.count,
                if point.count == 1 { "call" } else { "calls" }
            ),
        };
    }
    text
}

/// The plot as an `<svg>` element. `id` begins the ids inside it, so that several can stand on one page;
/// what is not a letter, a digit or a hyphen is left out of it.
pub fn plot(points: &[CalibrationPoint], horizon: Horizon, language: Language, id: &str) -> String {
    let words = words(language);
    let id: String = id.chars().filter(|sign| sign.is_ascii_alphanumeric() || *sign == '-').collect();
    let days = horizon.days();
    let after = match (language, days) {
        (Language::Ko, _) => format!("{days}거래일 뒤"),
        (Language::En, 1) => "after 1 trading day".to_owned(),
        (Language::En, _) => format!("after {days} trading days"),
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SIZE} {SIZE}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\" lang=\"{}\" fill=\"none\" stroke=\"currentColor\" \
         font-size=\"12\"><title id=\"{id}-title\">{} ({after})</title><desc id=\"{id}-desc\">{}</desc>",
        if language == Language::Ko { "ko" } else { "en" },
        words.title,
        describe(points, language),
    );
    frame(&mut svg, words);
    for point in points {
        mark(&mut svg, point);
    }
    svg.push_str("</svg>");
    svg
}

fn frame(svg: &mut String, words: &Words) {
    let (right, bottom) = (LEFT + SIDE, TOP + SIDE);
    let _ = write!(
        svg,
        "<path d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>\
         <path d=\"M{LEFT} {bottom}L{right} {TOP}\" stroke-dasharray=\"4 4\" stroke-opacity=\"0.6\"/>\
         <g fill=\"currentColor\" stroke=\"none\">"
    );
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let label = percent(share);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}%</text>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}%</text>",
            across(share),
            bottom + 16.0,
            LEFT - 6.0,
            down(share) + 4.0,
        );
    }
    let middle = LEFT + SIDE / 2.0;
    let _ = write!(
        svg,
        "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
         <text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text></g>",
        bottom + 38.0,
        words.predicted,
        TOP + SIDE / 2.0,
        words.observed,
    );
}

/// A dot whose area follows the number of calls, on the line of its interval.
fn mark(svg: &mut String, point: &CalibrationPoint) {
    let radius = f64::from(point.count).sqrt().clamp(2.5, 9.0);
    let x = across(point.predicted);
    let _ = write!(
        svg,
        "<path d=\"M{x:.1} {:.1}V{:.1}\"/><circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\" fill=\"currentColor\"/>",
        down(point.interval.low),
        down(point.interval.high),
        down(point.observed),
    );
}

fn across(share: f64) -> f64 {
    LEFT + SIDE * inside(share)
}

fn down(share: f64) -> f64 {
    TOP + SIDE * (1.0 - inside(share))
}

fn percent(share: f64) -> u32 {
    (100.0 * inside(share)).round() as u32
}

fn inside(share: f64) -> f64 {
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
}
