//! People: rows of `users`, and when a reader was last seen.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::{
    changes::{self, Change},
    handle::Handle,
    ids::UserId,
    jobs, search_log, standing,
};

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Reads and writes.
    Investor,
    /// Decides cases.
    Moderator,
    /// A moderator who also takes escalated cases and appeals.
    Senior,
    /// Acts on rights claims.
    Legal,
    /// Runs the place.
    Admin,
    /// A program of the broker's.
    Service,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 6] =
        [Self::Investor, Self::Moderator, Self::Senior, Self::Legal, Self::Admin, Self::Service];

    /// The name in the table and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Investor => "investor",
            Self::Moderator => "moderator",
            Self::Senior => "senior",
            Self::Legal => "legal",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }

    /// Whether user blocks do not bind them.
    pub const fn is_staff(self) -> bool {
        matches!(self, Self::Moderator | Self::Senior | Self::Legal | Self::Admin)
    }

    /// Whether they decide cases.
    pub const fn moderates(self) -> bool {
        matches!(self, Self::Moderator | Self::Senior | Self::Admin)
    }

    /// Whether they decide escalated cases too.
    pub const fn is_senior(self) -> bool {
        matches!(self, Self::Senior | Self::Admin)
    }

    /// From the table: an unknown name has the fewest rights.
    pub fn from_column(name: &str) -> Self {
        name.parse().unwrap_or(Self::Investor)
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| "must be investor, moderator, senior, legal, admin or service".to_owned())
    }
}

/// How an author's posts reach followers' timelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeState {
    /// Written into each timeline.
    Pushed,
    /// Becoming large: still written, while followers' timelines learn to merge.
    Merging,
    /// Read from the author's list.
    Merged,
    /// Becoming small again: written and read.
    Unmerging,
}

impl MergeState {
    /// From the column.
    pub const fn from_column(value: i16) -> Self {
        match value {
            0 => Self::Pushed,
            1 => Self::Merging,
            3 => Self::Unmerging,
            _ => Self::Merged,
        }
    }

    /// To the column.
    pub const fn column(self) -> i16 {
        match self {
            Self::Pushed => 0,
            Self::Merging => 1,
            Self::Merged => 2,
            Self::Unmerging => 3,
        }
    }

    /// Whether new posts are written into timelines.
    pub const fn pushes(self) -> bool {
        !matches!(self, Self::Merged)
    }
}

/// What is public about a person.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Id.
    pub id: UserId,
    /// Handle as shown.
    pub handle: String,
    /// Display name.
    pub name: String,
    /// Profile text.
    pub bio: String,
    /// `ko` or `en`.
    pub language: String,
    /// What they may do.
    pub role: Role,
    /// Checked by the house.
    pub verified: bool,
    /// People who follow them.
    pub follower_count: i32,
    /// People they follow.
    pub following_count: i32,
    /// How their posts travel.
    pub merge_state: MergeState,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// Whether the account was deleted.
    pub deleted: bool,
    /// What sanctions leave of the account; for themselves and for moderators.
    pub standing: standing::Held,
}

macro_rules! profile {
    ($row:expr) => {
        Profile {
            id: UserId::new($row.id),
            handle: $row.handle,
            name: $row.name,
            bio: $row.bio,
            language: $row.language,
            role: Role::from_column(&$row.role),
            verified: $row.verified,
            follower_count: $row.follower_count,
            following_count: $row.following_count,
            merge_state: MergeState::from_column($row.merge_state),
            created_at: $row.created_at,
            deleted: $row.deleted_at.is_some(),
            standing: standing::Held::from_columns($row.standing, $row.standing_until, $row.limited_until),
        }
    };
}

/// Finds people by id; order as in the table, unknown ones are missing.
pub async fn by_ids(executor: impl PgExecutor<'_>, ids: &[i64]) -> sqlx::Result<Vec<Profile>> {
    let rows = sqlx::query!(
        "SELECT id, handle, name, bio, language, role, verified, follower_count, following_count, merge_state,
                created_at, deleted_at, standing, standing_until, limited_until
         FROM users WHERE id = ANY($1)",
        ids
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| profile!(row)).collect())
}

/// Finds a person who has not left.
pub async fn by_handle(executor: impl PgExecutor<'_>, handle: &Handle) -> sqlx::Result<Option<Profile>> {
    let row = sqlx::query!(
        "SELECT id, handle, name, bio, language, role, verified, follower_count, following_count, merge_state,
                created_at, deleted_at, standing, standing_until, limited_until
         FROM users WHERE handle_fold = $1 AND deleted_at IS NULL",
        handle.fold()
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| profile!(row)))
}

/// For each list of candidates the first that is somebody's handle.
pub async fn resolve_mentions(
    executor: impl PgExecutor<'_>,
    candidates: &[Vec<String>],
) -> sqlx::Result<Vec<UserId>> {
    let all: Vec<String> = candidates.iter().flatten().cloned().collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        "SELECT id, handle_fold FROM users WHERE handle_fold = ANY($1) AND deleted_at IS NULL",
        &all
    )
    .fetch_all(executor)
    .await?;
    let mut found: Vec<UserId> = candidates
        .iter()
        .filter_map(|prefixes| {
            prefixes.iter().find_map(|name| rows.iter().find(|row| &row.handle_fold == name))
        })
        .map(|row| UserId::new(row.id))
        .collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// How somebody logs in.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who.
    pub id: UserId,
    /// PHC string, if they have a password.
    pub password_hash: Option<String>,
}

/// Finds the credentials behind a handle.
pub async fn credentials(
    executor: impl PgExecutor<'_>,
    handle: &Handle,
) -> sqlx::Result<Option<Credentials>> {
    let row = sqlx::query!(
        "SELECT id, password_hash FROM users WHERE handle_fold = $1 AND deleted_at IS NULL",
        handle.fold()
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| Credentials { id: UserId::new(row.id), password_hash: row.password_hash }))
}

/// A person to be made.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    /// Handle.
    pub handle: &'a Handle,
    /// Display name.
    pub name: &'a str,
    /// `ko` or `en`.
    pub language: &'a str,
    /// What they may do.
    pub role: Role,
    /// PHC string.
    pub password_hash: Option<&'a str>,
    /// Issuer and subject of an identity provider, joined by a space.
    pub subject: Option<&'a str>,
    /// When.
    pub now: DateTime<Utc>,
}

/// Makes a person. Fails on `users_handle_fold_unique`, `users_handle_skeleton_unique`,
/// `users_subject_unique`, or with `RowNotFound` when the handle belonged to somebody who left.
pub async fn create(executor: impl PgExecutor<'_>, user: &NewUser<'_>) -> sqlx::Result<UserId> {
    let skeleton = user.handle.skeleton();
    let retired = crate::signing::fingerprint(&[skeleton.as_bytes()]);
    let barred = user.subject.map(standing::subject_hash);
    let row = sqlx::query!(
        // Who deleted an account under a sanction comes back under it.
        "WITH made AS (
             INSERT INTO users (id, handle, handle_fold, handle_skeleton, name, language, role, password_hash, subject,
                                created_at, standing, standing_until, limited_until)
             SELECT new_id($10), $1, $2, $3, $4, $5, $6, $7, $8, $10, coalesce(b.standing, 0), b.standing_until,
                    b.limited_until
             FROM (SELECT) AS one LEFT JOIN barred_subjects b ON b.subject_hash = $11
             WHERE NOT EXISTS (SELECT 1 FROM retired_handles WHERE skeleton_hash = $9)
             RETURNING id),
         counter AS (UPDATE search_counter c SET number = number + 1 FROM made RETURNING c.number),
         logged AS (
             INSERT INTO search_log (number, posts, people)
             SELECT counter.number, '{}', ARRAY[made.id] FROM counter, made)
         SELECT id FROM made",
        user.handle.as_str(),
        user.handle.fold(),
        skeleton,
        user.name,
        user.language,
        user.role.as_str(),
        user.password_hash,
        user.subject,
        &retired[..],
        user.now,
        barred.as_ref().map(|hash| &hash[..])
    )
    .fetch_one(executor)
    .await?;
    Ok(UserId::new(row.id))
}

/// Finds who an identity provider's subject is.
pub async fn by_subject(
    executor: impl PgExecutor<'_>,
    subject: &str,
) -> sqlx::Result<Option<(UserId, Role, standing::Held)>> {
    let row = sqlx::query!(
        "SELECT id, role, standing, standing_until, limited_until FROM users WHERE subject = $1 AND deleted_at IS NULL",
        subject
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| {
        let held = standing::Held::from_columns(row.standing, row.standing_until, row.limited_until);
        (UserId::new(row.id), Role::from_column(&row.role), held)
    }))
}

/// What a person may change about themselves; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct ProfileEdit {
    /// Display name.
    pub name: Option<String>,
    /// Profile text.
    pub bio: Option<String>,
    /// `ko` or `en`.
    pub language: Option<String>,
}

/// Changes a profile. The caller records the change.
pub async fn edit(tx: &mut PgConnection, user: UserId, edit: &ProfileEdit) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "UPDATE users SET name = coalesce($2, name), bio = coalesce($3, bio), language = coalesce($4, language)
         WHERE id = $1 AND deleted_at IS NULL",
        user.get(),
        edit.name,
        edit.bio,
        edit.language
    )
    .execute(tx)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Sets a role. The caller records the change.
pub async fn set_role(tx: &mut PgConnection, handle: &Handle, role: Role) -> sqlx::Result<Option<UserId>> {
    let row = sqlx::query!(
        "UPDATE users SET role = $2 WHERE handle_fold = $1 AND deleted_at IS NULL RETURNING id",
        handle.fold(),
        role.as_str()
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| UserId::new(row.id)))
}

/// Marks somebody as checked by the house, or takes the mark away. Their posts are told apart by it in search.
pub async fn set_verified(tx: &mut PgConnection, user: UserId, verified: bool) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "UPDATE users SET verified = $2 WHERE id = $1 AND deleted_at IS NULL AND verified <> $2",
        user.get(),
        verified
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(());
    }
    let posts =
        sqlx::query_scalar!("SELECT id FROM posts WHERE author_id = $1 AND listed ORDER BY id", user.get())
            .fetch_all(&mut *tx)
            .await?;
    // In the order in which every change takes its locks.
    jobs::enqueue(&mut *tx, jobs::JobKind::Publish, 0, 0, std::time::Duration::ZERO).await?;
    search_log::append(&mut *tx, &posts, &[]).await?;
    changes::record(tx, &[Change::Author(user)]).await?;
    Ok(())
}

/// Notes that readers were seen. Must be committed before their timelines are rebuilt: from here on
/// fan-out writes to them, and what was published before is in the rebuild's reading.
pub async fn touch_readers(
    executor: impl PgExecutor<'_>,
    users: &[i64],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO readers AS r (user_id, seen_at)
         SELECT DISTINCT u, $2::timestamptz FROM unnest($1::bigint[]) AS u JOIN users ON users.id = u ORDER BY u
         ON CONFLICT (user_id) DO UPDATE SET seen_at = greatest(r.seen_at, excluded.seen_at)",
        users,
        now
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// The people whose posts are merged when read.
pub async fn merged_authors(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<UserId>> {
    let rows =
        sqlx::query!("SELECT id FROM users WHERE merge_state IN (1, 2, 3)").fetch_all(executor).await?;
    Ok(rows.into_iter().map(|row| UserId::new(row.id)).collect())
}

/// Where these authors stand between pushed and merged; those who left are missing.
pub async fn merge_states(
    executor: impl PgExecutor<'_>,
    authors: &[i64],
) -> sqlx::Result<Vec<(UserId, MergeState)>> {
    let rows = sqlx::query!("SELECT id, merge_state FROM users WHERE id = ANY($1)", authors)
        .fetch_all(executor)
        .await?;
    let state = |column| MergeState::from_column(column);
    Ok(rows.into_iter().map(|row| (UserId::new(row.id), state(row.merge_state))).collect())
}

/// Where an author stands between pushed and merged, and how many follow.
pub async fn merge_state(
    executor: impl PgExecutor<'_>,
    author: UserId,
) -> sqlx::Result<Option<(MergeState, i32)>> {
    let row = sqlx::query!("SELECT merge_state, follower_count FROM users WHERE id = $1", author.get())
        .fetch_optional(executor)
        .await?;
    Ok(row.map(|row| (MergeState::from_column(row.merge_state), row.follower_count)))
}

/// Moves an author on, if they still stand where the caller saw them.
pub async fn set_merge_state(
    tx: &mut PgConnection,
    author: UserId,
    from: MergeState,
    to: MergeState,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE users SET merge_state = $3 WHERE id = $1 AND merge_state = $2",
        author.get(),
        from.column(),
        to.column()
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The authors whose state does not fit the limit: at start, and after an import.
pub async fn misplaced_authors(executor: impl PgExecutor<'_>, push_limit: i32) -> sqlx::Result<Vec<i64>> {
    let rows = sqlx::query!(
        "SELECT id FROM users WHERE merge_state IN (1, 3)
         UNION SELECT id FROM users WHERE follower_count > $1 AND merge_state = 0
         UNION SELECT id FROM users WHERE follower_count < $1 * 0.8 AND merge_state = 2",
        push_limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().filter_map(|row| row.id).collect())
}

/// Readers seen since a time, by id after one, with when; for rebuilding.
pub async fn readers_after(
    executor: impl PgExecutor<'_>,
    after: UserId,
    only: Option<UserId>,
    since: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<(UserId, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        "SELECT user_id, seen_at FROM readers
         WHERE user_id > $1 AND seen_at > $2 AND ($3::bigint IS NULL OR user_id = $3) ORDER BY user_id LIMIT $4",
        after.get(),
        since,
        only.map(UserId::get),
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| (UserId::new(row.user_id), row.seen_at)).collect())
}
