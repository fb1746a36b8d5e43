//! The embedded index: the contract, several processes, crashes, damage, and changes of generation under load.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod suite;

mod on_disk {
    mod damage;
    mod several;
}

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use madang_search::{SearchIndex, embedded::Embedded};
use suite::{Abilities, Fresh};

const DATABASE: &str = "6f1c1d0e-0000-4000-8000-000000000001";

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("madang-search-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn at(root: &Path) -> SearchIndex {
    SearchIndex::Embedded(Embedded::open(root, DATABASE).unwrap())
}

async fn fresh() -> Option<Fresh> {
    let folder = Folder::new();
    let index = at(&folder.0);
    Some(Fresh { index, database: DATABASE.into(), abilities: Abilities::ALL, _keep: Box::new(folder) })
}

contract!(super::fresh);
