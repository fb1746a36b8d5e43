//! Building another pair of indexes beside the one that answers, and letting it answer.
//!
//! The new pair stands under its own names until one task swaps both pairs of names, which the server does at once.
//! Where no index answers yet, the same task gives the new one its name. Each index carries its stamp, and the stamp
//! the number of its generation: whichever of two has the greater is the newer, so that after a crash at any point it
//! is plain whether the swap has taken place.

use meilisearch_sdk::client::SwapIndexes;

use super::{Meilisearch, http::Trouble, settings, stored::Stamp};
use crate::documents::{Batch, Built, Mark};

/// Swaps tried before giving up; one is enough unless an old one comes late and swaps back.
const SWAPS: usize = 3;

/// Whether an index is of this program's settings.
fn is_ours(stamp: &Stamp) -> bool {
    stamp.revision == settings::REVISION && stamp.settings == settings::version()
}

fn others() -> Trouble {
    Trouble::refused("others_build", "another release is building, with other settings")
}

impl Meilisearch {
    /// See `SearchIndex::begin_build`.
    pub(super) async fn begin(&self, mark: Mark, anew: bool) -> Result<Mark, Trouble> {
        self.settle_swaps().await?;
        let answering = self.stamp(&self.posts).await?;
        if !anew && let Some(begun) = self.begun(answering.as_ref()).await? {
            if begun.database == mark.database && is_ours(&begun) {
                return Ok(begun.mark_of_build());
            }
            if begun.database == mark.database && begun.revision > settings::REVISION {
                return Err(others());
            }
        }
        self.drop_next().await?;
        self.create_next().await?;
        let stamp = Stamp {
            generation: answering.map_or(0, |stamp| stamp.generation) + 1,
            revision: settings::REVISION,
            settings: settings::version(),
            database: mark.database,
            position: mark.position,
            built: Built::default(),
            building: true,
        };
        // The index of posts is stamped last: with its stamp the build counts as begun.
        self.write_stamp(&self.people_next, &stamp).await?;
        self.write_stamp(&self.posts_next, &stamp).await?;
        Ok(stamp.mark_of_build())
    }

    /// See `SearchIndex::build`.
    pub(super) async fn add(&self, batch: Batch, mark: Mark) -> Result<(), Trouble> {
        let answering = self.stamp(&self.posts).await?;
        let Some(begun) =
            self.begun(answering.as_ref()).await?.filter(|begun| begun.database == mark.database)
        else {
            return Err(Trouble::refused("no_build", "no build was begun"));
        };
        if !is_ours(&begun) {
            return Err(others());
        }
        self.put(&self.posts_next, &self.people_next, &batch).await?;
        let stamp = Stamp {
            position: mark.position,
            built: mark.building.unwrap_or(begun.built),
            building: true,
            ..begun
        };
        self.write_stamp(&self.posts_next, &stamp).await
    }

    /// See `SearchIndex::finish_build`. Called again after a crash it does what is left to do.
    pub(super) async fn finish(&self) -> Result<(), Trouble> {
        let mut swapped = false;
        for _ in 0..SWAPS {
            self.settle_swaps().await?;
            let answering = self.stamp(&self.posts).await?;
            let begun = self.begun(answering.as_ref()).await?;
            let Some(begun) = begun.filter(|begun| begun.database == self.database) else {
                // What a swap has left under the names of the new pair is the old one.
                let left = self.drop_next().await?;
                if left || swapped {
                    return Ok(());
                }
                return Err(Trouble::refused("no_build", "no build was begun"));
            };
            if !is_ours(&begun) {
                return Err(others());
            }
            if begun.building {
                self.write_stamp(&self.posts_next, &Stamp { building: false, ..begun }).await?;
            }
            self.swap().await?;
            swapped = true;
        }
        Err(Trouble::Away("the indexes were swapped back again and again".to_owned()))
    }

    /// The stamp of the build that was begun and is newer than what answers.
    async fn begun(&self, answering: Option<&Stamp>) -> Result<Option<Stamp>, Trouble> {
        let Some(posts) = self.stamp(&self.posts_next).await? else { return Ok(None) };
        let Some(people) = self.stamp(&self.people_next).await? else { return Ok(None) };
        let newer = answering.is_none_or(|answering| answering.generation < posts.generation);
        Ok((newer && people.generation == posts.generation).then_some(posts))
    }

    /// Lets the new pair have the names of the old one, in one task. Not repeated by itself: a second one would swap
    /// back.
    async fn swap(&self) -> Result<(), Trouble> {
        let mut swaps = Vec::new();
        for (next, answering) in [(&self.posts_next, &self.posts), (&self.people_next, &self.people)] {
            let rename = (!self.exists(answering).await?).then_some(true);
            swaps.push(SwapIndexes { indexes: (next.clone(), answering.clone()), rename });
        }
        let task = self.client.swap_indexes(&swaps).await.map_err(Trouble::from)?;
        self.wait(task.task_uid).await
    }

    /// Creates the new pair, empty, with its settings: set before there are documents, they cost nothing.
    async fn create_next(&self) -> Result<(), Trouble> {
        let mut tasks = Vec::new();
        for (name, settings) in
            [(&self.posts_next, settings::posts()), (&self.people_next, settings::people())]
        {
            let (index, settings) = (&self.client.index(name), &settings);
            let created = self.enqueue(async || self.client.create_index(name, Some("id")).await).await?;
            match self.wait(created).await {
                // Its answer was lost and it was sent twice.
                Err(trouble) if trouble.is("index_already_exists") => {}
                done => done?,
            }
            tasks.push(self.enqueue(async || index.set_settings(settings).await).await?);
        }
        self.settle(tasks).await
    }

    /// Drops whatever stands under the names of the new pair; the stamped one of posts first, so that what is left of
    /// it after a crash is no build. Says whether there was anything.
    async fn drop_next(&self) -> Result<bool, Trouble> {
        let mut any = false;
        for name in [&self.posts_next, &self.people_next] {
            if !self.exists(name).await? {
                continue;
            }
            let task = self.enqueue(async || self.client.delete_index(name).await).await?;
            match self.wait(task).await {
                Err(trouble) if trouble.is("index_not_found") => {}
                done => done?,
            }
            any = true;
        }
        Ok(any)
    }

    async fn exists(&self, name: &str) -> Result<bool, Trouble> {
        match self.client.get_raw_index(name).await.map_err(Trouble::from) {
            Ok(_) => Ok(true),
            Err(trouble) if trouble.is("index_not_found") => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }
}
