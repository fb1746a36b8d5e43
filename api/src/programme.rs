//! Acts of the ambassador programme with their rows of the audit log, in one transaction: what handlers, commands
//! and the clock have in common.

use chrono::{DateTime, Utc};
use madang_core::{
    ids::{ApplicationId, PayRunId, PayoutId, UserId},
    viewer::Who,
};
use madang_creators::ambassadors::{
    Month,
    applications::{self, Decision},
    criteria::Criterion,
    declarations, members, pay_runs,
    payouts::{self, Payout, Reversal, State},
    review::{self, Reviewed},
    settings::{self, Terms},
};
use madang_moderation::audit::{self, Act, Actor};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use crate::problem::{FieldError, Problem};

/// Who acts, when, and by which request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By<'a> {
    /// The admin.
    pub(crate) who: Who,
    /// When.
    pub(crate) now: DateTime<Utc>,
    /// The request, unless it is a command.
    pub(crate) request_id: Option<&'a str>,
}

impl By<'_> {
    const fn person(&self) -> (UserId, DateTime<Utc>) {
        (self.who.user, self.now)
    }

    async fn log(
        &self,
        tx: &mut PgConnection,
        action: &'static str,
        object: String,
        (before, after): (Option<Value>, Value),
    ) -> sqlx::Result<()> {
        let (actor, request_id) = (Actor::Person(self.who), self.request_id);
        audit::append(tx, &Act { actor, action, object, before, after: Some(after), request_id })
            .await
            .map(drop)
    }
}

fn unknown_tier(known: &[String]) -> Problem {
    Problem::field("tier", format!("must be one of {}", known.join(", ")))
}

fn unmet(criteria: Vec<Criterion>) -> Problem {
    let errors: Vec<FieldError> = criteria
        .into_iter()
        .map(|one| FieldError {
            field: one.code.as_str().to_owned(),
            message: format!("{} ({})", one.en, one.ko),
        })
        .collect();
    Problem::conflict("criteria_unmet", "the criteria of the programme are not met").listing(errors)
}

/// Why an application, or a decision about one, was refused.
pub(crate) fn application_refused(why: applications::Refused) -> Problem {
    use applications::Refused;
    match why {
        Refused::NotFound => Problem::not_found("application"),
        Refused::Member => Problem::conflict("already_ambassador", "you are an ambassador"),
        Refused::Open(id) => {
            Problem::conflict("application_open", format!("application {id} waits for a decision"))
        }
        Refused::Wait(at) => {
            Problem::conflict("wait_after_refusal", format!("you can apply again from {}", at.to_rfc3339()))
        }
        Refused::Unmet(criteria) => unmet(criteria),
        Refused::Own => Problem::forbidden("own_application", "nobody decides about their own application"),
        Refused::Decided { state } => Problem::conflict("application_decided", format!("it is {state}")),
        Refused::UnknownTier(known) => unknown_tier(&known),
    }
}

/// Decides an application; with a tier the person is in.
pub(crate) async fn decide(
    tx: &mut PgConnection,
    id: ApplicationId,
    decision: &Decision<'_>,
    by: By<'_>,
) -> Result<(), Problem> {
    let decided = applications::decide(&mut *tx, id, decision, by.person()).await?;
    let user = decided.map_err(application_refused)?;
    let after = json!({"application": id, "approved": decision.tier.is_some(), "tier": decision.tier,
                       "reason": decision.reason});
    by.log(tx, "ambassador.decided", format!("user:{user}"), (Some(json!({"state": "open"})), after)).await?;
    Ok(())
}

fn member_refused(why: members::Refused) -> Problem {
    use members::Refused;
    match why {
        Refused::NotFound => Problem::not_found("ambassador"),
        Refused::Own => {
            Problem::forbidden("own_membership", "nobody decides about their own place in the programme")
        }
        Refused::Same => Problem::conflict("same_tier", "they have that tier"),
        Refused::UnknownTier(known) => unknown_tier(&known),
    }
}

/// Removes somebody from the programme.
pub(crate) async fn remove(
    tx: &mut PgConnection,
    user: UserId,
    reason: &str,
    by: By<'_>,
) -> Result<(), Problem> {
    let removed = members::remove(&mut *tx, user, reason, by.person()).await?;
    let before = json!({"tier": removed.map_err(member_refused)?.tier});
    by.log(tx, "ambassador.removed", format!("user:{user}"), (Some(before), json!({"reason": reason})))
        .await?;
    Ok(())
}

/// Gives somebody another tier.
pub(crate) async fn set_tier(
    tx: &mut PgConnection,
    user: UserId,
    (tier, reason): (&str, &str),
    by: By<'_>,
) -> Result<(), Problem> {
    let moved = members::set_tier(&mut *tx, user, (tier, reason), by.person()).await?;
    let before = json!({"tier": moved.map_err(member_refused)?.tier});
    let after = json!({"tier": tier, "reason": reason});
    by.log(tx, "ambassador.tier_changed", format!("user:{user}"), (Some(before), after)).await?;
    Ok(())
}

fn terms_refused(why: settings::Refused) -> Problem {
    use settings::Refused;
    match why {
        Refused::Invalid(errors) => Problem::invalid(
            errors
                .into_iter()
                .map(|error| FieldError {
                    field: format!("settings.{}", error.field),
                    message: error.message,
                })
                .collect(),
        ),
        Refused::Same => Problem::field("settings", "must change something"),
        Refused::Stale { version } => Problem::conflict(
            "settings_changed",
            format!("the settings were changed meanwhile, to version {version}; read them again"),
        ),
        Refused::TierHeld(tier) => Problem::conflict(
            "tier_held",
            format!("ambassadors hold the tier {tier}; give them another one first"),
        ),
    }
}

/// Sets the next version of the terms, made from version `base`. Returns its number.
pub(crate) async fn change_terms(
    tx: &mut PgConnection,
    terms: &Terms,
    (base, why): (i32, &str),
    by: By<'_>,
) -> Result<i32, Problem> {
    let changed = settings::change(&mut *tx, terms, base, why, by.person()).await?;
    let (old, version) = changed.map_err(terms_refused)?;
    let (before, after) = (
        json!({"version": base, "settings": old}),
        json!({"version": version, "settings": terms, "why": why}),
    );
    by.log(tx, "ambassador_settings.changed", "ambassador_settings".to_owned(), (Some(before), after))
        .await?;
    Ok(version)
}

fn payout_refused(why: payouts::Refused) -> Problem {
    use payouts::Refused;
    match why {
        Refused::NotFound => Problem::not_found("payout"),
        Refused::Own => Problem::forbidden("own_payout", "a payout to oneself is for another admin"),
        Refused::State(state) => {
            Problem::conflict("payout_state", format!("this payout is {}", state.as_str()))
        }
    }
}

/// Approves a payout.
pub(crate) async fn approve(tx: &mut PgConnection, id: PayoutId, by: By<'_>) -> Result<Payout, Problem> {
    let payout = payouts::approve(&mut *tx, id, by.person()).await?.map_err(payout_refused)?;
    let after = json!({"state": payout.state, "amount": payout.amount.to_string(), "payee": payout.user_id});
    let before = json!({"state": State::Accrued});
    by.log(tx, "ambassador_payout.approved", format!("payout:{id}"), (Some(before), after)).await?;
    Ok(payout)
}

/// Reverses an accrual or a payment.
pub(crate) async fn reverse(
    tx: &mut PgConnection,
    id: PayoutId,
    (what, reason): (Reversal, &str),
    by: By<'_>,
) -> Result<Payout, Problem> {
    let reversed = payouts::reverse(&mut *tx, id, (what, reason), by.person()).await?;
    let payout = reversed.map_err(payout_refused)?;
    let after = json!({"reversed": what, "state": payout.state, "amount": payout.amount.to_string(),
                       "payee": payout.user_id, "reason": reason});
    by.log(tx, "ambassador_payout.reversed", format!("payout:{id}"), (None, after)).await?;
    Ok(payout)
}

/// Pays what is approved of a month.
pub(crate) async fn pay(tx: &mut PgConnection, month: Month, by: By<'_>) -> Result<PayRunId, Problem> {
    let made = pay_runs::make(&mut *tx, month, by.person()).await?;
    let Some(id) = made else {
        let why = format!("no payout of {month} is approved and not paid");
        return Err(Problem::conflict("nothing_to_pay", why));
    };
    let run = pay_runs::list(&mut *tx, Some(id), i64::MAX, 1).await?.pop();
    let after = json!({"month": month, "payments": run.as_ref().map(|run| run.payments),
                       "total": run.as_ref().map(|run| run.total.to_string())});
    by.log(tx, "ambassador_pay_run.made", format!("pay_run:{id}"), (None, after)).await?;
    Ok(id)
}

/// Reviews one month of one ambassador, of the months up to `up_to`; nobody is named where the clock does it.
pub(crate) async fn review_next(
    pool: &PgPool,
    up_to: Month,
    (who, now): (Option<Who>, DateTime<Utc>),
) -> sqlx::Result<Option<Reviewed>> {
    let mut tx = pool.begin().await?;
    let reviewed = review::next(&mut tx, up_to, (who.map(|who| who.user), now)).await?;
    let Some(one) = &reviewed else { return Ok(None) };
    let statement = &one.statement;
    let act = Act {
        actor: who.map_or(Actor::System, Actor::Person),
        action: "ambassador.reviewed",
        object: format!("user:{}", statement.user_id),
        before: None,
        after: Some(json!({"month": statement.month, "statement": statement.id, "met": statement.met,
            "withheld": statement.withheld, "amount": statement.amount.to_string(), "outcome": one.outcome})),
        request_id: None,
    };
    audit::append(&mut tx, &act).await?;
    tx.commit().await?;
    Ok(reviewed)
}

/// What the programme does by the clock: reviews every month that is over, and reminds of declarations. Can run in many
/// processes at once, and does nothing twice. Returns how many months were reviewed.
pub(crate) async fn review_month(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<usize> {
    let mut reviewed = 0;
    while review_next(pool, Month::last_over(now), (None, now)).await?.is_some() {
        reviewed += 1;
    }
    loop {
        let mut tx = pool.begin().await?;
        let told = declarations::remind_next(&mut tx, now).await?;
        tx.commit().await?;
        if told.is_none() {
            return Ok(reviewed);
        }
    }
}
