//! Measures the built-in rules on labelled texts. Only this module reads files.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use anyhow::Context as _;

use super::{Class, Context, Outcome, RuleSet, Screening, default_rules, screen};

/// Label of K-MHaS documents without any hate.
const KMHAS_NONE: &str = "8";

/// How many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Found.
    pub hits: u32,
    /// Looked at.
    pub of: u32,
}

impl Share {
    fn count(&mut self, hit: bool) {
        self.hits += u32::from(hit);
        self.of += 1;
    }

    /// As a number between 0 and 1; 0 of nothing.
    pub fn value(self) -> f64 {
        if self.of == 0 { 0.0 } else { f64::from(self.hits) / f64::from(self.of) }
    }
}

/// Labelled lines and what was found in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scores {
    /// Lines that should be found, by transform.
    pub recall: BTreeMap<String, Share>,
    /// Lines that should not.
    pub false_alarms: Share,
}

impl Scores {
    /// Recall over all transforms.
    pub fn overall(&self) -> Share {
        self.recall
            .values()
            .fold(Share::default(), |sum, share| Share { hits: sum.hits + share.hits, of: sum.of + share.of })
    }

    /// Recall of the worst transform.
    pub fn worst(&self) -> f64 {
        self.recall.values().map(|share| share.value()).fold(f64::INFINITY, f64::min)
    }
}

/// What was measured; a set whose file is missing is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// Disguised swear words.
    pub profanity: Option<Scores>,
    /// Comments that are abusive or not: of those found, the abusive ones; of the abusive ones, those found.
    pub curse: Option<(Share, Share)>,
    /// Comments without hate that were found.
    pub kmhas_none: Option<Share>,
    /// Invitations to leading rooms.
    pub leading: Option<Scores>,
    /// Files that were not there.
    pub skipped: Vec<&'static str>,
}

/// Texts held out of those screened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holds {
    /// Held or refused for any reason.
    pub any: Share,
    /// Of these, by the leading-room rule.
    pub leading: Share,
    /// Texts with bad language.
    pub foul: Share,
}

/// Evaluates the built-in rules on the files of a folder.
pub fn evaluate(dir: &Path) -> anyhow::Result<Evaluation> {
    let rules = RuleSet::compile(&default_rules()).context("compile the built-in rules")?;
    let mut result = Evaluation::default();
    let mut file = |names: &[&'static str]| -> anyhow::Result<Option<String>> {
        let found = names.iter().map(|name| dir.join(name)).find(|path| path.exists());
        if found.is_none() {
            result.skipped.extend(names.first());
        }
        found
            .map(|path| fs::read_to_string(&path).with_context(|| format!("read {}", path.display())))
            .transpose()
    };
    let profanity = file(&["profanity_evasion.tsv"])?;
    let curse = file(&["curse_detection.txt"])?;
    let kmhas = file(&["kmhas_valid.txt", "kmhas_test.txt"])?;
    let leading = file(&["leading_room.tsv"])?;
    result.profanity = profanity.map(|text| by_transform(&rules, &text, Screening::is_foul));
    result.curse = curse.map(|text| precision_and_recall(&rules, &text));
    result.kmhas_none = kmhas.map(|text| none_found(&rules, &text));
    result.leading =
        leading.map(|text| by_transform(&rules, &text, |found| found.agrees(Class::LeadingRoom)));
    Ok(result)
}

/// Counts the texts that authors of good standing would have held.
pub fn count_holds<S: AsRef<str>>(rules: &RuleSet, texts: impl IntoIterator<Item = S>) -> Holds {
    let context = Context::default();
    texts.into_iter().fold(Holds::default(), |mut holds, text| {
        let found = screen(rules, text.as_ref(), &context);
        holds.any.count(found.outcome >= Outcome::Hold);
        holds.leading.count(found.agrees(Class::LeadingRoom));
        holds.foul.count(found.is_foul());
        holds
    })
}

fn by_transform(rules: &RuleSet, tsv: &str, finds: impl Fn(&Screening) -> bool) -> Scores {
    let context = Context::default();
    let mut scores = Scores::default();
    for line in tsv.lines().skip(1) {
        let mut columns = line.splitn(3, '\t');
        let (Some(label), Some(transform), Some(text)) = (columns.next(), columns.next(), columns.next())
        else {
            continue;
        };
        let hit = finds(&screen(rules, &unquoted(text), &context));
        match label {
            "1" => scores.recall.entry(transform.to_owned()).or_default().count(hit),
            _ => scores.false_alarms.count(hit),
        }
    }
    scores
}

/// A field as written, without the quotes that protect quotes inside it.
fn unquoted(field: &str) -> String {
    match field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => field.to_owned(),
    }
}

fn precision_and_recall(rules: &RuleSet, text: &str) -> (Share, Share) {
    let context = Context::default();
    let (mut precision, mut recall) = (Share::default(), Share::default());
    for (comment, label) in text.lines().filter_map(|line| line.rsplit_once('|')) {
        let abusive = label.trim() == "1";
        let hit = screen(rules, comment, &context).is_foul();
        if hit {
            precision.count(abusive);
        }
        if abusive {
            recall.count(hit);
        }
    }
    (precision, recall)
}

fn none_found(rules: &RuleSet, text: &str) -> Share {
    let context = Context::default();
    let mut share = Share::default();
    for (comment, labels) in text.lines().skip(1).filter_map(|line| line.rsplit_once('\t')) {
        if labels.trim() == KMHAS_NONE {
            share.count(screen(rules, &unquoted(comment), &context).is_foul());
        }
    }
    share
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.skipped {
            writeln!(f, "skipped: {name} is not there")?;
        }
        if let Some(scores) = &self.profanity {
            writeln!(f, "profanity_recall={:.4}", scores.overall().value())?;
            writeln!(f, "profanity_min_transform={:.4}", scores.worst())?;
            writeln!(f, "hard_negative_fpr={:.4}", scores.false_alarms.value())?;
        }
        if let Some((precision, recall)) = self.curse {
            writeln!(f, "curse_precision={:.4}", precision.value())?;
            writeln!(f, "curse_recall={:.4}", recall.value())?;
        }
        if let Some(share) = self.kmhas_none {
            writeln!(f, "kmhas_none_fpr={:.4}", share.value())?;
        }
        if let Some(scores) = &self.leading {
            writeln!(f, "leading_recall={:.4}", scores.overall().value())?;
            writeln!(f, "leading_fpr={:.4}", scores.false_alarms.value())?;
        }
        table(f, "profanity", self.profanity.as_ref())?;
        table(f, "leading room", self.leading.as_ref())
    }
}

fn table(f: &mut fmt::Formatter<'_>, title: &str, scores: Option<&Scores>) -> fmt::Result {
    let Some(scores) = scores else { return Ok(()) };
    writeln!(f, "\n{title:<18} found   of  recall")?;
    for (transform, share) in &scores.recall {
        writeln!(f, "{transform:<18} {:>5} {:>4}  {:.4}", share.hits, share.of, share.value())?;
    }
    Ok(())
}
