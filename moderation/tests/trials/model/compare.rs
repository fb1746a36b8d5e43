//! Whether the database is what the law says, and what the log says.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use madang_core::ids::UserId;
use madang_moderation::decisions;

use super::{
    facts::{DecisionFact, PostFact},
    law::{AUTHORS, CaseState, State, Status},
    world::World,
};
use crate::scene::Scene;

/// The law's word for a column.
pub(super) fn state_of(column: i16) -> Result<State> {
    Ok(match column {
        0 => State::Visible,
        1 => State::Limited,
        2 => State::Blocked,
        3 => State::Removed,
        5 => State::Held,
        other => bail!("a post in state {other}"),
    })
}

const fn logged_as(state: State) -> &'static str {
    match state {
        State::Visible => "visible",
        State::Limited => "limited",
        State::Blocked => "auto_blocked",
        State::Held => "held",
        State::Removed => "removed",
    }
}

const fn case_name(state: CaseState) -> &'static str {
    match state {
        CaseState::Open => "open",
        CaseState::Claimed => "claimed",
        CaseState::Escalated => "escalated",
        CaseState::Decided => "decided",
    }
}

const fn status_name(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Withdrawn => "withdrawn",
        Status::Agreed => "agreed",
        Status::Disagreed => "disagreed",
        Status::Ignored => "ignored",
    }
}

/// Everything, after each act.
pub(super) fn agree(world: &World<'_>) -> Result<()> {
    for (at, id) in world.posts.iter().enumerate() {
        let fact = world.facts.posts.iter().find(|fact| fact.id == *id).context("the post is gone")?;
        post(world, at, fact).with_context(|| format!("post {at}"))?;
    }
    cases(world)?;
    in_force(world)?;
    reports(world)?;
    let logged = world.replay.decided;
    ensure!(world.facts.decisions.len() == logged, "{logged} decisions in the log, not as many rows");
    Ok(())
}

fn post(world: &World<'_>, at: usize, fact: &PostFact) -> Result<()> {
    let expected = &world.law.posts[at];
    let state = state_of(fact.state)?;
    ensure!(state == expected.state, "{state:?}, but the law says {:?}", expected.state);
    ensure!(fact.deleted == expected.deleted && fact.revision == expected.revision, "{fact:?}");
    ensure!(fact.listed == (state == State::Visible && !fact.deleted), "in the wrong lists: {fact:?}");
    let logged = world.replay.posts.get(&fact.id).map_or("visible", String::as_str);
    ensure!(logged == logged_as(state), "{state:?}, but the log says {logged}");
    Ok(())
}

fn cases(world: &World<'_>) -> Result<()> {
    ensure!(world.facts.cases.len() == world.law.cases.len(), "{:?}", world.facts.cases);
    let mut open: BTreeMap<i64, u32> = BTreeMap::new();
    for fact in &world.facts.cases {
        let at = world.cases.iter().position(|id| *id == fact.id).context("an unknown case")?;
        let expected = &world.law.cases[at];
        ensure!(fact.post == world.posts[expected.post], "a case of another post");
        let name = case_name(expected.state);
        ensure!(fact.escalated == expected.escalated, "case {at} is for seniors: {}", fact.escalated);
        ensure!(fact.shows == expected.shows.is_some(), "case {at} will be shown: {}", fact.shows);
        ensure!(fact.state == name, "case {at} is {}, but the law says {name}", fact.state);
        let logged = world.replay.cases.get(&fact.id).context("a case the log does not know")?;
        ensure!(*logged == fact.state, "case {at} is {}, but the log says {logged}", fact.state);
        if expected.state != CaseState::Decided {
            *open.entry(fact.post).or_default() += 1;
            let held = expected.held.map(|(person, _)| world.people[person].get());
            ensure!(fact.assigned == held, "case {at} is held by {:?} instead of {held:?}", fact.assigned);
        }
    }
    ensure!(open.values().all(|count| *count == 1), "several open cases of a post");
    Ok(())
}

/// Which decisions are over, as their authors are told.
fn in_force(world: &World<'_>) -> Result<()> {
    ensure!(world.facts.decisions.len() == world.law.decisions.len(), "{:?}", world.facts.decisions);
    for fact in &world.facts.decisions {
        let at = world.decisions.iter().position(|id| *id == fact.id).context("an unknown decision")?;
        let expected = &world.law.decisions[at];
        let by = expected.by.map(|person| world.people[person].get());
        ensure!(fact.by == by && fact.automated == by.is_none(), "decision {at}: {fact:?}");
        ensure!(fact.post == world.posts[expected.post] && fact.case == world.cases[expected.case]);
        ensure!(state_of(fact.imposed)? == expected.imposed, "decision {at}: {fact:?}");
        ensure!(fact.locked == expected.locks.is_some(), "decision {at}: {fact:?}");
        let over = expected.in_force != expected.imposed;
        let took = expected.imposed != State::Visible;
        ensure!(!took || fact.ended == over, "decision {at} ended: {}, but the law says {over}", fact.ended);
    }
    Ok(())
}

fn reports(world: &World<'_>) -> Result<()> {
    for (at, post) in world.law.posts.iter().enumerate() {
        let found: BTreeMap<i64, (&str, i64)> = world
            .facts
            .reports
            .iter()
            .filter(|fact| fact.post == world.posts[at])
            .map(|fact| (fact.by, (fact.status.as_str(), fact.case)))
            .collect();
        let expected: BTreeMap<i64, (&str, i64)> = post
            .reports
            .iter()
            .map(|(by, report)| {
                (world.people[*by].get(), (status_name(report.status), world.cases[report.case]))
            })
            .collect();
        ensure!(found == expected, "reports of post {at}: {found:?}, but the law says {expected:?}");
    }
    Ok(())
}

/// At the end: a whole statement for each measure, and the author can read it.
pub(super) async fn statements(world: &World<'_>, scene: &Scene) -> Result<()> {
    for author in AUTHORS {
        let author: UserId = world.people[author];
        let own = decisions::statements_of(&scene.pool, author, i64::MAX, 100).await?;
        let told: Vec<i64> = own.iter().map(|statement| statement.id.get()).collect();
        let theirs = world.facts.decisions.iter().filter(|fact| {
            let post = world.posts.iter().position(|id| *id == fact.post);
            post.is_some_and(|at| world.people[AUTHORS[at]] == author)
        });
        for fact in theirs {
            whole(fact)?;
            ensure!(fact.was == fact.imposed || told.contains(&fact.id), "not told of {fact:?}");
        }
    }
    Ok(())
}

fn whole(fact: &DecisionFact) -> Result<()> {
    let statement = &fact.statement;
    let kind = match fact.imposed {
        0 => "keep",
        1 => "limit",
        2 => "block",
        3 => "remove",
        _ => "hold",
    };
    ensure!(fact.kind == kind && statement["measure"] == kind, "{fact:?}");
    ensure!(statement["automated_decision"] == fact.automated, "{fact:?}");
    // A block for something grave ends by a person, not by the time.
    let grave = ["leading_room", "impersonation", "fake_profit", "illegal"].contains(&fact.reason.as_str());
    ensure!(statement["until"].is_string() == (kind == "block" && !grave), "{fact:?}");
    for language in ["ko", "en"] {
        ensure!(statement["text"][language].as_str().is_some_and(|text| text.len() > 40), "{fact:?}");
    }
    Ok(())
}
