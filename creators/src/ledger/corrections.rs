//! Corrections that only fit together: a wrong split stands in the ledger of everybody who holds the share, and no
//! row of it can say otherwise alone.

use std::collections::{BTreeMap, HashSet};

use madang_core::ids::TickerId;

use super::{
    books::{Books, Verdict},
    intake::Candidate,
    row::Refusal,
    splits::Split,
};

type Waiting = (Candidate, Refusal);

impl Books {
    /// Judges corrections of splits that contradict rows standing so far, all of one share at once: all of them
    /// count or none does. Takes what was wrong with each alone.
    pub(super) fn correct_together(&mut self, waiting: Vec<Waiting>) -> (Vec<Candidate>, Vec<Verdict>) {
        let mut by_share: BTreeMap<Option<TickerId>, Vec<Waiting>> = BTreeMap::new();
        let (mut accepted, mut verdicts) = (Vec::new(), Vec::new());
        let mut named = HashSet::new();
        for (candidate, refusal) in waiting {
            // A row is corrected once.
            if named.insert(candidate.row.corrects.clone()) {
                by_share.entry(candidate.row.ticker).or_default().push((candidate, refusal));
            } else {
                verdicts.push(Verdict { place: candidate.place, refusal });
            }
        }
        for group in by_share.into_values() {
            let before = self.clone();
            match self.replace_all(&group) {
                Ok(()) => accepted.extend(group.into_iter().map(|(candidate, _)| candidate)),
                Err(wrong) => {
                    *self = before;
                    let place = wrong.place;
                    let rest = group.into_iter().filter(|(candidate, _)| candidate.place != place);
                    verdicts.extend(rest.map(|(c, refusal)| Verdict { place: c.place, refusal }));
                    verdicts.push(wrong);
                }
            }
        }
        (accepted, verdicts)
    }

    fn replace_all(&mut self, group: &[Waiting]) -> Result<(), Verdict> {
        let target = |books: &Self, candidate: &Candidate| {
            candidate.row.corrects.as_ref().and_then(|named| books.targets.get(named)).copied()
        };
        for (candidate, _) in group {
            let old = target(self, candidate).and_then(|target| target.split);
            self.splits.forget(old);
        }
        for (candidate, alone) in group {
            let wrong = |refusal| Verdict { place: candidate.place, refusal };
            let old = target(self, candidate).ok_or_else(|| wrong(alone.clone()))?;
            let split = Split::of(&candidate.row);
            self.splits.check(split).and_then(|()| self.replace(candidate, old)).map_err(wrong)?;
            self.splits.note(split);
            self.stand_for(candidate.row.corrects.as_deref().unwrap_or_default(), candidate);
        }
        Ok(())
    }
}
