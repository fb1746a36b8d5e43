//! Statements of reasons: what an author is told when a measure takes effect. The fields are those of
//! Article 17 of the Digital Services Act: measure and scope, duration, facts, automation, ground, redress.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{decisions::Measure, rule::Category};

/// Days in which an appeal may be sent.
pub const APPEAL_DAYS: i64 = 180;

/// What a statement is about.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// What was done.
    pub measure: Measure,
    /// For what.
    pub reason: Category,
    /// The clause of the terms, as the broker numbers it.
    pub terms_clause: &'a str,
    /// Whether reports or a rule brought it up, as opposed to a moderator.
    pub automated_detection: bool,
    /// Whether no person decided.
    pub automated_decision: bool,
    /// When it takes effect.
    pub at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What each reason is called, in Korean and in English.
const fn reason_names(reason: Category) -> (&'static str, &'static str) {
    match reason {
        Category::LeadingRoom => ("리딩방 유도 또는 투자 권유", "solicitation to a stock-tip room"),
        Category::Impersonation => ("사칭", "impersonation"),
        Category::FalseInformation => ("허위 정보 또는 시세 조종", "false information or manipulation"),
        Category::FakeProfit => ("조작된 수익 인증", "a fake proof of profit"),
        Category::Abuse => ("욕설·비방", "abuse"),
        Category::Sexual => ("음란물", "sexual content"),
        Category::Spam => ("도배·광고", "spam"),
        Category::Illegal => ("불법 정보", "illegal content"),
        Category::Other => ("운영 원칙 위반", "another breach of the rules"),
    }
}

const fn measure_names(measure: Measure) -> (&'static str, &'static str, &'static str) {
    match measure {
        Measure::Keep => ("게시 유지", "the post stays", "none"),
        Measure::Limit => (
            "노출 제한(피드·게시판·검색에서 제외)",
            "the post is left out of feeds, boards and search",
            "visibility_limited",
        ),
        Measure::Hold => {
            ("게시 보류", "the post is kept back until somebody has looked at it", "visibility_removed")
        }
        Measure::Block => {
            ("임시 차단", "the post is hidden until somebody has looked at it", "visibility_removed")
        }
        Measure::Remove => ("삭제 조치", "the post was taken down", "content_removed"),
    }
}

/// Writes the statement, in both languages and as fields.
pub fn statement(facts: &Facts<'_>) -> Value {
    let (reason_ko, reason_en) = reason_names(facts.reason);
    let (measure_ko, measure_en, scope) = measure_names(facts.measure);
    let appeal_until = facts.at + chrono::Duration::days(APPEAL_DAYS);
    json!({
        "measure": facts.measure,
        "scope": scope,
        "from": facts.at,
        "until": facts.expires_at,
        "facts": {"reason": facts.reason, "reported_by_others": facts.automated_detection},
        "automated_detection": facts.automated_detection,
        "automated_decision": facts.automated_decision,
        "ground": {"kind": "terms_of_service", "clause": facts.terms_clause},
        "redress": {"internal_appeal_until": appeal_until, "decided_by": "another_moderator"},
        "text": {
            "ko": korean(facts, reason_ko, measure_ko, appeal_until),
            "en": english(facts, reason_en, measure_en, appeal_until),
        },
    })
}

fn korean(facts: &Facts<'_>, reason: &str, measure: &str, appeal_until: DateTime<Utc>) -> String {
    let how = match (facts.automated_decision, facts.automated_detection) {
        (true, true) => "여러 이용자의 신고를 근거로 자동으로 이루어진 조치이며, 운영자가 검토합니다.",
        (true, false) => "글의 내용을 자동으로 살펴 이루어진 조치이며, 운영자가 검토합니다.",
        (false, true) => "이용자 신고를 운영자가 검토해 결정했습니다.",
        (false, false) => "운영자가 확인해 결정했습니다.",
    };
    let until = facts.expires_at.map_or_else(String::new, |at| {
        format!(" 검토가 없으면 {}에 완화됩니다.", at.format("%Y-%m-%d %H:%M UTC"))
    });
    let clause = if facts.terms_clause.is_empty() { "이용 약관" } else { facts.terms_clause };
    format!(
        "회원님의 글에 다음 조치를 했습니다: {measure}. 사유: {reason}. 근거: {clause}. {how}{until} \
         동의하지 않으면 {}까지 이의를 신청할 수 있고, 다른 운영자가 판단합니다.",
        appeal_until.format("%Y-%m-%d")
    )
}

fn english(facts: &Facts<'_>, reason: &str, measure: &str, appeal_until: DateTime<Utc>) -> String {
    let how = match (facts.automated_decision, facts.automated_detection) {
        (true, true) => {
            "This was done automatically on the reports of several people; a moderator will look at it."
        }
        (true, false) => "This was done automatically on what the text says; a moderator will look at it.",
        (false, true) => "A moderator decided it after reports.",
        (false, false) => "A moderator decided it.",
    };
    let until = facts.expires_at.map_or_else(String::new, |at| {
        format!(" Without a review it is eased on {}.", at.format("%Y-%m-%d %H:%M UTC"))
    });
    let clause = if facts.terms_clause.is_empty() { "the terms of use" } else { facts.terms_clause };
    format!(
        "About your post: {measure}. Reason: {reason}. Ground: {clause}. {how}{until} If you disagree you can \
         appeal until {}; another moderator decides.",
        appeal_until.format("%Y-%m-%d")
    )
}
