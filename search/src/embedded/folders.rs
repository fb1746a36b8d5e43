//! Where the embedded index lies.
//!
//! `<root>/<database>/` holds a folder for each index that was built (a generation), named after the format and when it
//! was begun; the file `current` with the name of the one that answers; and two files that are only locked: `lead`, by
//! the process that writes to the answering index, and `build`, by the one that builds another. Locks are the operating
//! system's and end with the process.
//!
//! Releases of different formats may meet here, as while one replaces the other. What a newer one has made is left
//! alone: once it answers, an older release has no index and says so.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use super::schema::FORMAT;
use crate::SearchError;

/// The folder of one database.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    root: PathBuf,
}

/// Tells one state of a file that is always replaced, never changed, from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    modified: (i64, i64),
    length: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        Some(Self { inode: meta.ino(), modified: (meta.mtime(), meta.mtime_nsec()), length: meta.len() })
    }
}

/// A lock that was got.
#[derive(Debug)]
pub(super) struct Held {
    file: File,
    path: PathBuf,
}

impl Held {
    /// Whether the file that is locked is still the one others would lock: somebody may have removed the folder.
    pub(super) fn is_good(&self) -> bool {
        let ours = self.file.metadata().ok().map(|meta| (meta.dev(), meta.ino()));
        ours.is_some() && ours == fs::metadata(&self.path).ok().map(|meta| (meta.dev(), meta.ino()))
    }
}

impl Folders {
    /// The folder of a database, made where there is none.
    pub(super) fn open(root: &Path, database: &str) -> io::Result<Self> {
        if database.is_empty() || !database.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a database is named by its UUID"));
        }
        let folders = Self { root: root.join(database) };
        fs::create_dir_all(&folders.root)?;
        Ok(folders)
    }

    /// Takes a lock (`lead` or `build`); `None` while another holds it.
    pub(super) fn lock(&self, name: &str) -> io::Result<Option<Held>> {
        fs::create_dir_all(&self.root)?;
        let path = self.root.join(name);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Held { file, path })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The generation that answers; `None` where there is none of this format.
    pub(super) fn current(&self) -> Option<String> {
        self.named().filter(|name| is_generation(name))
    }

    fn named(&self) -> Option<String> {
        fs::read_to_string(self.root.join("current")).ok()
    }

    /// Whether a newer release's index answers.
    pub(super) fn is_newer(&self) -> bool {
        self.named().and_then(|name| format_of(&name)).is_some_and(|format| format > FORMAT)
    }

    /// Why there is no index.
    pub(super) fn none(&self) -> SearchError {
        SearchError::Away(if self.is_newer() {
            format!("a newer release made the index in {}, to go back remove that", self.root.display())
        } else {
            "there is no index yet".into()
        })
    }

    /// The state of a generation.
    pub(super) fn stamp(&self, generation: &str) -> Option<Stamp> {
        Stamp::of(&self.path(generation).join("meta.json"))
    }

    /// Where a generation lies.
    pub(super) fn path(&self, generation: &str) -> PathBuf {
        self.root.join(generation)
    }

    /// Makes an empty folder for another generation.
    pub(super) fn create(&self) -> io::Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |at| at.as_millis());
        for number in now.. {
            let name = format!("v{FORMAT}-{number:014}");
            match fs::create_dir(self.path(&name)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| name),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Lets a generation answer, in one step that survives a loss of power.
    pub(super) fn switch(&self, generation: &str) -> io::Result<()> {
        let new = self.root.join("current.new");
        let mut file = File::create(&new)?;
        file.write_all(generation.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, self.root.join("current"))?;
        File::open(&self.root)?.sync_all()
    }

    /// Generations that do not answer, newest first, of this format and older ones.
    pub(super) fn others(&self) -> Vec<String> {
        let current = self.named();
        let Ok(entries) = fs::read_dir(&self.root) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| {
                format_of(name).is_some_and(|format| format <= FORMAT) && Some(name) != current.as_ref()
            })
            .collect();
        names.sort_unstable_by(|a, b| b.cmp(a));
        names
    }

    /// Removes a generation. Who still reads it has its files mapped and is not disturbed.
    pub(super) fn remove(&self, generation: &str) {
        if let Err(error) = fs::remove_dir_all(self.path(generation)) {
            tracing::warn!(search.generation = generation, %error, "an old search index was not removed");
        }
    }
}

/// Whether it is the name of a generation of this format.
pub(super) fn is_generation(name: &str) -> bool {
    format_of(name) == Some(FORMAT)
}

/// The format of a generation of this name.
fn format_of(name: &str) -> Option<u32> {
    let (format, number) = name.strip_prefix('v')?.split_once('-')?;
    let numbered = !number.is_empty() && number.len() < 40 && number.bytes().all(|b| b.is_ascii_digit());
    numbered.then(|| format.parse().ok()).flatten()
}
