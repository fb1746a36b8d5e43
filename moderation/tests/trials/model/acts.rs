//! Each act with the product, and its refusals in the words of the law.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use anyhow::{Result, bail};
use chrono::Duration;
use madang_core::{
    ids::{AppealId, CaseId, DecisionId, PostId},
    posts::{self, EditRefused},
};
use madang_moderation::{
    appeals::{self, Against, Answer, AnswerRefused, Outcome},
    claims::{self, StepRefused},
    decisions::{self, Refused},
    reports::{self, Withdrawn},
};

use super::{
    Command, Measure, Step,
    law::{AUTHORS, Reason},
    world::World,
};
use crate::scene::Verdict;

/// Held by the text rules whoever writes it.
const INVITATION: &str = "선착순 무료 리딩방 수익 보장 open.kakao.com/o/gAb12CdE";

/// What an act came to.
pub(super) type Done = Result<(), Reason>;

impl World<'_> {
    pub(super) async fn act(&mut self, command: &Command) -> Result<Done> {
        let now = self.now();
        match *command {
            Command::Report { post, by, category } => {
                let post = PostId::new(self.posts[post]);
                Ok(match self.scene.report(post, self.people[by], category, now).await? {
                    Ok(_) => Ok(()),
                    Err(reports::Refused::Gone) => Err(Reason::Gone),
                    Err(reports::Refused::Own) => Err(Reason::Own),
                    Err(reports::Refused::Already) => Err(Reason::Already),
                    Err(reports::Refused::Judged) => Err(Reason::Judged),
                    Err(refused @ reports::Refused::Budget { .. }) => bail!("{refused:?}"),
                })
            }
            Command::Withdraw { post, by } => {
                let post = PostId::new(self.posts[post]);
                Ok(match self.scene.withdraw(post, self.people[by], now).await? {
                    Withdrawn::Done => Ok(()),
                    Withdrawn::Already => Err(Reason::Already),
                    Withdrawn::Judged => Err(Reason::Judged),
                    Withdrawn::NotFound => Err(Reason::NotFound),
                })
            }
            Command::Step { post, by, step } => self.take(post, by, step).await,
            Command::Decide { .. } => self.decide(command).await,
            Command::Edit { post, invitation } => self.edit(post, invitation).await,
            Command::Delete { post } => self.delete(post).await,
            Command::Appeal { decision, by_author } => self.appeal(decision, by_author).await,
            Command::Answer { appeal, by, overturn } => self.answer(appeal, by, overturn).await,
            Command::Wait { minutes } => {
                self.scene.ease(now + Duration::minutes(minutes)).await?;
                Ok(Ok(()))
            }
        }
    }

    fn case(&self, post: usize) -> CaseId {
        CaseId::new(self.law.case_of(post).map_or(0, |at| self.cases[at]))
    }

    async fn take(&self, post: usize, by: usize, step: Step) -> Result<Done> {
        let step = match step {
            Step::Claim => claims::Step::Claim,
            Step::Release => claims::Step::Release,
            Step::Escalate => claims::Step::Escalate,
        };
        let mut tx = self.scene.pool.begin().await?;
        let taken = claims::step(&mut tx, self.case(post), self.who(by), step, self.now(), "trial").await?;
        tx.commit().await?;
        Ok(match taken {
            Ok(_) => Ok(()),
            Err(StepRefused::NotFound) => Err(Reason::NotFound),
            Err(StepRefused::Decided) => Err(Reason::Decided),
            Err(StepRefused::Claimed { .. }) => Err(Reason::Claimed),
            Err(StepRefused::NeedsSenior) => Err(Reason::NeedsSenior),
            Err(StepRefused::OwnPost) => Err(Reason::Own),
            Err(refused @ StepRefused::Unfit) => bail!("{refused:?}"),
        })
    }

    async fn decide(&self, command: &Command) -> Result<Done> {
        let Command::Decide { post, by, measure, fresh, lock } = *command else { bail!("{command:?}") };
        let case = self.case(post);
        let held = self.facts.cases.iter().find(|fact| fact.id == case.get());
        let version = held.map_or(0, |fact| fact.version) - i32::from(!fresh);
        let measure = match measure {
            Measure::Keep => decisions::Measure::Keep,
            Measure::Limit => decisions::Measure::Limit,
            Measure::Remove => decisions::Measure::Remove,
        };
        let verdict = Verdict { case, version, moderator: self.who(by), measure, lock };
        Ok(match self.scene.decide(&verdict, self.now()).await? {
            Ok(_) => Ok(()),
            Err(Refused::NotFound) => Err(Reason::NotFound),
            Err(Refused::Decided { .. }) => Err(Reason::Decided),
            Err(Refused::Stale { .. }) => Err(Reason::Stale),
            Err(Refused::Claimed { .. }) => Err(Reason::Claimed),
            Err(Refused::NeedsSenior) => Err(Reason::NeedsSenior),
            Err(Refused::OwnPost) => Err(Reason::Own),
            Err(Refused::OwnReport) => Err(Reason::OwnReport),
            Err(refused) => bail!("{refused:?}"),
        })
    }

    async fn edit(&mut self, post: usize, invitation: bool) -> Result<Done> {
        self.edits += 1;
        let words = if invitation { INVITATION } else { "a post" };
        let text = format!("{words} {}", self.edits);
        let (id, author) = (PostId::new(self.posts[post]), self.people[AUTHORS[post]]);
        Ok(match self.scene.edit(id, author, &text, self.now()).await? {
            Ok(()) => Ok(()),
            Err(EditRefused::NotFound) => Err(Reason::Gone),
            Err(EditRefused::TooLate) => Err(Reason::TooLate),
            Err(refused @ EditRefused::Repost) => bail!("{refused:?}"),
        })
    }

    async fn delete(&self, post: usize) -> Result<Done> {
        let (id, author) = (PostId::new(self.posts[post]), self.people[AUTHORS[post]]);
        let mut tx = self.scene.pool.begin().await?;
        let done = posts::delete(&mut tx, id, author, self.now()).await?;
        tx.commit().await?;
        Ok(if done { Ok(()) } else { Err(Reason::Gone) })
    }

    async fn appeal(&self, decision: usize, by_author: bool) -> Result<Done> {
        let at = decision % self.decisions.len();
        let author = AUTHORS[self.law.decisions[at].post];
        let who = self.who(if by_author { author } else { author + 1 });
        let decision = DecisionId::new(self.decisions[at]);
        let mut tx = self.scene.pool.begin().await?;
        let sent =
            appeals::send(&mut tx, who, Against::Decision(decision), "why", self.now(), "trial").await?;
        tx.commit().await?;
        Ok(match sent {
            Ok(_) => Ok(()),
            Err(appeals::Refused::NotFound) => Err(Reason::NotFound),
            Err(appeals::Refused::NothingToAppeal) => Err(Reason::Nothing),
            Err(appeals::Refused::Already) => Err(Reason::Already),
            Err(appeals::Refused::TooLate) => Err(Reason::TooLate),
        })
    }

    async fn answer(&self, appeal: usize, by: usize, overturn: bool) -> Result<Done> {
        let at = appeal % self.appeals.len();
        let answer = Answer {
            appeal: AppealId::new(self.appeals[at]),
            moderator: self.who(by),
            outcome: if overturn { Outcome::Overturned } else { Outcome::Upheld },
            words: "because",
            now: self.now(),
            request_id: "trial",
        };
        let mut tx = self.scene.pool.begin().await?;
        let answered = appeals::answer(&mut tx, &answer).await?;
        tx.commit().await?;
        let decision = &self.law.decisions[self.law.appeals[at].decision];
        Ok(match answered {
            Ok(_) => Ok(()),
            Err(AnswerRefused::NotFound) => Err(Reason::NotFound),
            Err(refused @ (AnswerRefused::Rights | AnswerRefused::NeedsAdmin)) => bail!("{refused:?}"),
            Err(AnswerRefused::NeedsSenior) => Err(Reason::NeedsSenior),
            Err(AnswerRefused::Decided { .. }) => Err(Reason::Decided),
            // One word for three reasons; which of them holds is the law's to know.
            Err(AnswerRefused::NotYours) if decision.by == Some(by) => Err(Reason::OwnDecision),
            Err(AnswerRefused::NotYours) if AUTHORS[decision.post] == by => Err(Reason::Own),
            Err(AnswerRefused::NotYours) => Err(Reason::OwnReport),
        })
    }
}
