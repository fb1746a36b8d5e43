//! The states of posts and cases from the rows of the audit log, and from nothing else.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::facts::LogFact;

/// What the log says so far, by id.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    pub(crate) posts: BTreeMap<i64, String>,
    pub(crate) cases: BTreeMap<i64, String>,
    pub(crate) decided: usize,
}

fn id_of(object: &str, kind: &str) -> Result<i64> {
    let id = object.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':'));
    id.with_context(|| format!("{object} is no {kind}"))?.parse().context("an id")
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}

impl Replay {
    /// The next row.
    pub(crate) fn follow(&mut self, row: &LogFact) -> Result<()> {
        let nothing = Value::Null;
        let (before, after) =
            (row.before.as_ref().unwrap_or(&nothing), row.after.as_ref().unwrap_or(&nothing));
        match row.action.as_str() {
            "report.filed" => {
                self.cases.entry(id_of(&row.object, "case")?).or_insert_with(|| "open".to_owned());
            }
            "report.withdrawn" | "appeal.sent" | "case.edited" | "reporters.sanctioned" => {}
            "case.claimed" | "case.released" | "case.escalated" => {
                let case = id_of(&row.object, "case")?;
                let held = self.cases.insert(case, text(&after["state"])?.to_owned());
                ensure!(held.is_some(), "a step in a case that was never opened");
                ensure!(before.is_null() || before["state"].as_str() == held.as_deref(), "before is wrong");
            }
            "post.decided" | "block.expired" | "block.edited_away" | "measure.lifted" => {
                self.post(row, before, after)?
            }
            "appeal.decided" => {
                if after["state"] == "overturned" {
                    let case = text(&after["case"]).context("which case it ends")?.parse()?;
                    self.cases.insert(case, "decided".to_owned());
                }
            }
            other => anyhow::bail!("what is {other}?"),
        }
        Ok(())
    }

    fn post(&mut self, row: &LogFact, before: &Value, after: &Value) -> Result<()> {
        let post = id_of(&row.object, "post")?;
        let case: i64 = text(&after["case"])?.parse()?;
        let (was, is) = (text(&before["state"])?, text(&after["state"])?);
        // A deleted post is decided about, and stays as it was.
        if was != "deleted" {
            let held = self.posts.insert(post, is.to_owned());
            let held = held.as_deref().unwrap_or("visible");
            ensure!(held == was, "the log says the post was {was}, but left it {held}");
        }
        if row.action == "post.decided" {
            self.decided += 1;
            let state = if row.actor_id.is_some() { "decided" } else { "open" };
            let held = self.cases.entry(case).or_insert_with(|| "open".to_owned());
            if state == "decided" {
                *held = state.to_owned();
            }
        }
        Ok(())
    }
}
