//! Does the acts of a sequence with the product, and looks after each whether law and log agree.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, SubsecRound, Utc};
use madang_core::{ids::UserId, users::Role, viewer::Who};

use super::{
    Command,
    acts::Done,
    compare,
    facts::{self, DecisionFact, Facts},
    law::{AUTHORS, INVESTORS, Imposed, Law, PEOPLE},
    replay::Replay,
};
use crate::scene::Scene;

/// Two posts, the people around them, and what is known of both so far.
pub(crate) struct World<'a> {
    pub(super) scene: &'a Scene,
    start: DateTime<Utc>,
    pub(crate) people: Vec<UserId>,
    pub(crate) posts: Vec<i64>,
    /// In the order of the model.
    pub(crate) cases: Vec<i64>,
    pub(crate) decisions: Vec<i64>,
    pub(crate) appeals: Vec<i64>,
    pub(crate) law: Law,
    pub(crate) replay: Replay,
    pub(crate) facts: Facts,
    seq: i64,
    pub(super) edits: u32,
    eased: u32,
    shown: u32,
    escalated: u32,
}

impl<'a> World<'a> {
    pub(crate) async fn new(scene: &'a Scene) -> Result<Self> {
        let people = scene.people(PEOPLE.try_into()?).await?;
        // As exactly as the database keeps it, since some limits are met to the minute.
        let start = Utc::now().trunc_subsecs(6);
        let mut posts = Vec::new();
        for author in AUTHORS {
            posts.push(scene.post(people[author], start).await?.get());
        }
        // The clock goes for everybody: blocks of earlier sequences end before this one begins.
        scene.ease(start + Duration::days(3_650)).await?;
        let seq = sqlx::query_scalar("SELECT seq FROM mod_audit_head").fetch_one(&scene.pool).await?;
        let mut world = Self {
            scene,
            start,
            people,
            posts,
            cases: Vec::new(),
            decisions: Vec::new(),
            appeals: Vec::new(),
            law: Law::new(),
            replay: Replay::default(),
            facts: Facts::default(),
            seq,
            edits: 0,
            eased: 0,
            shown: 0,
            escalated: 0,
        };
        world.facts = world.look().await?;
        Ok(world)
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.start + Duration::minutes(self.law.now)
    }

    pub(super) fn who(&self, person: usize) -> Who {
        let role = match person.checked_sub(INVESTORS) {
            None => Role::Investor,
            Some(0 | 1) => Role::Moderator,
            Some(2) => Role::Senior,
            Some(_) => Role::Admin,
        };
        Who { user: self.people[person], role }
    }

    async fn look(&self) -> Result<Facts> {
        let people: Vec<i64> = self.people.iter().map(|person| person.get()).collect();
        facts::read(&self.scene.pool, &self.posts, &people, self.seq).await
    }

    /// Does one act and checks everything. Says whether it was done or refused, or that it made no sense.
    pub(crate) async fn step(&mut self, command: &Command) -> Result<Option<bool>> {
        if !self.law.makes_sense(command) {
            return Ok(None);
        }
        let against = self.law.against(command);
        let done: Done = self.act(command).await?;
        let seen = self.look().await?;
        match done {
            Err(reason) => {
                ensure!(against.contains(&reason), "refused for {reason:?}, but the law has {against:?}");
                ensure!(seen == self.facts, "a refusal changed {:?} to {seen:?}", self.facts);
            }
            Ok(()) => {
                ensure!(against.is_empty(), "taken, but the law has {against:?} against it");
                self.learn(command, seen)?;
            }
        }
        Ok(Some(done.is_ok()))
    }

    /// After an act that was done: the model moves on and must meet what is seen.
    fn learn(&mut self, command: &Command, seen: Facts) -> Result<()> {
        let imposed = self.imposed(command, &seen)?;
        self.law.apply(command, imposed);
        for (known, found) in [
            (&mut self.cases, seen.cases.iter().map(|case| case.id).collect::<Vec<_>>()),
            (&mut self.decisions, seen.decisions.iter().map(|decision| decision.id).collect()),
            (&mut self.appeals, seen.appeals.iter().map(|appeal| appeal.id).collect()),
        ] {
            let new: Vec<i64> = found.into_iter().filter(|id| !known.contains(id)).collect();
            ensure!(new.len() <= 1, "one act made {} of a kind", new.len());
            known.extend(new);
        }
        for row in &seen.log {
            self.replay.follow(row).with_context(|| format!("{row:?}"))?;
            self.eased += u32::from(row.action == "block.expired");
            self.shown += u32::from(row.action == "block.edited_away");
            self.escalated += u32::from(row.action == "case.escalated" && row.actor_id.is_none());
        }
        self.acted_as(command, &seen)?;
        self.seq = seen.log.last().map_or(self.seq, |row| row.seq);
        self.facts = Facts { log: Vec::new(), ..seen };
        compare::agree(self)
    }

    /// Who did what stands in the log; who reported does not.
    fn acted_as(&self, command: &Command, seen: &Facts) -> Result<()> {
        let expected = match *command {
            Command::Report { .. } | Command::Withdraw { .. } => None,
            Command::Step { by, .. } | Command::Decide { by, .. } | Command::Answer { by, .. } => Some(by),
            Command::Appeal { decision, .. } => {
                Some(AUTHORS[self.law.decisions[decision % self.law.decisions.len()].post])
            }
            Command::Edit { .. } | Command::Delete { .. } | Command::Wait { .. } => return Ok(()),
        };
        let expected = expected.map(|person| self.people[person].get());
        ensure!(!seen.log.is_empty(), "nothing was logged");
        let mut acts = seen.log.iter().filter(|row| row.action != "reporters.sanctioned");
        ensure!(acts.all(|row| row.actor_id == expected), "logged as {:?}", seen.log);
        Ok(())
    }

    /// What the weighing rule did after a report, if it was allowed to.
    fn imposed(&self, command: &Command, seen: &Facts) -> Result<Option<Imposed>> {
        let (Command::Report { post, .. } | Command::Withdraw { post, .. }) = *command else {
            return Ok(None);
        };
        let mut new = seen.decisions.iter().filter(|decision| !self.decisions.contains(&decision.id));
        let Some(decision) = new.next() else { return Ok(None) };
        ensure!(decision.automated && decision.by.is_none(), "a report made a person's decision");
        let state = compare::state_of(decision.imposed)?;
        // The report itself is among those that wait.
        let mut before = self.law.clone();
        before.apply(command, None);
        ensure!(before.may_impose(post, state), "the rule may not have imposed {state:?}");
        let grave = ["leading_room", "impersonation", "fake_profit", "illegal"];
        Ok(Some(Imposed { state, grave: grave.contains(&decision.reason.as_str()) }))
    }

    /// How often something happened that no act is named after.
    pub(crate) async fn ends(&self) -> Result<Vec<(&'static str, u32)>> {
        compare::statements(self, self.scene).await?;
        let count = |which: &dyn Fn(&DecisionFact) -> bool| {
            u32::try_from(self.facts.decisions.iter().filter(|decision| which(decision)).count())
        };
        Ok(vec![
            ("limited by reports", count(&|decision| decision.automated && decision.kind == "limit")?),
            ("blocked by reports", count(&|decision| decision.kind == "block")?),
            ("held by the text rules", count(&|decision| decision.kind == "hold")?),
            ("restored by a person", count(&|decision| decision.was != 0 && decision.imposed == 0)?),
            ("eased", self.eased),
            ("shown after an edit", self.shown),
            ("escalated by the clock", self.escalated),
        ])
    }
}
