//! What reading depends on about the one who looks: whom they follow, block and mute, and their own
//! marks on posts. Held by a process and replaced whenever the viewer acts.

use std::collections::{HashMap, HashSet};

use ahash::{AHashMap, AHashSet};
use sqlx::PgExecutor;

use crate::{
    ids::{PostId, UserId},
    users::Role,
};

/// Most recent marks held of each kind; older ones are asked for when needed.
const MARKS_HELD: i64 = 1_000;

/// The viewer's own marks on one post.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// Likes it.
    pub liked: bool,
    /// Bookmarked it.
    pub bookmarked: bool,
    /// Passed it on.
    pub reposted: bool,
    /// The option voted for.
    pub voted: Option<i16>,
}

/// What reading depends on about a viewer.
#[derive(Debug, Clone, Default)]
pub struct Viewer {
    /// People they follow.
    pub follows: AHashSet<i64>,
    /// People blocked, either way.
    pub blocked: AHashSet<i64>,
    /// People they muted.
    pub muted: AHashSet<i64>,
    /// Keywords they muted, lower case.
    pub keywords: Vec<String>,
    /// Marks on posts with ids from `marks_from` on.
    pub marks: AHashMap<i64, Marks>,
    /// From which post id on `marks` is complete.
    pub marks_from: i64,
}

/// Reads all of it in one statement.
pub async fn load(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Viewer> {
    let row = sqlx::query!(
        r#"SELECT ARRAY(SELECT followee_id FROM follows WHERE follower_id = $1) AS "follows!",
                  ARRAY(SELECT blocked_id FROM blocks WHERE blocker_id = $1
                        UNION SELECT blocker_id FROM blocks WHERE blocked_id = $1) AS "blocked!",
                  ARRAY(SELECT muted_id FROM mutes WHERE muter_id = $1) AS "muted!",
                  ARRAY(SELECT keyword FROM keyword_mutes WHERE user_id = $1) AS "keywords!",
                  ARRAY(SELECT post_id FROM likes WHERE user_id = $1 ORDER BY post_id DESC LIMIT $2) AS "liked!",
                  ARRAY(SELECT post_id FROM bookmarks WHERE user_id = $1 ORDER BY post_id DESC LIMIT $2) AS "bookmarked!",
                  ARRAY(SELECT post_id FROM reposts WHERE user_id = $1 ORDER BY post_id DESC LIMIT $2) AS "reposted!",
                  ARRAY(SELECT post_id FROM poll_votes WHERE user_id = $1 ORDER BY post_id DESC LIMIT $2) AS "voted_on!",
                  ARRAY(SELECT idx FROM poll_votes WHERE user_id = $1 ORDER BY post_id DESC LIMIT $2) AS "voted_for!""#,
        user.get(),
        MARKS_HELD
    )
    .fetch_one(executor)
    .await?;
    let mut viewer = Viewer {
        follows: row.follows.into_iter().collect(),
        blocked: row.blocked.into_iter().collect(),
        muted: row.muted.into_iter().collect(),
        keywords: row.keywords,
        ..Viewer::default()
    };
    viewer.hold(&row.liked, |marks, _| marks.liked = true);
    viewer.hold(&row.bookmarked, |marks, _| marks.bookmarked = true);
    viewer.hold(&row.reposted, |marks, _| marks.reposted = true);
    viewer.hold(&row.voted_on, |marks, at| marks.voted = row.voted_for.get(at).copied());
    Ok(viewer)
}

impl Viewer {
    fn hold(&mut self, posts: &[i64], set: impl Fn(&mut Marks, usize)) {
        for (at, post) in posts.iter().enumerate() {
            set(self.marks.entry(*post).or_default(), at);
        }
        if i64::try_from(posts.len()).is_ok_and(|n| n == MARKS_HELD) {
            self.marks_from = self.marks_from.max(posts.last().copied().unwrap_or(0));
        }
    }

    /// The marks on a post, if they are held.
    pub fn marks_on(&self, post: PostId) -> Option<Marks> {
        (post.get() >= self.marks_from).then(|| self.marks.get(&post.get()).copied().unwrap_or_default())
    }

    /// Whether a text has a muted keyword.
    pub fn mutes_text(&self, lower_case: &str) -> bool {
        self.keywords.iter().any(|keyword| lower_case.contains(keyword.as_str()))
    }
}

/// The marks on posts too old to be held.
pub async fn marks(
    executor: impl PgExecutor<'_>,
    user: UserId,
    posts: &[i64],
) -> sqlx::Result<HashMap<PostId, Marks>> {
    let rows = sqlx::query!(
        r#"SELECT i.id AS "id!",
                  EXISTS (SELECT FROM likes WHERE post_id = i.id AND user_id = $1) AS "liked!",
                  EXISTS (SELECT FROM bookmarks WHERE post_id = i.id AND user_id = $1) AS "bookmarked!",
                  EXISTS (SELECT FROM reposts WHERE post_id = i.id AND user_id = $1) AS "reposted!",
                  (SELECT idx FROM poll_votes WHERE post_id = i.id AND user_id = $1) AS voted
           FROM unnest($2::bigint[]) AS i (id)"#,
        user.get(),
        posts
    )
    .fetch_all(executor)
    .await?;
    let unique: HashSet<i64> = posts.iter().copied().collect();
    let mut found = HashMap::with_capacity(unique.len());
    for row in rows {
        let marks =
            Marks { liked: row.liked, bookmarked: row.bookmarked, reposted: row.reposted, voted: row.voted };
        found.insert(PostId::new(row.id), marks);
    }
    Ok(found)
}

/// Who is looking, as a request knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// Which person.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
}
