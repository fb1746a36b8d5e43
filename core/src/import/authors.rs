//! `authors.csv`: author, followers_count, account_created; optional handle, name, language. An author is
//! known by `users.external_id`; who is here stays as they are.

use super::{
    copy::Row,
    counts::Counts,
    fields::{self, CsvTable, Fields},
    source::Source,
    stage::{IdsFor, Run, Stage},
};
use crate::{
    handle::Handle,
    signing,
    text::{MAX_NAME_CHARS, parse_line},
};

/// `handle` is what the archive wants, `other` the external id where that is another handle; `refused`
/// where the archive's is none that somebody may have here.
const STAGING: &str = "
    CREATE TEMP TABLE import_rows (
        seq bigint, raw text, ext text, followers integer, at timestamptz, language text, name text, refused boolean,
        handle text, fold text, skeleton text, retired bytea,
        other_handle text, other_fold text, other_skeleton text, other_retired bytea) ON COMMIT DROP";

/// Imports the file.
pub(super) async fn import(run: &mut Run<'_>, source: Source, counts: &mut Counts) -> anyhow::Result<()> {
    let mut stage = Stage::begin(run, "authors", STAGING).await?;
    stage.load(source, CsvTable::new(&["author"], row)).await?;
    stage.loaded().await?;
    stage.run(DUPLICATES).await?;
    stage.script(FRESH).await?;
    stage.run(RETIRED).await?;
    stage.run(FIRST_CHOICE).await?;
    stage.run(SECOND_CHOICE).await?;
    stage.run(TAKEN).await?;
    stage.run("DELETE FROM import_fresh WHERE choice IS NULL").await?;
    stage.draw_ids(IdsFor::Users).await?;
    let added = stage.run(ADD).await?;
    // Somebody may have signed up under a handle since it was found free.
    stage.run(TAKEN_MEANWHILE).await?;
    counts.authors = stage.tally(added).await?;
    counts.notes.other_handles = stage.count(OTHER_HANDLES).await?;
    stage.log_people("SELECT id FROM import_ids JOIN users USING (id) ORDER BY id").await?;
    stage.commit().await
}

fn row(fields: &Fields<'_>, row: &mut Row<'_>) -> Result<(), String> {
    let author = fields.id("author")?;
    let external = Handle::parse(author).ok();
    let given = fields.get("handle");
    let wanted = given.and_then(|handle| Handle::for_signup(handle).ok());
    let refused = given.is_some() && wanted.is_none();
    let other = external.clone().filter(|_| wanted.is_some() && wanted != external);
    let Some(handle) = wanted.or(external) else {
        return Err("neither handle nor author can be a handle here".to_owned());
    };
    row.text(Some(author));
    write_profile(fields, row)?;
    row.plain(Some(refused));
    write_handle(row, Some(&handle));
    write_handle(row, other.as_ref());
    Ok(())
}

fn write_profile(fields: &Fields<'_>, row: &mut Row<'_>) -> Result<(), String> {
    let followers = match fields.get("followers_count") {
        None => None,
        Some(_) => Some(fields.parse("followers_count", "a whole number")?),
    };
    let followers = followers.map(|n| fields::count("followers_count", n));
    let created = fields
        .get("account_created")
        .map(|value| fields::day_or_time("account_created", value))
        .transpose()?;
    let known = |language: &&str| matches!(*language, "ko" | "en");
    let language = fields.get("language").filter(known).unwrap_or("en");
    let name = fields.get("name").and_then(|name| parse_line(name, MAX_NAME_CHARS).ok());
    row.plain(followers.transpose()?);
    row.plain(created.map(|at| at.to_rfc3339()));
    row.text(Some(language));
    row.text(name.as_deref());
    Ok(())
}

fn write_handle(row: &mut Row<'_>, handle: Option<&Handle>) {
    let skeleton = handle.map(Handle::skeleton);
    row.text(handle.map(Handle::as_str));
    row.text(handle.map(Handle::fold).as_deref());
    row.text(skeleton.as_deref());
    row.bytes(
        skeleton.map(|skeleton| signing::fingerprint(&[skeleton.as_bytes()])).as_ref().map(|hash| &hash[..]),
    );
}

const DUPLICATES: &str = "
    INSERT INTO import_bad (seq, reason, other)
    SELECT seq, 'duplicate of', first
    FROM (SELECT seq, min(seq) OVER (PARTITION BY ext) AS first FROM import_rows) AS r WHERE seq <> first";

const FRESH: &str = "
    CREATE TEMP TABLE import_fresh ON COMMIT DROP AS
    SELECT r.*, NULL::integer AS choice
    FROM (SELECT seq, ext, followers, coalesce(at, now()) AS at, language, name, refused, handle, fold, skeleton, retired,
                 other_handle, other_fold, other_skeleton, other_retired FROM import_rows) AS r
    LEFT JOIN import_bad b USING (seq) LEFT JOIN users u ON u.external_id = r.ext
    WHERE b.seq IS NULL AND u.id IS NULL;
    ANALYZE import_fresh";

/// Their own account is gone, and with it the external id: importing them again would undo their leaving.
const RETIRED: &str = "
    WITH gone AS (
        DELETE FROM import_fresh f USING retired_handles h
        WHERE h.skeleton_hash = f.retired OR (f.other_retired IS NOT NULL AND h.skeleton_hash = f.other_retired)
        RETURNING f.seq)
    INSERT INTO import_bad (seq, reason) SELECT DISTINCT seq, 'the handle belonged to somebody who left' FROM gone";

/// Handles with the same fold have the same skeleton, so the skeleton alone decides.
const FIRST_CHOICE: &str = "
    UPDATE import_fresh f SET choice = 1
    FROM (SELECT seq, row_number() OVER (PARTITION BY skeleton ORDER BY seq) AS nth FROM import_fresh) AS r
    WHERE r.seq = f.seq AND r.nth = 1
      AND NOT EXISTS (SELECT FROM users u WHERE u.handle_skeleton = f.skeleton)";

const SECOND_CHOICE: &str = "
    UPDATE import_fresh f
    SET choice = 2, handle = f.other_handle, fold = f.other_fold, skeleton = f.other_skeleton
    FROM (SELECT seq, row_number() OVER (PARTITION BY other_skeleton ORDER BY seq) AS nth
          FROM import_fresh WHERE choice IS NULL AND other_skeleton IS NOT NULL) AS r
    WHERE r.seq = f.seq AND r.nth = 1
      AND NOT EXISTS (SELECT FROM users u WHERE u.handle_skeleton = f.other_skeleton)
      AND NOT EXISTS (SELECT FROM import_fresh o WHERE o.choice = 1 AND o.skeleton = f.other_skeleton)";

const TAKEN: &str = "
    INSERT INTO import_bad (seq, reason)
    SELECT seq, 'the handle is taken, and so is the external id' FROM import_fresh WHERE choice IS NULL";

const ADD: &str = "
    INSERT INTO users (id, handle, handle_fold, handle_skeleton, name, language, external_id, external_followers,
                       created_at)
    SELECT i.id, f.handle, f.fold, f.skeleton, coalesce(f.name, f.handle), f.language, f.ext, f.followers, f.at
    FROM import_fresh f JOIN import_ids i USING (seq) ORDER BY i.id
    ON CONFLICT DO NOTHING";

const TAKEN_MEANWHILE: &str = "
    INSERT INTO import_bad (seq, reason)
    SELECT f.seq, 'the handle was taken during the import' FROM import_fresh f
    LEFT JOIN users u ON u.external_id = f.ext WHERE u.id IS NULL";

const OTHER_HANDLES: &str = "SELECT count(*) FROM import_fresh WHERE choice = 2 OR refused";
