//! Indexes, and the queue of tasks that change them, done one after the other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    settings::{Sent, Settings},
    wire::Refusal,
};

/// An index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    pub(crate) primary_key: Option<String>,
    pub(crate) settings: Settings,
    /// In the order in which they came in.
    pub(crate) documents: Vec<(String, Map<String, Value>)>,
}

/// What a task does.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Create { primary_key: Option<String> },
    Drop,
    Settings(Box<Sent>),
    Put { documents: Vec<Value>, primary_key: Option<String>, partly: bool },
    Delete { ids: Vec<String> },
    Swap(Vec<(String, String, bool)>),
}

impl Work {
    /// The server's name of the kind.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Create { .. } => "indexCreation",
            Self::Drop => "indexDeletion",
            Self::Settings(_) => "settingsUpdate",
            Self::Put { .. } => "documentAdditionOrUpdate",
            Self::Delete { .. } => "documentDeletion",
            Self::Swap(_) => "indexSwap",
        }
    }
}

/// A task.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) uid: usize,
    pub(crate) index: Option<String>,
    pub(crate) work: Work,
    pub(crate) status: &'static str,
    pub(crate) error: Option<Refusal>,
}

const WHEN: &str = "2026-01-02T03:04:05.678901234Z";

impl Task {
    /// As told when it was entered.
    pub(crate) fn summary(&self) -> Value {
        json!({
            "taskUid": self.uid, "indexUid": self.index, "status": "enqueued", "type": self.work.kind(), "enqueuedAt": WHEN,
        })
    }

    /// As looked at.
    pub(crate) fn view(&self) -> Value {
        let begun = (self.status != "enqueued").then_some(WHEN);
        let done = (!matches!(self.status, "enqueued" | "processing")).then_some(WHEN);
        json!({
            "uid": self.uid, "batchUid": begun.map(|_| self.uid), "indexUid": self.index, "status": self.status,
            "type": self.work.kind(), "canceledBy": (self.status == "canceled").then_some(self.uid + 1),
            "error": self.error.as_ref().map(Refusal::json), "duration": done.map(|_| "PT0.1S"),
            "enqueuedAt": WHEN, "startedAt": begun, "finishedAt": done,
        })
    }
}

/// What happens to the task that is done next instead of what should.
#[derive(Debug, Clone)]
pub(crate) enum Mishap {
    Fails(&'static str),
    IsCanceled,
    /// Goes into a state that clients have not heard of, for one look.
    Puzzles,
}

/// All that a server keeps.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) indexes: BTreeMap<String, Index>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) mishaps: Vec<Mishap>,
}

fn not_found(names: &[&str]) -> Refusal {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let (noun, names) = (if names.len() == 1 { "Index" } else { "Indexes" }, quoted.join(", "));
    Refusal::new("index_not_found", format!("{noun} {names} not found."))
}

impl State {
    /// Enters a task.
    pub(crate) fn enter(&mut self, index: Option<&str>, work: Work) -> Value {
        let uid = self.tasks.len();
        let task = Task { uid, index: index.map(str::to_owned), work, status: "enqueued", error: None };
        let summary = task.summary();
        self.tasks.push(task);
        summary
    }

    /// Takes the first task that is not done one state further.
    pub(crate) fn step(&mut self) -> bool {
        let Some(at) =
            self.tasks.iter().position(|task| matches!(task.status, "enqueued" | "processing" | "pondering"))
        else {
            return false;
        };
        if self.tasks[at].status != "processing" {
            let puzzles =
                self.tasks[at].status == "enqueued" && matches!(self.mishaps.first(), Some(Mishap::Puzzles));
            if puzzles {
                self.mishaps.remove(0);
            }
            self.tasks[at].status = if puzzles { "pondering" } else { "processing" };
            return true;
        }
        let mishap = (!self.mishaps.is_empty()).then(|| self.mishaps.remove(0));
        let task = self.tasks[at].clone();
        let (status, error) = match mishap {
            Some(Mishap::Fails(code)) => ("failed", Some(Refusal::new(code, "It was told to fail."))),
            Some(Mishap::IsCanceled) => ("canceled", None),
            _ => match self.carry_out(&task) {
                Ok(()) => ("succeeded", None),
                Err(refusal) => ("failed", Some(refusal)),
            },
        };
        self.tasks[at].status = status;
        self.tasks[at].error = error;
        true
    }

    /// Does all that is to be done.
    pub(crate) fn settle(&mut self) {
        while self.step() {}
    }

    fn carry_out(&mut self, task: &Task) -> Result<(), Refusal> {
        let name = task.index.clone().unwrap_or_default();
        match &task.work {
            Work::Create { primary_key } => {
                if self.indexes.contains_key(&name) {
                    return Err(Refusal::new(
                        "index_already_exists",
                        format!("Index `{name}` already exists."),
                    ));
                }
                self.indexes.insert(name, Index { primary_key: primary_key.clone(), ..Index::default() });
                Ok(())
            }
            Work::Drop => self.indexes.remove(&name).map(drop).ok_or_else(|| not_found(&[&name])),
            Work::Settings(sent) => {
                self.indexes.entry(name).or_default().settings.apply(sent);
                Ok(())
            }
            Work::Put { documents, primary_key, partly } => self
                .indexes
                .entry(name.clone())
                .or_default()
                .put(&name, documents, primary_key.as_deref(), *partly),
            Work::Delete { ids } => {
                let index = self.indexes.get_mut(&name).ok_or_else(|| not_found(&[&name]))?;
                index.documents.retain(|(id, _)| !ids.contains(id));
                Ok(())
            }
            Work::Swap(swaps) => self.swap(swaps),
        }
    }

    fn swap(&mut self, swaps: &[(String, String, bool)]) -> Result<(), Refusal> {
        let mut missing = BTreeSet::new();
        for (left, right, rename) in swaps {
            missing.extend((!self.indexes.contains_key(left)).then_some(left.as_str()));
            let there = self.indexes.contains_key(right);
            missing.extend((!there && !rename).then_some(right.as_str()));
            if there && *rename {
                let message = format!("Cannot rename `{left}` to `{right}` as the index already exists.");
                return Err(Refusal::new("index_already_exists", message));
            }
        }
        if !missing.is_empty() {
            return Err(not_found(&missing.into_iter().collect::<Vec<_>>()));
        }
        for (left, right, _) in swaps {
            let (a, b) = (self.indexes.remove(left), self.indexes.remove(right));
            self.indexes.extend(a.map(|index| (right.clone(), index)));
            self.indexes.extend(b.map(|index| (left.clone(), index)));
        }
        Ok(())
    }
}

fn id_of(document: &Value, key: &str) -> Result<String, Refusal> {
    let id = match document.get(key) {
        None => {
            let message = format!("Document doesn't have a `{key}` attribute: `{document}`.");
            return Err(Refusal::new("missing_document_id", message));
        }
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Some(Value::String(text)) => {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            (!text.is_empty() && text.len() <= 511 && text.chars().all(fits)).then(|| text.clone())
        }
        Some(_) => None,
    };
    id.ok_or_else(|| {
        let message = format!("Document identifier `{}` is invalid.", document[key]);
        Refusal::new("invalid_document_id", message)
    })
}

impl Index {
    fn key(&self, name: &str, documents: &[Value], given: Option<&str>) -> Result<Option<String>, Refusal> {
        if let (Some(known), Some(given)) = (self.primary_key.as_deref(), given)
            && known != given
        {
            let message = format!("Index `{name}`: Index already has a primary key: `{known}`.");
            return Err(Refusal::new("index_primary_key_already_exists", message));
        }
        if let Some(key) = self.primary_key.as_deref().or(given) {
            return Ok(Some(key.to_owned()));
        }
        let Some(first) = documents.first().and_then(Value::as_object) else { return Ok(None) };
        let mut candidates = first.keys().filter(|field| field.to_lowercase().ends_with("id"));
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => Ok(Some(only.clone())),
            (None, _) => {
                Err(Refusal::new("index_primary_key_no_candidate_found", "The primary key inference failed"))
            }
            _ => Err(Refusal::new(
                "index_primary_key_multiple_candidates_found",
                "The primary key inference failed",
            )),
        }
    }

    fn put(
        &mut self,
        name: &str,
        documents: &[Value],
        given: Option<&str>,
        partly: bool,
    ) -> Result<(), Refusal> {
        let Some(key) = self.key(name, documents, given)? else { return Ok(()) };
        let ids: Result<Vec<String>, Refusal> =
            documents.iter().map(|document| id_of(document, &key)).collect();
        for (id, document) in ids?.into_iter().zip(documents) {
            let new = document.as_object().cloned().unwrap_or_default();
            match self.documents.iter_mut().find(|(known, _)| *known == id) {
                Some((_, known)) if partly => known.extend(new),
                Some((_, known)) => *known = new,
                None => self.documents.push((id, new)),
            }
        }
        self.primary_key = Some(key);
        Ok(())
    }
}
