//! Statements of reasons: what an author is told when a measure takes effect. The fields are those of
//! Article 17 of the Digital Services Act: measure and scope, duration, facts, automation, ground, redress.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{decisions::Measure, rule::Category, sanctions::Kind};

/// Days in which an appeal may be sent.
pub const APPEAL_DAYS: i64 = 180;

/// What a statement is about.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// What was done.
    pub measure: Measure,
    /// For what.
    pub reason: Reason,
    /// The clause of the terms, as the broker numbers it.
    pub terms_clause: &'a str,
    /// Whether it was reported.
    pub reported: bool,
    /// Whether the text rules found it.
    pub automated_detection: bool,
    /// Whether no person decided.
    pub automated_decision: bool,
    /// When it takes effect.
    pub at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// For what a measure is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A breach of the terms.
    Category(Category),
    /// Somebody says the post violates a right of theirs.
    Rights(Ground),
}

impl Reason {
    /// The name in the table and in statements.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Category(category) => category.as_str(),
            Self::Rights(_) => "rights_claim",
        }
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Category(category) => reason_names(category),
            Self::Rights(ground) => ground.names(),
        }
    }
}

/// The right a claim names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// 명예훼손.
    Defamation,
    /// 사생활 침해.
    Privacy,
    /// 저작권.
    Copyright,
    /// 상표권.
    Trademark,
    /// 초상권.
    Portrait,
    /// Another.
    Other,
}

impl Ground {
    /// The name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Defamation => "defamation",
            Self::Privacy => "privacy",
            Self::Copyright => "copyright",
            Self::Trademark => "trademark",
            Self::Portrait => "portrait",
            Self::Other => "other",
        }
    }

    /// From the table; an unknown name is another ground.
    pub fn from_column(name: &str) -> Self {
        let all = [Self::Defamation, Self::Privacy, Self::Copyright, Self::Trademark, Self::Portrait];
        all.into_iter().find(|ground| ground.as_str() == name).unwrap_or(Self::Other)
    }

    pub(crate) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Defamation => ("명예훼손 주장", "a claim of defamation"),
            Self::Privacy => ("사생활 침해 주장", "a claim of a violation of privacy"),
            Self::Copyright => ("저작권 침해 주장", "a claim of copyright"),
            Self::Trademark => ("상표권 침해 주장", "a claim of trademark"),
            Self::Portrait => ("초상권 침해 주장", "a claim to one's own image"),
            Self::Other => ("권리 침해 주장", "a rights claim"),
        }
    }
}

/// What each reason is called, in Korean and in English.
pub(crate) const fn reason_names(reason: Category) -> (&'static str, &'static str) {
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

/// What each measure is called, in Korean and in English, and its scope.
pub(crate) const fn measure_names(measure: Measure) -> (&'static str, &'static str, &'static str) {
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
        Measure::Temporary => (
            "임시조치(접근 차단)",
            "the post is hidden until a rights claim is decided, for 30 days at most",
            "visibility_removed",
        ),
    }
}

/// Writes the statement, in both languages and as fields.
pub fn statement(facts: &Facts<'_>) -> Value {
    let (reason_ko, reason_en) = facts.reason.names();
    let (measure_ko, measure_en, scope) = measure_names(facts.measure);
    let appeal_until = facts.at + chrono::Duration::days(APPEAL_DAYS);
    json!({
        "measure": facts.measure,
        "scope": scope,
        "from": facts.at,
        "until": facts.expires_at,
        "facts": {"reason": facts.reason.as_str(), "reported_by_others": facts.reported},
        "automated_detection": facts.automated_detection,
        "automated_decision": facts.automated_decision,
        "ground": {"kind": ground_kind(facts.reason), "clause": facts.terms_clause},
        "redress": redress(appeal_until, facts.reason),
        "text": {
            "ko": korean(facts, reason_ko, measure_ko, appeal_until),
            "en": english(facts, reason_en, measure_en, appeal_until),
        },
    })
}

/// How to object: here, then out of court, then in court.
fn redress(until: DateTime<Utc>, reason: Reason) -> Value {
    let by = if matches!(reason, Reason::Rights(_)) { "another_person" } else { "another_moderator" };
    json!({"internal_appeal_until": until, "decided_by": by, "out_of_court": true, "judicial": true})
}

const fn ground_kind(reason: Reason) -> &'static str {
    match reason {
        Reason::Category(Category::Illegal) => "illegal_content",
        Reason::Category(_) => "terms_of_service",
        Reason::Rights(_) => "rights_claim",
    }
}

/// What a statement about an account says.
#[derive(Debug, Clone)]
pub struct SanctionFacts<'a> {
    /// What was done.
    pub kind: Kind,
    /// For what.
    pub reason: Category,
    /// The clause of the terms.
    pub terms_clause: &'a str,
    /// When it takes effect.
    pub at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

pub(crate) const fn sanction_names(kind: Kind) -> (&'static str, &'static str, &'static str) {
    match kind {
        Kind::Warning => ("경고", "a warning", "none"),
        Kind::Strike => ("벌점", "a strike, which counts against the next decision", "none"),
        Kind::Limit => {
            ("새 글 노출 제한", "new posts are left out of feeds, boards and search", "visibility_limited")
        }
        Kind::Suspend => {
            ("이용 정지(읽기만 가능)", "suspension: you can read, not write", "account_suspended")
        }
        Kind::Ban => ("영구 이용 정지(읽기만 가능)", "a ban: you can read, not write", "account_terminated"),
    }
}

/// Writes the statement about a sanction, in both languages and as fields.
pub fn sanction(facts: &SanctionFacts<'_>) -> Value {
    let (reason_ko, reason_en) = reason_names(facts.reason);
    let (kind_ko, kind_en, scope) = sanction_names(facts.kind);
    let appeal_until = facts.at + chrono::Duration::days(APPEAL_DAYS);
    let until = |none: &str, some: &str| {
        facts
            .expires_at
            .map_or_else(|| none.to_owned(), |at| format!("{some} {}", at.format("%Y-%m-%d %H:%M UTC")))
    };
    let clause = |none| if facts.terms_clause.is_empty() { none } else { facts.terms_clause };
    json!({
        "measure": facts.kind,
        "scope": scope,
        "from": facts.at,
        "until": facts.expires_at,
        "facts": {"reason": facts.reason},
        "automated_detection": false,
        "automated_decision": false,
        "ground": {"kind": ground_kind(Reason::Category(facts.reason)), "clause": facts.terms_clause},
        "redress": redress(appeal_until, Reason::Category(facts.reason)),
        "text": {
            "ko": format!("회원님의 계정에 다음 조치를 했습니다: {kind_ko}. 기한: {}. 사유: {reason_ko}. 근거: {}. \
                운영자가 확인해 결정했습니다. 동의하지 않으면 {}까지 이의를 신청할 수 있고, 다른 운영자가 판단합니다.",
                until("없음", "종료"), clause("이용 약관"), appeal_until.format("%Y-%m-%d")),
            "en": format!("About your account: {kind_en}. Duration: {}. Reason: {reason_en}. Ground: {}. A moderator \
                decided it. If you disagree you can appeal until {}; another moderator decides.",
                until("no end", "until"), clause("the terms of use"), appeal_until.format("%Y-%m-%d")),
        },
    })
}

fn korean(facts: &Facts<'_>, reason: &str, measure: &str, appeal_until: DateTime<Utc>) -> String {
    let how = match (facts.automated_decision, facts.reported) {
        _ if matches!(facts.reason, Reason::Rights(_)) => {
            "권리를 침해받았다는 요청에 따라 관련 법에 정한 조치를 했습니다."
        }
        (true, true) => "여러 이용자의 신고를 근거로 자동으로 이루어진 조치이며, 운영자가 검토합니다.",
        (true, false) => "글의 내용을 자동으로 살펴 이루어진 조치이며, 운영자가 검토합니다.",
        (false, true) => "이용자 신고를 운영자가 검토해 결정했습니다.",
        (false, false) => "운영자가 확인해 결정했습니다.",
    };
    let ends = if matches!(facts.reason, Reason::Rights(_)) { "늦어도" } else { "검토가 없으면" };
    let until = facts
        .expires_at
        .map_or_else(String::new, |at| format!(" {ends} {}에 풀립니다.", at.format("%Y-%m-%d %H:%M UTC")));
    let clause = if facts.terms_clause.is_empty() { "이용 약관" } else { facts.terms_clause };
    format!(
        "회원님의 글에 다음 조치를 했습니다: {measure}. 사유: {reason}. 근거: {clause}. {how}{until} \
         동의하지 않으면 {}까지 이의를 신청할 수 있고, 다른 운영자가 판단합니다.",
        appeal_until.format("%Y-%m-%d")
    )
}

fn english(facts: &Facts<'_>, reason: &str, measure: &str, appeal_until: DateTime<Utc>) -> String {
    let how = match (facts.automated_decision, facts.reported) {
        _ if matches!(facts.reason, Reason::Rights(_)) => {
            "This follows a claim by somebody who says a right is violated."
        }
        (true, true) => {
            "This was done automatically on the reports of several people; a moderator will look at it."
        }
        (true, false) => "This was done automatically on what the text says; a moderator will look at it.",
        (false, true) => "A moderator decided it after reports.",
        (false, false) => "A moderator decided it.",
    };
    let ends = if matches!(facts.reason, Reason::Rights(_)) {
        "It ends at the latest"
    } else {
        "Without a review it is eased"
    };
    let until = facts
        .expires_at
        .map_or_else(String::new, |at| format!(" {ends} on {}.", at.format("%Y-%m-%d %H:%M UTC")));
    let clause = if facts.terms_clause.is_empty() { "the terms of use" } else { facts.terms_clause };
    format!(
        "About your post: {measure}. Reason: {reason}. Ground: {clause}. {how}{until} If you disagree you can \
         appeal until {}; another moderator decides.",
        appeal_until.format("%Y-%m-%d")
    )
}
