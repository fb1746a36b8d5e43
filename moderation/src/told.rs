//! What people are told of moderation: authors of measures, reporters of outcomes, everybody of scams they
//! were shown. Nobody is told who reported.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{AppealId, DecisionId, PostId, SanctionId, UserId},
    notices::{self, Words},
};
use serde_json::Value;
use sqlx::PgConnection;

use crate::appeals::Outcome;

fn words(ko: &str, en: &str) -> Words {
    Words { ko: ko.to_owned(), en: en.to_owned() }
}

/// The words of a statement of reasons.
fn stated(statement: &Value) -> Words {
    let text = |language| {
        let words = statement.get("text").and_then(|text| text.get(language));
        words.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    Words { ko: text("ko"), en: text("en") }
}

/// An author, of a measure about a post.
pub(crate) async fn measured(
    tx: &mut PgConnection,
    author: UserId,
    decision: DecisionId,
    statement: &Value,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    notices::tell(tx, &[author], "measure", decision.get(), &stated(statement), now).await
}

/// Somebody, of a sanction.
pub(crate) async fn sanctioned(
    tx: &mut PgConnection,
    user: UserId,
    sanction: SanctionId,
    statement: &Value,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    notices::tell(tx, &[user], "sanction", sanction.get(), &stated(statement), now).await
}

/// Reporters, of what became of the post.
pub(crate) async fn judged(
    tx: &mut PgConnection,
    reporters: &[UserId],
    post: PostId,
    agreed: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let said = if agreed {
        words(
            "신고하신 글을 확인해 조치했습니다. 알려 주셔서 고맙습니다.",
            "We looked at the post you reported and acted on it. Thank you for telling us.",
        )
    } else {
        words(
            "신고하신 글을 확인했으나 운영 원칙에 어긋나지 않아 그대로 두었습니다.",
            "We looked at the post you reported; it does not break the rules and stays.",
        )
    };
    notices::tell(tx, reporters, "report_outcome", post.get(), &said, now).await
}

/// An author, of the answer to an appeal.
pub(crate) async fn answered(
    tx: &mut PgConnection,
    author: UserId,
    appeal: AppealId,
    outcome: Outcome,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let said = match outcome {
        Outcome::Upheld => words(
            "이의 신청을 다른 운영자가 살펴보았고, 처음의 결정을 유지합니다.",
            "Another moderator looked at your appeal; the decision stands.",
        ),
        Outcome::Overturned => words(
            "이의 신청이 받아들여졌습니다. 조치를 거두었고, 불편을 드려 죄송합니다.",
            "Your appeal was accepted. The measure is lifted; we are sorry.",
        ),
    };
    notices::tell(tx, &[author], "appeal", appeal.get(), &said, now).await
}

/// What those are told who were shown posts of a banned scammer.
pub(crate) fn scam_warning(handle: &str) -> Words {
    Words {
        ko: format!(
            "회원님에게 글이 보였던 @{handle} 계정을 리딩방 유인으로 영구 정지했습니다. 외부 대화방 초대나 \
             입금 요구에 응하지 마시고, 피해가 있으면 금융감독원(1332)에 신고하세요."
        ),
        en: format!(
            "You were shown posts of @{handle}, an account we banned for luring people into a stock-tip room. Do \
             not join rooms outside or send money; report losses to the Financial Supervisory Service (1332)."
        ),
    }
}
