//! What people are told of the programme.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{ApplicationId, PayoutId, UserId},
    notices::{self, Words},
};
use sqlx::PgConnection;

use super::{month::Month, settings::Tier, statements::Statement};

/// Who is told, and when.
pub(super) type To = (UserId, DateTime<Utc>);

async fn tell(
    tx: &mut PgConnection,
    (user, now): To,
    (kind, subject): (&str, i64),
    (ko, en): (String, String),
) -> sqlx::Result<()> {
    notices::tell(tx, &[user], kind, subject, &Words { ko, en }, now).await
}

/// An applicant, of the decision; with a tier it was approved.
pub(super) async fn decided(
    tx: &mut PgConnection,
    to: To,
    id: ApplicationId,
    tier: Option<&Tier>,
    (reason, retry_days): (&str, i32),
) -> sqlx::Result<()> {
    let words = match tier {
        Some(tier) => (
            format!("앰배서더가 되셨습니다. 등급: {}. 심사 의견: {reason}", tier.name_ko),
            format!("You are an ambassador now, tier {}. The reviewer says: {reason}", tier.name_en),
        ),
        None => (
            format!(
                "앰배서더 신청이 받아들여지지 않았습니다. 사유: {reason} {retry_days}일 뒤에 다시 신청하실 수 있습니다."
            ),
            format!(
                "Your ambassador application was refused: {reason} You can apply again after {retry_days} days."
            ),
        ),
    };
    tell(tx, to, ("ambassador_application", id.get()), words).await
}

/// A member whom an admin removed.
pub(super) async fn removed(tx: &mut PgConnection, to: To, member: i64, reason: &str) -> sqlx::Result<()> {
    let words = (
        format!("앰배서더 자격이 끝났습니다. 사유: {reason}"),
        format!("You are no longer an ambassador: {reason}"),
    );
    tell(tx, to, ("ambassador_membership", member), words).await
}

/// A member whose tier an admin changed.
pub(super) async fn moved(
    tx: &mut PgConnection,
    to: To,
    member: i64,
    tier: &Tier,
    reason: &str,
) -> sqlx::Result<()> {
    let words = (
        format!("앰배서더 등급이 {}(으)로 바뀌었습니다. 사유: {reason}", tier.name_ko),
        format!("Your ambassador tier is {} now: {reason}", tier.name_en),
    );
    tell(tx, to, ("ambassador_membership", member), words).await
}

/// What a month meant for membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MonthSays {
    /// It goes on.
    Kept,
    /// Another such month ends it.
    Warned,
    /// It is over.
    Removed,
}

/// A member, of a month's statement.
pub(super) async fn reviewed(
    tx: &mut PgConnection,
    to: To,
    one: &Statement,
    says: MonthSays,
) -> sqlx::Result<()> {
    let Statement { month, posts, minimum_posts, amount, .. } = one;
    let (mut ko, mut en) = (
        format!("{month} 앰배서더 명세서: 글 {posts}건(기준 {minimum_posts}건), 적립 {amount}원."),
        format!(
            "Ambassador statement of {month}: {posts} posts (minimum {minimum_posts}), {amount} won accrued."
        ),
    );
    let (more_ko, more_en) = match says {
        MonthSays::Kept => ("", ""),
        MonthSays::Warned => (
            " 이번 달 기준에 미치지 못했습니다. 다음 달에도 미치지 못하면 앰배서더 자격이 끝납니다.",
            " You missed the minimum. If you miss it next month too, you will no longer be an ambassador.",
        ),
        MonthSays::Removed => (
            " 두 달 연속 기준에 미치지 못해 앰배서더 자격이 끝났습니다. 언제든 다시 신청하실 수 있습니다.",
            " You missed the minimum twice in a row and are no longer an ambassador. You can apply again at any time.",
        ),
    };
    ko.push_str(more_ko);
    en.push_str(more_en);
    if let Some(withheld) = one.withheld_words() {
        ko.push_str(withheld.0);
        en.push_str(withheld.1);
    }
    tell(tx, to, ("ambassador_statement", one.id.get()), (ko, en)).await
}

/// A member whose declaration runs out soon, or has.
pub(super) async fn declare_again(
    tx: &mut PgConnection,
    to: To,
    (ends, version): (DateTime<Utc>, i32),
    lapsed: bool,
) -> sqlx::Result<()> {
    let day = Month::day_in_korea(ends);
    let words = if lapsed {
        (
            "이해관계 신고가 만료되어 앰배서더 배지를 표시하지 않습니다. 다시 신고하시면 바로 표시됩니다.".to_owned(),
            "Your conflict declaration ran out, so your badge is not shown. Declare again and it is back at once."
                .to_owned(),
        )
    } else {
        (
            format!("이해관계 신고가 {day}에 만료됩니다. 그 전에 다시 신고해 주세요."),
            format!("Your conflict declaration runs out on {day}. Please renew it before then."),
        )
    };
    tell(tx, to, ("ambassador_declaration", version.into()), words).await
}

/// What became of a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PayoutSays {
    /// Somebody approved it.
    Approved,
    /// It is in a pay run.
    Paid,
    /// The accrual was reversed.
    Reversed,
    /// The payment bounced.
    Bounced,
}

/// A payee.
pub(super) async fn payout(
    tx: &mut PgConnection,
    to: To,
    (id, month): (PayoutId, Month),
    says: PayoutSays,
    reason: &str,
) -> sqlx::Result<()> {
    let words = match says {
        PayoutSays::Approved => (
            format!("{month} 앰배서더 활동비 지급이 승인되었습니다."),
            format!("Your ambassador payout of {month} was approved."),
        ),
        PayoutSays::Paid => (
            format!("{month} 앰배서더 활동비를 지급했습니다."),
            format!("Your ambassador payout of {month} was paid."),
        ),
        PayoutSays::Reversed => (
            format!("{month} 앰배서더 활동비 적립이 취소되었습니다. 사유: {reason}"),
            format!("Your ambassador payout of {month} was cancelled: {reason}"),
        ),
        PayoutSays::Bounced => (
            format!("{month} 앰배서더 활동비가 반송되었습니다. 계좌를 확인해 주세요. 사유: {reason}"),
            format!("Your ambassador payout of {month} came back; please check your account: {reason}"),
        ),
    };
    tell(tx, to, ("ambassador_payout", id.get()), words).await
}

/// Why nothing was accrued, in both languages.
pub(super) const fn withheld(why: Option<&str>) -> Option<(&'static str, &'static str)> {
    let Some(why) = why else { return None };
    match why.as_bytes() {
        b"sanction" => {
            Some((" 제재 중이어서 적립하지 않았습니다.", " Nothing was accrued because of a sanction."))
        }
        b"disclosure" => Some((
            " 수익률을 공개하지 않아 적립하지 않았습니다.",
            " Nothing was accrued because no returns are disclosed.",
        )),
        b"declaration" => Some((
            " 이해관계 신고가 만료되어 적립하지 않았습니다.",
            " Nothing was accrued because the conflict declaration ran out.",
        )),
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn what_was_withheld_is_said_in_both_languages() {
        for why in ["sanction", "disclosure", "declaration"] {
            let (ko, en) = withheld(Some(why)).unwrap();
            assert!(ko.starts_with(' ') && en.starts_with(" Nothing"), "{why}");
        }
        // The sentence about the minimum says that already.
        assert_eq!(withheld(Some("minimum")), None);
        assert_eq!(withheld(None), None);
    }
}
