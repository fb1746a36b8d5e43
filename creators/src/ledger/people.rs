//! Whom rows are about, and the lock on each one's ledger.

use std::collections::HashMap;

use madang_core::{handle::Handle, ids::UserId};
use sqlx::PgConnection;

use super::row::Row;

/// What ids of an archive mean beside handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// `user` is a handle, or else an archive's id.
    HandlesFirst,
    /// `user` is an archive's id, or else a handle.
    ArchiveFirst,
}

/// People by what rows call them.
#[derive(Debug, Default)]
pub(super) struct People {
    by_handle: HashMap<String, UserId>,
    by_external: HashMap<String, UserId>,
    by_subject: HashMap<String, UserId>,
    names: Option<Names>,
}

fn fold(user: &str) -> Option<String> {
    Some(Handle::parse(user.trim_start_matches('@')).ok()?.fold())
}

impl People {
    /// Finds everybody a batch names.
    pub(super) async fn find(tx: &mut PgConnection, rows: &[&Row], names: Names) -> sqlx::Result<Self> {
        let users: Vec<String> = rows.iter().filter_map(|row| row.user.clone()).collect();
        let handles: Vec<String> = users.iter().filter_map(|user| fold(user)).collect();
        let subjects: Vec<String> = rows.iter().filter_map(|row| row.subject.clone()).collect();
        let found = sqlx::query!(
            "SELECT id, handle_fold, external_id, subject FROM users
             WHERE (handle_fold = ANY($1) OR external_id = ANY($2) OR subject = ANY($3))
               AND deleted_at IS NULL AND role <> 'service'",
            &handles,
            &users,
            &subjects
        )
        .fetch_all(tx)
        .await?;
        let mut people = Self { names: Some(names), ..Self::default() };
        for row in found {
            let id = UserId::new(row.id);
            people.by_handle.insert(row.handle_fold, id);
            people.by_external.extend(row.external_id.map(|external| (external, id)));
            people.by_subject.extend(row.subject.map(|subject| (subject, id)));
        }
        Ok(people)
    }

    /// Who that row is about.
    pub(super) fn of(&self, row: &Row) -> Option<UserId> {
        if let Some(subject) = &row.subject {
            return self.by_subject.get(subject).copied();
        }
        let user = row.user.as_deref()?;
        let handle = || self.by_handle.get(&fold(user)?).copied();
        let external = || self.by_external.get(user).copied();
        match self.names {
            Some(Names::ArchiveFirst) => external().or_else(handle),
            _ => handle().or_else(external),
        }
    }
}

/// Locks the ledgers of these people, in one order, and begins those that are new. Returns who had none; what
/// theirs is kept in is said by [`settle`].
pub(super) async fn lock(tx: &mut PgConnection, people: &[UserId]) -> sqlx::Result<Vec<UserId>> {
    let mut ids: Vec<i64> = people.iter().map(|user| user.get()).collect();
    ids.sort_unstable();
    ids.dedup();
    let begun = sqlx::query_scalar!(
        "INSERT INTO ledger_people (user_id, currency)
         SELECT u, 'KRW' FROM unnest($1::bigint[]) AS u ORDER BY u ON CONFLICT DO NOTHING RETURNING user_id",
        &ids
    )
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query!("SELECT FROM ledger_people WHERE user_id = ANY($1) ORDER BY user_id FOR UPDATE", &ids)
        .execute(tx)
        .await?;
    Ok(begun.into_iter().map(UserId::new).collect())
}

/// Says what the ledgers that [`lock`] began are kept in, and takes those away of which no row was accepted:
/// a row that does not count decides nothing.
pub(super) async fn settle(
    tx: &mut PgConnection,
    begun: &[UserId],
    currencies: &HashMap<UserId, &'static str>,
) -> sqlx::Result<()> {
    let (kept, empty): (Vec<UserId>, Vec<UserId>) =
        begun.iter().copied().partition(|user| currencies.contains_key(user));
    let kept: Vec<(i64, String)> = kept
        .into_iter()
        .filter_map(|user| Some((user.get(), (*currencies.get(&user)?).to_owned())))
        .collect();
    let (users, codes): (Vec<i64>, Vec<String>) = kept.into_iter().unzip();
    let empty: Vec<i64> = empty.into_iter().map(UserId::get).collect();
    sqlx::query!(
        "UPDATE ledger_people p SET currency = n.c FROM unnest($1::bigint[], $2::text[]) AS n (u, c)
         WHERE p.user_id = n.u AND p.currency <> n.c",
        &users,
        &codes
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("DELETE FROM ledger_people WHERE user_id = ANY($1)", &empty).execute(tx).await?;
    Ok(())
}
