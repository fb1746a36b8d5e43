//! Reports filed: how many for so many posts and views, what became of them, and whose count less.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use super::share;

/// Cases whose verdicts are looked through for muted and clustered reporters, the newest ones.
const MAX_CASES: i64 = 20_000;

/// Reports of one category, and what became of them until now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoryReports {
    /// What they were for.
    pub category: String,
    /// All of them.
    pub filed: i64,
    /// A moderator agreed.
    pub agreed: i64,
    /// A moderator disagreed.
    pub disagreed: i64,
    /// Closed without a verdict.
    pub ignored: i64,
    /// Taken back.
    pub withdrawn: i64,
    /// Waiting.
    pub pending: i64,
    /// For 10,000 posts of these days; `None` while none is counted.
    pub per_10k_posts: Option<f64>,
    /// For a million views of these posts; `None` while none is counted.
    pub per_million_views: Option<f64>,
}

/// Reports filed in the window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reports {
    /// All of them.
    pub filed: i64,
    /// Agreed of those that were judged.
    pub agreed_share: Option<f64>,
    /// Posts of the window's days (UTC), as last counted; of its first day the part that is in it.
    pub posts: i64,
    /// Views of these posts, each person once, as last counted.
    pub views: i64,
    /// By category, most first.
    pub by_category: Vec<CategoryReports>,
}

pub(super) async fn reports(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Reports> {
    let reach = sqlx::query!(
        r#"SELECT coalesce(round(sum(posts * part)), 0)::bigint AS "posts!",
                  coalesce(round(sum(views * part)), 0)::bigint AS "views!"
           FROM (SELECT posts, views, least(1, extract(epoch FROM (day + 1)::timestamp AT TIME ZONE 'UTC' - $1) / 86400) AS part
                 FROM reach_days WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date
                   AND day <= ($2::timestamptz AT TIME ZONE 'UTC')::date) AS days"#,
        from,
        until
    )
    .fetch_one(&mut *tx)
    .await?;
    let mut by_category = by_category(tx, from, until).await?;
    for row in &mut by_category {
        row.per_10k_posts = share(row.filed, reach.posts).map(|share| share * 1e4);
        row.per_million_views = share(row.filed, reach.views).map(|share| share * 1e6);
    }
    let sum = |of: fn(&CategoryReports) -> i64| by_category.iter().map(of).sum::<i64>();
    let (filed, agreed, disagreed) = (sum(|row| row.filed), sum(|row| row.agreed), sum(|row| row.disagreed));
    Ok(Reports {
        filed,
        agreed_share: share(agreed, agreed + disagreed),
        posts: reach.posts,
        views: reach.views,
        by_category,
    })
}

/// Reports filed from `from` to before `until`, without what only [`Reports`] knows.
pub(crate) async fn by_category(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<CategoryReports>> {
    sqlx::query_as!(
        CategoryReports,
        r#"SELECT category, count(*) AS "filed!",
                  count(*) FILTER (WHERE status = 'agreed') AS "agreed!",
                  count(*) FILTER (WHERE status = 'disagreed') AS "disagreed!",
                  count(*) FILTER (WHERE status = 'ignored') AS "ignored!",
                  count(*) FILTER (WHERE status = 'withdrawn') AS "withdrawn!",
                  count(*) FILTER (WHERE status = 'pending') AS "pending!",
                  NULL::float8 AS per_10k_posts, NULL::float8 AS per_million_views
           FROM reports WHERE created_at >= $1 AND created_at < $2
           GROUP BY category ORDER BY count(*) DESC, category"#,
        from,
        until
    )
    .fetch_all(tx)
    .await
}

/// Whose reports count less, by the rule's last word on the cases opened in the window (the newest 20,000).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reporters {
    /// Reports the rule looked at.
    pub weighed: i64,
    /// Of people whose reports were muted.
    pub muted: i64,
    /// Of people who count as one voice with another who reported the post.
    pub clustered: i64,
    /// Muted of the weighed.
    pub muted_share: Option<f64>,
    /// Clustered of the weighed.
    pub clustered_share: Option<f64>,
}

pub(super) async fn reporters(
    tx: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Reporters> {
    let row = sqlx::query!(
        r#"SELECT coalesce(sum(jsonb_array_length(c.verdict->'reports')), 0)::bigint AS "weighed!",
                  coalesce(sum(muted.count), 0)::bigint AS "muted!",
                  coalesce(sum(clustered.count), 0)::bigint AS "clustered!"
           FROM (SELECT verdict FROM mod_cases WHERE opened_at >= $1 AND opened_at < $2
                 ORDER BY opened_at DESC LIMIT $3) AS c
           CROSS JOIN LATERAL (SELECT count(*) FROM jsonb_array_elements(c.verdict->'reports') AS r
                               WHERE r->>'not_counted' = 'muted') AS muted
           CROSS JOIN LATERAL (SELECT sum((g->>'reporters')::bigint) AS count
                               FROM jsonb_array_elements(c.verdict->'clusters') AS g
                               WHERE (g->>'reporters')::bigint > 1) AS clustered"#,
        from,
        until,
        MAX_CASES
    )
    .fetch_one(tx)
    .await?;
    Ok(Reporters {
        weighed: row.weighed,
        muted: row.muted,
        clustered: row.clustered,
        muted_share: share(row.muted, row.weighed),
        clustered_share: share(row.clustered, row.weighed),
    })
}
