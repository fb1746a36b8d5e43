//! Writes: the server takes each as a task, does the tasks of an index in their order, and says afterwards how it went.

use std::{future::Future, time::Duration};

use meilisearch_sdk::{
    errors::Error,
    request::{HttpClient, Method},
    task_info::TaskInfo,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    Meilisearch,
    http::Trouble,
    stored::{StoredPerson, StoredPost, Weight},
};
use crate::documents::Batch;

/// Most documents of a request.
const MAX_DOCUMENTS: usize = 1000;
/// Most bytes of a request, about.
const MAX_BYTES: usize = 5_000_000;
/// Tries of a request that may be repeated, or of a look at a task, before the server counts as away.
const TRIES: u32 = 3;
/// The longest wait between looks at a task.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A task as looked at: only what is needed, so that kinds and details unknown here do no harm.
#[derive(Debug, Deserialize)]
struct TaskView {
    status: String,
    error: Option<TaskError>,
}

#[derive(Debug, Deserialize)]
struct TaskError {
    code: String,
    message: String,
}

/// Tasks of one kind that are not done.
#[derive(Debug, Deserialize)]
struct Pending {
    results: Vec<PendingTask>,
}

#[derive(Debug, Deserialize)]
struct PendingTask {
    uid: u32,
}

#[derive(Debug, Serialize)]
struct PendingQuery {
    types: &'static str,
    statuses: &'static str,
    limit: u32,
}

/// Slices of at most so many documents and bytes.
fn chunks<T: Weight>(documents: &[T]) -> Vec<&[T]> {
    let mut out = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (at, document) in documents.iter().enumerate() {
        let weight = document.weight();
        if at > from && (at - from >= MAX_DOCUMENTS || bytes + weight > MAX_BYTES) {
            out.extend(documents.get(from..at));
            (from, bytes) = (at, 0);
        }
        bytes += weight;
    }
    out.extend(documents.get(from..).filter(|rest| !rest.is_empty()));
    out
}

impl Meilisearch {
    /// Enters a task; what is sent may be sent twice without harm.
    pub(super) async fn enqueue<F>(&self, send: impl Fn() -> F) -> Result<u32, Trouble>
    where
        F: Future<Output = Result<TaskInfo, Error>>,
    {
        let mut pause = self.http.patience().pause;
        for _ in 1..TRIES {
            match send().await.map_err(Trouble::from) {
                Err(Trouble::Away(_)) => retried(pause).await,
                done => return Ok(done?.task_uid),
            }
            pause *= 2;
        }
        Ok(send().await.map_err(Trouble::from)?.task_uid)
    }

    /// Waits until tasks have succeeded.
    pub(super) async fn settle(&self, tasks: Vec<u32>) -> Result<(), Trouble> {
        for task in tasks {
            self.wait(task).await?;
        }
        Ok(())
    }

    /// Waits until a task has succeeded. One that takes longer than there is patience has not failed: it goes on, and
    /// what it belongs to is entered once more behind it.
    pub(super) async fn wait(&self, uid: u32) -> Result<(), Trouble> {
        let deadline = Instant::now() + self.http.patience().task;
        let (mut pause, mut missed) = (self.http.patience().pause, 0);
        loop {
            match self.look(uid).await {
                Ok(done) => match outcome(uid, done) {
                    Some(outcome) => return outcome,
                    None => missed = 0,
                },
                Err(Trouble::Away(_)) if missed + 1 < TRIES => {
                    missed += 1;
                    metrics::counter!("madang_search_retries_total").increment(1);
                }
                Err(trouble) => return Err(trouble),
            }
            if Instant::now() + pause > deadline {
                return Err(Trouble::Away(format!("task {uid} is still waiting to be done")));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits until no swap is under way, such as one whose answer was lost.
    pub(super) async fn settle_swaps(&self) -> Result<(), Trouble> {
        let query = PendingQuery { types: "indexSwap", statuses: "enqueued,processing", limit: 100 };
        let url = format!("{}/tasks", self.url);
        let pending: Pending = self.http.request(&url, Method::<_, ()>::Get { query }, 200).await?;
        for task in pending.results {
            match self.wait(task.uid).await {
                Ok(()) => {}
                // Whether a swap has taken place is read from the stamps; here it is only waited for.
                Err(Trouble::Refused { code, .. }) => tracing::warn!(code, "a swap of search indexes failed"),
                Err(away) => return Err(away),
            }
        }
        Ok(())
    }

    async fn look(&self, uid: u32) -> Result<TaskView, Trouble> {
        let url = format!("{}/tasks/{uid}", self.url);
        Ok(self.http.request(&url, Method::<(), ()>::Get { query: () }, 200).await?)
    }

    /// Puts a batch into two indexes and waits until it is there.
    pub(super) async fn put(&self, posts: &str, people: &str, batch: &Batch) -> Result<(), Trouble> {
        let gone_posts: Vec<i64> = batch.gone_posts.iter().map(|id| id.get()).collect();
        let gone_people: Vec<i64> = batch.gone_people.iter().map(|id| id.get()).collect();
        let new_posts: Vec<StoredPost<'_>> = batch.posts.iter().map(Into::into).collect();
        let new_people: Vec<StoredPerson<'_>> = batch.people.iter().map(Into::into).collect();
        let mut tasks = self.take_out(people, &gone_people).await?;
        tasks.extend(self.put_in(people, &new_people).await?);
        tasks.extend(self.take_out(posts, &gone_posts).await?);
        tasks.extend(self.put_in(posts, &new_posts).await?);
        self.settle(tasks).await
    }

    async fn put_in<T: Weight + Serialize + Send + Sync>(
        &self,
        index: &str,
        documents: &[T],
    ) -> Result<Vec<u32>, Trouble> {
        let index = &self.client.index(index);
        let mut tasks = Vec::new();
        for some in chunks(documents) {
            tasks.push(self.enqueue(async || index.add_or_replace(some, Some("id")).await).await?);
        }
        Ok(tasks)
    }

    async fn take_out(&self, index: &str, ids: &[i64]) -> Result<Vec<u32>, Trouble> {
        let index = &self.client.index(index);
        let mut tasks = Vec::new();
        for some in ids.chunks(MAX_DOCUMENTS) {
            tasks.push(self.enqueue(async || index.delete_documents(some).await).await?);
        }
        Ok(tasks)
    }
}

async fn retried(pause: Duration) {
    metrics::counter!("madang_search_retries_total").increment(1);
    tokio::time::sleep(pause).await;
}

/// How a task went; `None` while it goes on, also in a state unknown here.
fn outcome(uid: u32, task: TaskView) -> Option<Result<(), Trouble>> {
    let code = match task.status.as_str() {
        "succeeded" => return Some(Ok(())),
        "failed" => task.error.as_ref().map_or("unknown", |error| error.code.as_str()).to_owned(),
        "canceled" => "canceled".to_owned(),
        _ => return None,
    };
    let message = task.error.map_or_else(|| "no reason given".to_owned(), |error| error.message);
    metrics::counter!("madang_search_failed_tasks_total", "code" => code.clone()).increment(1);
    tracing::error!(task = uid, code, message, "a task of Meilisearch failed");
    Some(Err(Trouble::Refused { code, message: format!("task {uid}: {message}") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Heavy(usize);

    impl Weight for Heavy {
        fn weight(&self) -> usize {
            self.0
        }
    }

    fn sizes(weights: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let documents: Vec<Heavy> = weights.into_iter().map(Heavy).collect();
        chunks(&documents).into_iter().map(<[Heavy]>::len).collect()
    }

    #[test]
    fn requests_are_cut_by_number_and_by_size() {
        assert_eq!(sizes([]), Vec::<usize>::new());
        assert_eq!(sizes(vec![1; 2001]), [1000, 1000, 1]);
        assert_eq!(sizes([MAX_BYTES, 1, 2 * MAX_BYTES, 3, 4]), [1, 1, 1, 2]);
    }

    #[test]
    fn only_success_is_success() {
        let task = |status: &str| TaskView { status: status.into(), error: None };
        assert!(matches!(outcome(1, task("succeeded")), Some(Ok(()))));
        assert!(matches!(outcome(1, task("failed")), Some(Err(_))));
        assert!(matches!(outcome(1, task("canceled")), Some(Err(_))));
        assert!(outcome(1, task("enqueued")).is_none());
        assert!(outcome(1, task("some state to come")).is_none());
    }
}
