//! What each act needs. The law as a person would write it down from the description of moderation: it shares
//! nothing with the product. What the weighing rule decides it is told, within limits.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;

use super::Command;

/// People: so many investors, then two moderators, a senior and an admin.
pub(crate) const INVESTORS: usize = 8;
pub(crate) const PEOPLE: usize = INVESTORS + 4;
/// Who wrote the two posts: an investor, and a moderator.
pub(crate) const AUTHORS: [usize; 2] = [0, INVESTORS];

const EDIT_MINUTES: i64 = 30;
const COUNTED_MINUTES: i64 = 30 * 24 * 60;
const APPEAL_MINUTES: i64 = 180 * 24 * 60;

pub(crate) const fn is_senior(person: usize) -> bool {
    person >= INVESTORS + 2
}

/// Where a post stands, from what everybody sees to what nobody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Visible,
    Limited,
    Blocked,
    Held,
    Removed,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Withdrawn,
    Agreed,
    Disagreed,
    /// About a text that is no longer there.
    Ignored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CaseState {
    Open,
    Claimed,
    Escalated,
    Decided,
}

/// Why an act is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Gone,
    Own,
    OwnReport,
    OwnDecision,
    Already,
    Judged,
    NotFound,
    Decided,
    Claimed,
    NeedsSenior,
    Stale,
    TooLate,
    Nothing,
}

#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) state: State,
    pub(crate) deleted: bool,
    pub(crate) revision: i32,
    /// By reporter.
    pub(crate) reports: BTreeMap<usize, Report>,
}

/// What was reported, in which case, and what became of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    pub(crate) status: Status,
    pub(crate) case: usize,
    pub(crate) revision: i32,
}

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) post: usize,
    pub(crate) state: CaseState,
    /// Whether it is for seniors, whoever is at it.
    pub(crate) escalated: bool,
    /// When a blocked post that was edited is shown again, and whether it was.
    pub(crate) shows: Option<i64>,
    pub(crate) shown: bool,
    /// Who is at it, and until when.
    pub(crate) held: Option<(usize, i64)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Decision {
    pub(crate) post: usize,
    pub(crate) case: usize,
    pub(crate) by: Option<usize>,
    pub(crate) imposed: State,
    /// What is left of it: a block that ran out is a limit, and one that ended is nothing.
    pub(crate) in_force: State,
    /// A block for something that may not come back by itself.
    pub(crate) grave: bool,
    pub(crate) locks: Option<i32>,
    pub(crate) at: i64,
    pub(crate) runs_out: Option<i64>,
    pub(crate) appealed: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Appeal {
    pub(crate) decision: usize,
    pub(crate) open: bool,
}

/// What the world may tell the model after an act: what the weighing rule imposed, and whether for something
/// grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Imposed {
    pub(crate) state: State,
    pub(crate) grave: bool,
}

/// All the model knows.
#[derive(Debug, Clone)]
pub(crate) struct Law {
    pub(crate) now: i64,
    pub(crate) posts: Vec<Post>,
    pub(crate) cases: Vec<Case>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) appeals: Vec<Appeal>,
}

impl Law {
    pub(crate) fn new() -> Self {
        let post = Post { state: State::Visible, deleted: false, revision: 0, reports: BTreeMap::new() };
        Self { now: 0, posts: vec![post.clone(), post], cases: vec![], decisions: vec![], appeals: vec![] }
    }

    /// The newest case of a post.
    pub(crate) fn case_of(&self, post: usize) -> Option<usize> {
        self.cases.iter().rposition(|case| case.post == post)
    }

    /// Whether the act can be tried at all: readers report what they were shown, moderators act on cases,
    /// appeals are against decisions.
    pub(crate) fn makes_sense(&self, command: &Command) -> bool {
        match *command {
            Command::Report { post, .. } => self.posts[post].state <= State::Blocked,
            Command::Step { post, .. } | Command::Decide { post, .. } => self.case_of(post).is_some(),
            Command::Appeal { .. } => !self.decisions.is_empty(),
            Command::Answer { .. } => !self.appeals.is_empty(),
            _ => true,
        }
    }

    /// Every reason against an act; it is legal where there is none.
    pub(crate) fn against(&self, command: &Command) -> Vec<Reason> {
        let mut found = Vec::new();
        let mut when = |holds: bool, reason| found.extend(holds.then_some(reason));
        match *command {
            Command::Report { post, by, .. } => self.against_report(post, by, &mut when),
            Command::Withdraw { post, by } => {
                let status = self.posts[post].reports.get(&by).map(|report| report.status);
                when(status.is_none(), Reason::NotFound);
                when(status == Some(Status::Withdrawn), Reason::Already);
                when(
                    matches!(status, Some(Status::Agreed | Status::Disagreed | Status::Ignored)),
                    Reason::Judged,
                );
            }
            Command::Step { post, by, .. } => self.against_case(post, by, &mut when),
            Command::Decide { post, by, fresh, .. } => {
                self.against_case(post, by, &mut when);
                when(!fresh, Reason::Stale);
                when(self.posts[post].reports.contains_key(&by), Reason::OwnReport);
            }
            Command::Edit { post, .. } => {
                when(self.posts[post].deleted, Reason::Gone);
                when(self.now > EDIT_MINUTES, Reason::TooLate);
            }
            Command::Delete { post } => when(self.posts[post].deleted, Reason::Gone),
            Command::Appeal { decision, by_author } => {
                when(!by_author, Reason::NotFound);
                self.against_appeal(&self.decisions[decision % self.decisions.len()], &mut when);
            }
            Command::Answer { appeal, by, .. } => {
                let appeal = &self.appeals[appeal % self.appeals.len()];
                let decision = &self.decisions[appeal.decision];
                when(!appeal.open, Reason::Decided);
                when(decision.by == Some(by), Reason::OwnDecision);
                when(AUTHORS[decision.post] == by, Reason::Own);
                when(self.posts[decision.post].reports.contains_key(&by), Reason::OwnReport);
                when(self.cases[decision.case].escalated && !is_senior(by), Reason::NeedsSenior);
            }
            Command::Wait { .. } => {}
        }
        found
    }

    fn against_report(&self, post: usize, by: usize, when: &mut impl FnMut(bool, Reason)) {
        let Post { deleted, revision, ref reports, .. } = self.posts[post];
        let earlier = reports.get(&by).map(|report| (report.status, report.revision < revision));
        when(deleted, Reason::Gone);
        when(AUTHORS[post] == by, Reason::Own);
        when(matches!(earlier, Some((Status::Pending, _))), Reason::Already);
        // What was ignored because the text was replaced can be said of the new one.
        let judged =
            matches!(earlier, Some((Status::Agreed | Status::Disagreed, _) | (Status::Ignored, false)));
        when(judged, Reason::Judged);
    }

    fn against_appeal(&self, decision: &Decision, when: &mut impl FnMut(bool, Reason)) {
        when(decision.imposed == State::Visible, Reason::Nothing);
        when(decision.appealed, Reason::Already);
        when(self.now - decision.at > APPEAL_MINUTES, Reason::TooLate);
    }

    fn against_case(&self, post: usize, by: usize, when: &mut impl FnMut(bool, Reason)) {
        let Some(case) = self.case_of(post).map(|at| &self.cases[at]) else { return };
        when(case.state == CaseState::Decided, Reason::Decided);
        when(
            case.state != CaseState::Decided
                && case.held.is_some_and(|(who, until)| who != by && until > self.now),
            Reason::Claimed,
        );
        when(case.escalated && !is_senior(by), Reason::NeedsSenior);
        when(AUTHORS[post] == by, Reason::Own);
    }

    /// Whether the rule may have imposed that: more than it was, on the word of more than one, not on a text
    /// that is locked, and no block where one ran out or where readers are no longer counted.
    pub(crate) fn may_impose(&self, post: usize, state: State) -> bool {
        let Post { state: was, revision, deleted, ref reports } = self.posts[post];
        let pending = reports.values().filter(|report| report.status == Status::Pending).count();
        let of_post = || self.decisions.iter().filter(|decision| decision.post == post);
        let locked = of_post().any(|decision| decision.locks == Some(revision));
        let ran_out = of_post().any(|decision| {
            Some(decision.case) == self.case_of(post)
                && decision.imposed == State::Blocked
                && decision.in_force == State::Limited
        });
        let stronger = matches!(
            (was, state),
            (State::Visible, State::Limited | State::Blocked) | (State::Limited, State::Blocked)
        );
        let counted = state == State::Limited || (!ran_out && self.now <= COUNTED_MINUTES);
        stronger && counted && pending >= 2 && !locked && !deleted
    }
}
