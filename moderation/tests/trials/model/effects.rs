//! What each act does, by the same law.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use super::{
    Command, Measure, Step,
    law::{Appeal, Case, CaseState, Decision, Imposed, Law, Post, Report, State, Status},
};

const CLAIM_MINUTES: i64 = 15;
const SHOWN_AFTER_MINUTES: i64 = 10;
const BLOCK_MINUTES: i64 = 24 * 60;

impl Law {
    fn open_case(&mut self, post: usize) -> usize {
        match self.case_of(post) {
            Some(at) if self.cases[at].state != CaseState::Decided => at,
            _ => {
                self.cases.push(Case {
                    post,
                    state: CaseState::Open,
                    escalated: false,
                    shows: None,
                    shown: false,
                    held: None,
                });
                self.cases.len() - 1
            }
        }
    }

    /// A legal act is done.
    pub(crate) fn apply(&mut self, command: &Command, imposed: Option<Imposed>) {
        match *command {
            Command::Report { post, by, .. } => {
                let case = self.open_case(post);
                let revision = self.posts[post].revision;
                self.posts[post].reports.insert(by, Report { status: Status::Pending, case, revision });
                self.impose(post, case, imposed);
            }
            Command::Withdraw { post, by } => {
                if let Some(report) = self.posts[post].reports.get_mut(&by) {
                    report.status = Status::Withdrawn;
                    let case = report.case;
                    self.impose(post, case, imposed);
                }
            }
            Command::Step { post, by, step } => self.step(post, by, step),
            Command::Decide { post, by, measure, lock, .. } => self.decide(post, by, measure, lock),
            Command::Edit { post, invitation } => self.edit(post, invitation),
            Command::Delete { post } => self.posts[post].deleted = true,
            Command::Appeal { decision, .. } => {
                let decision = decision % self.decisions.len();
                self.decisions[decision].appealed = true;
                self.appeals.push(Appeal { decision, open: true });
            }
            Command::Answer { appeal, by, overturn } => {
                self.answer(appeal % self.appeals.len(), by, overturn)
            }
            Command::Wait { minutes } => self.wait(minutes),
        }
    }

    /// A new text is screened like a new post. A block of the old one ends in ten minutes, once, unless the new
    /// one is no better or the block was for something grave.
    fn edit(&mut self, post: usize, invitation: bool) {
        self.posts[post].revision += 1;
        let blocked = self.posts[post].state == State::Blocked;
        let of_case = |decision: &&Decision| Some(decision.case) == self.case_of(post);
        let block =
            self.decisions.iter().rfind(|decision| of_case(decision) && decision.imposed == State::Blocked);
        let grave = block.is_none_or(|block| block.grave);
        let now = self.now;
        if let Some(at) = self.case_of(post).filter(|at| self.cases[*at].state != CaseState::Decided) {
            let again = blocked && !invitation && !grave && !self.cases[at].shown;
            self.cases[at].shows = again.then_some(now + SHOWN_AFTER_MINUTES);
        }
        if invitation && self.posts[post].state <= State::Limited {
            let case = self.open_case(post);
            self.impose(post, case, Some(Imposed { state: State::Held, grave: false }));
        }
    }

    /// What was reported of an earlier text counts no longer.
    fn show_again(&mut self, case: usize) {
        let post = self.cases[case].post;
        let Post { state, deleted, revision, .. } = self.posts[post];
        if self.cases[case].state == CaseState::Decided || state != State::Blocked || deleted {
            return;
        }
        self.end(|decision| decision.case == case);
        for report in self.posts[post].reports.values_mut() {
            if report.case == case && report.status == Status::Pending && report.revision < revision {
                report.status = Status::Ignored;
            }
        }
        self.settle(post);
    }

    fn impose(&mut self, post: usize, case: usize, imposed: Option<Imposed>) {
        let Some(Imposed { state, grave }) = imposed else { return };
        let runs_out = (state == State::Blocked).then_some(self.now + BLOCK_MINUTES);
        self.record(Decision { grave, runs_out, ..self.decision(post, case, None, state) });
    }

    fn decision(&self, post: usize, case: usize, by: Option<usize>, imposed: State) -> Decision {
        Decision {
            post,
            case,
            by,
            imposed,
            in_force: imposed,
            grave: false,
            locks: None,
            at: self.now,
            runs_out: None,
            appealed: false,
        }
    }

    fn record(&mut self, decision: Decision) {
        let post = decision.post;
        self.decisions.push(decision);
        self.settle(post);
    }

    /// A post stands where the strictest measure in force puts it; once deleted it stays as it was.
    fn settle(&mut self, post: usize) {
        if !self.posts[post].deleted {
            let measures = self.decisions.iter().filter(|decision| decision.post == post);
            let strictest = measures.map(|decision| decision.in_force).max();
            self.posts[post].state = strictest.unwrap_or(State::Visible);
        }
    }

    fn step(&mut self, post: usize, by: usize, step: Step) {
        let Some(at) = self.case_of(post) else { return };
        let now = self.now;
        let case = &mut self.cases[at];
        // What was handed to a senior stays with the seniors.
        case.escalated |= step == Step::Escalate;
        (case.state, case.held) = match step {
            Step::Claim => (CaseState::Claimed, Some((by, now + CLAIM_MINUTES))),
            Step::Release if !case.escalated => (CaseState::Open, None),
            Step::Release | Step::Escalate => (CaseState::Escalated, None),
        };
    }

    fn decide(&mut self, post: usize, by: usize, measure: Measure, lock: bool) {
        let Some(case) = self.case_of(post) else { return };
        let keep = measure == Measure::Keep;
        let verdict = if keep { Status::Disagreed } else { Status::Agreed };
        self.judge(post, case, &[Status::Pending], verdict);
        self.cases[case].state = CaseState::Decided;
        self.end(|decision| decision.post == post);
        let imposed = match measure {
            Measure::Keep => State::Visible,
            Measure::Limit => State::Limited,
            Measure::Remove => State::Removed,
        };
        let locks = (lock && keep).then_some(self.posts[post].revision);
        self.record(Decision { locks, ..self.decision(post, case, Some(by), imposed) });
    }

    fn judge(&mut self, post: usize, case: usize, of: &[Status], verdict: Status) {
        for report in self.posts[post].reports.values_mut() {
            if report.case == case && of.contains(&report.status) {
                report.status = verdict;
            }
        }
    }

    fn end(&mut self, which: impl Fn(&Decision) -> bool) {
        for decision in self.decisions.iter_mut().filter(|decision| which(decision)) {
            (decision.in_force, decision.runs_out) = (State::Visible, None);
        }
    }

    /// An appeal that is heard ends the decision and what the machine did on the same reports. What a person
    /// decided otherwise stands.
    fn answer(&mut self, appeal: usize, by: usize, overturn: bool) {
        self.appeals[appeal].open = false;
        if !overturn {
            return;
        }
        let at = self.appeals[appeal].decision;
        let (post, case) = (self.decisions[at].post, self.decisions[at].case);
        let was = self.posts[post].state;
        (self.decisions[at].in_force, self.decisions[at].runs_out) = (State::Visible, None);
        let stands = |decision: &Decision| {
            decision.case == case && decision.by.is_some() && decision.in_force != State::Visible
        };
        if !self.decisions.iter().any(stands) {
            self.judge(post, case, &[Status::Pending, Status::Agreed], Status::Disagreed);
            self.end(|decision| decision.case == case && decision.by.is_none());
            self.cases[case].state = CaseState::Decided;
        }
        self.settle(post);
        if was != State::Visible && self.posts[post].state == State::Visible {
            let kept = self.decision(post, case, Some(by), State::Visible);
            self.record(kept);
        }
    }

    /// Time goes by; blocks that nobody reviewed run out, or go to a senior.
    fn wait(&mut self, minutes: i64) {
        self.now += minutes;
        for at in 0..self.cases.len() {
            if self.cases[at].shows.is_some_and(|due| due <= self.now) {
                (self.cases[at].shows, self.cases[at].shown) = (None, true);
                self.show_again(at);
            }
        }
        for at in 0..self.decisions.len() {
            if self.decisions[at].runs_out.is_none_or(|end| end > self.now) {
                continue;
            }
            let Decision { post, case, grave, .. } = self.decisions[at];
            self.decisions[at].runs_out = None;
            if grave {
                (self.cases[case].state, self.cases[case].held) = (CaseState::Escalated, None);
                self.cases[case].escalated = true;
            } else {
                self.decisions[at].in_force = State::Limited;
                self.settle(post);
            }
        }
    }
}
