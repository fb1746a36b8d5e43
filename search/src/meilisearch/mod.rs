//! The index on a Meilisearch server: `<prefix>posts` and `<prefix>people`, and `<prefix>posts_next` and
//! `<prefix>people_next` while a new pair is built. Made for servers from 1.18 on.
//!
//! Writing waits until the server has done what was sent; only then the position is written, into the index itself
//! (`stored::Stamp`). A crash, or a server restored from a snapshot, leaves an older position, and everything since is
//! sent again, which changes nothing where it has arrived before.

mod asking;
mod building;
mod http;
mod settings;
mod stored;
mod tasks;

use std::collections::HashSet;

use anyhow::Context as _;
use madang_core::ids::{PostId, UserId};
use meilisearch_sdk::{
    client::Client,
    documents::DocumentsQuery,
    search::{MatchingStrategies, SearchQuery, Selectors},
};
use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;

pub use self::http::Patience;
use self::{
    http::{Http, Trouble},
    stored::{Reached, ReachedDoc, STAMP_ID, Stamp, StampDoc},
};
use crate::{
    SearchError,
    documents::{Batch, Mark},
    query::{PeopleQuery, PostQuery},
};

/// The fields that are asked for.
const ID_ONLY: &[&str] = &["id"];
/// Where the words themselves find fewer posts than this, posts about the instruments that they name follow.
const FEW: usize = 20;

/// A document of which the id was asked for.
#[derive(Debug, Clone, Deserialize)]
struct IdOnly {
    id: i64,
}

/// The server.
#[derive(Debug)]
pub struct Meilisearch {
    url: String,
    http: Http,
    client: Client<Http>,
    database: String,
    posts: String,
    people: String,
    posts_next: String,
    people_next: String,
}

impl Meilisearch {
    /// A server at a URL, with a key that may do everything with indexes named `<prefix>…` (empty for a server without
    /// keys), for a database (a UUID). Nothing is sent yet.
    pub fn new(url: &str, key: SecretString, prefix: &str, database: &str) -> anyhow::Result<Self> {
        Self::with_patience(url, key, prefix, database, Patience::default())
    }

    /// The same with other time-outs.
    pub fn with_patience(
        url: &str,
        key: SecretString,
        prefix: &str,
        database: &str,
        patience: Patience,
    ) -> anyhow::Result<Self> {
        let parsed = Url::parse(url).context("the URL of Meilisearch")?;
        anyhow::ensure!(
            matches!(parsed.scheme(), "http" | "https"),
            "the URL of Meilisearch is not http or https"
        );
        // URLs get into errors and logs.
        anyhow::ensure!(
            parsed.username().is_empty() && parsed.password().is_none(),
            "the URL of Meilisearch holds credentials: the key has a place of its own"
        );
        let named = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        anyhow::ensure!(
            prefix.len() <= 100 && prefix.bytes().all(named),
            "the prefix of Meilisearch's indexes is of at most 100 ASCII letters, digits, - and _"
        );
        let url = url.trim_end_matches('/').to_owned();
        let http = Http::new(key, patience).context("the HTTP client for Meilisearch")?;
        Ok(Self {
            client: Client::new_with_client(url.as_str(), None::<String>, http.clone()),
            url,
            http,
            database: database.to_owned(),
            posts: format!("{prefix}posts"),
            people: format!("{prefix}people"),
            posts_next: format!("{prefix}posts_next"),
            people_next: format!("{prefix}people_next"),
        })
    }

    pub(crate) async fn posts(&self, query: &PostQuery) -> Result<Vec<PostId>, SearchError> {
        if query.filter.among.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let text = asking::text(&query.words, |word| &word.stem);
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let filter = asking::filter(&query.filter);
        let mut ids = self.search(&self.posts, &text, filter.as_deref(), query.limit).await?;
        if ids.len() < FEW.min(query.limit)
            && let Some((rest, about)) = asking::about(&query.words)
        {
            let filter = filter.map_or_else(|| about.clone(), |filter| format!("{filter} AND {about}"));
            let text = asking::text(&rest, |word| &word.stem);
            let known: HashSet<i64> = ids.iter().copied().collect();
            let more = self.search(&self.posts, &text, Some(&filter), query.limit).await?;
            ids.extend(more.into_iter().filter(|id| !known.contains(id)));
            ids.truncate(query.limit);
        }
        Ok(ids.into_iter().map(PostId::new).collect())
    }

    pub(crate) async fn people(&self, query: &PeopleQuery) -> Result<Vec<UserId>, SearchError> {
        // Names are searched for as they stand: what looks like a particle may well end one.
        let text = asking::text(&query.words, |word| &word.text);
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let filter = asking::verified(query.verified);
        let ids = self.search(&self.people, &text, filter.as_deref(), query.limit).await?;
        Ok(ids.into_iter().map(UserId::new).collect())
    }

    /// Ids, best first; where no text is given, all that pass the filter, in the order of the last ranking rules.
    async fn search(
        &self,
        index: &str,
        text: &str,
        filter: Option<&str>,
        limit: usize,
    ) -> Result<Vec<i64>, SearchError> {
        let index = self.client.index(index);
        let mut query = SearchQuery::new(&index);
        query
            .with_query(text)
            .with_limit(limit.clamp(1, settings::MAX_HITS))
            .with_attributes_to_retrieve(Selectors::Some(ID_ONLY))
            .with_locales(&settings::LOCALES)
            .with_matching_strategy(MatchingStrategies::LAST)
            .with_show_ranking_score_details(true);
        if let Some(filter) = filter {
            query.with_filter(filter);
        }
        match query.execute::<IdOnly>().await.map_err(Trouble::from) {
            Ok(found) => {
                Ok(found.hits.iter().filter(|hit| asking::is_most(hit)).map(|hit| hit.result.id).collect())
            }
            Err(trouble) => Err(trouble.into_search_error()),
        }
    }

    pub(crate) async fn mark(&self) -> Result<Option<Mark>, SearchError> {
        Ok(self.answering().await?.map(|stamp| stamp.mark()))
    }

    /// Whether the index that answers was made by an older release, with other settings or shapes of documents. It
    /// answers all the same, and should be built anew. `false` where none answers.
    pub(crate) async fn outdated(&self) -> Result<bool, SearchError> {
        Ok(self.answering().await?.is_some_and(|stamp| stamp.revision < settings::REVISION))
    }

    pub(crate) async fn apply(&self, batch: Batch, from: i64, mark: Mark) -> Result<(), SearchError> {
        // Without this look, documents sent to an index that was dropped would create one without settings.
        let Some(before) = self.answering().await?.filter(|stamp| stamp.database == mark.database) else {
            return Err(SearchError::Away("there is no index yet".into()));
        };
        if before.position != from {
            let at = before.position;
            return Err(SearchError::Away(format!("the index is at {at}, the batch goes on from {from}")));
        }
        self.put(&self.posts, &self.people, &batch).await?;
        let now = self.stamp(&self.posts).await?;
        // Done already: a note that was entered before, and of which the answer was lost.
        let after = Stamp { position: mark.position, ..before.clone() };
        if now.as_ref() != Some(&before) && now.as_ref() != Some(&after) {
            return Err(SearchError::Away("another index came to answer meanwhile".into()));
        }
        let reached = Reached { generation: before.generation, position: mark.position };
        Ok(self.write_reached(&self.posts, reached).await?)
    }

    pub(crate) async fn begin_build(&self, mark: Mark, anew: bool) -> Result<Mark, SearchError> {
        Ok(self.begin(mark, anew).await?)
    }

    pub(crate) async fn build(&self, batch: Batch, mark: Mark) -> Result<(), SearchError> {
        Ok(self.add(batch, mark).await?)
    }

    pub(crate) async fn finish_build(&self) -> Result<(), SearchError> {
        Ok(self.finish().await?)
    }

    pub(crate) async fn post_ids(&self, after: PostId, limit: usize) -> Result<Vec<PostId>, SearchError> {
        Ok(self.ids(&self.posts, after.get(), limit).await?.into_iter().map(PostId::new).collect())
    }

    pub(crate) async fn people_ids(&self, after: UserId, limit: usize) -> Result<Vec<UserId>, SearchError> {
        Ok(self.ids(&self.people, after.get(), limit).await?.into_iter().map(UserId::new).collect())
    }

    async fn ids(&self, index: &str, after: i64, limit: usize) -> Result<Vec<i64>, SearchError> {
        let index = self.client.index(index);
        let filter = format!("id > {}", after.max(STAMP_ID));
        let mut query = DocumentsQuery::new(&index);
        query.with_filter(&filter).with_sort(["id:asc"]).with_fields(["id"]).with_limit(limit);
        match query.execute::<IdOnly>().await.map_err(Trouble::from) {
            Ok(page) => Ok(page.results.into_iter().map(|document| document.id).collect()),
            Err(trouble) => Err(trouble.into_search_error()),
        }
    }

    /// The stamp of what answers; `None` where nothing does, or something made from another database or only in part.
    async fn answering(&self) -> Result<Option<Stamp>, Trouble> {
        let Some(posts) = self.stamp(&self.posts).await? else { return Ok(None) };
        let Some(people) = self.stamp(&self.people).await? else { return Ok(None) };
        let whole = !posts.building && people.generation == posts.generation;
        Ok((whole && posts.database == self.database).then_some(posts))
    }

    async fn stamp(&self, index: &str) -> Result<Option<Stamp>, Trouble> {
        let document =
            self.client.index(index).get_document::<serde_json::Value>(&STAMP_ID.to_string()).await;
        match document.map_err(Trouble::from) {
            // One that another version of this program wrote and this one cannot read is as good as none.
            Ok(document) => Ok(serde_json::from_value::<StampDoc>(document).ok().map(StampDoc::read)),
            Err(trouble) if trouble.is("document_not_found") || trouble.is("index_not_found") => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    async fn write_stamp(&self, index: &str, stamp: &Stamp) -> Result<(), Trouble> {
        let index = &self.client.index(index);
        let document = &[StampDoc::new(stamp.clone())];
        let task = self.enqueue(async || index.add_or_replace(document, Some("id")).await).await?;
        self.wait(task).await
    }

    /// Writes how far an index has come, and nothing else of its stamp: should another one come to stand under the
    /// name before the server gets to it, the note of another generation is there and does not count.
    async fn write_reached(&self, index: &str, reached: Reached) -> Result<(), Trouble> {
        let index = &self.client.index(index);
        let document = &[ReachedDoc { id: STAMP_ID, reached }];
        let task = self.enqueue(async || index.add_or_update(document, Some("id")).await).await?;
        self.wait(task).await
    }
}
