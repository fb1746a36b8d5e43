//! What stands with posts and is made elsewhere, such as profit cards; and what readers are told about a post.

use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use crate::{
    changes::Change,
    ids::{AttachmentId, PostId, UserId},
};

/// Something that stands with a post.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// As it is shown.
    pub body: Value,
}

/// What readers are told about a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Labels {
    /// Its text claims a profit.
    pub claims_profit: bool,
    /// Its author did the opposite of what it says.
    pub contradicted: bool,
}

impl Labels {
    /// From the column `labels`.
    pub const fn from_column(column: i16) -> Self {
        Self { claims_profit: column & 1 != 0, contradicted: column & 2 != 0 }
    }

    /// To the column `labels`.
    pub const fn column(self) -> i16 {
        (self.claims_profit as i16) | ((self.contradicted as i16) << 1)
    }

    /// The names in JSON. A claim is unverified unless a card that holds, and shows a gain, stands with the post.
    pub fn names(self, attachment: Option<&Value>) -> Vec<&'static str> {
        let text = |name: &str| attachment.and_then(|body| body.get(name)).and_then(Value::as_str);
        let gain = text("shown")
            .is_some_and(|rate| !rate.starts_with('-') && rate.contains(|c| ('1'..='9').contains(&c)));
        let verified = text("state") == Some("valid") && gain;
        let unverified = (self.claims_profit && !verified).then_some("unverified_profit_claim");
        unverified.into_iter().chain(self.contradicted.then_some("acted_against")).collect()
    }
}

/// Makes one.
pub async fn add(tx: &mut PgConnection, author: UserId, body: &Value) -> sqlx::Result<AttachmentId> {
    let row = sqlx::query!(
        "INSERT INTO attachments (author_id, body) VALUES ($1, $2) RETURNING id",
        author.get(),
        body
    )
    .fetch_one(tx)
    .await?;
    Ok(AttachmentId::new(row.id))
}

/// Shows it in another form from now on. Returns the changes, for the caller to record.
pub async fn update(tx: &mut PgConnection, id: AttachmentId, body: &Value) -> sqlx::Result<Vec<Change>> {
    sqlx::query!("UPDATE attachments SET body = $2 WHERE id = $1", id.get(), body).execute(&mut *tx).await?;
    let posts = sqlx::query_scalar!("SELECT id FROM posts WHERE attachment_id = $1 ORDER BY id", id.get())
        .fetch_all(tx)
        .await?;
    Ok(posts.into_iter().map(|id| Change::Post(PostId::new(id))).collect())
}

/// One's own, to be put with a new post.
pub async fn own(
    executor: impl PgExecutor<'_>,
    id: AttachmentId,
    author: UserId,
) -> sqlx::Result<Option<Attachment>> {
    let row =
        sqlx::query!("SELECT body FROM attachments WHERE id = $1 AND author_id = $2", id.get(), author.get())
            .fetch_optional(executor)
            .await?;
    Ok(row.map(|row| Attachment { id, body: row.body }))
}

/// Tells readers that an author did the opposite of what these posts say, and of no others of theirs. Returns the
/// changes.
pub async fn set_contradicted(
    tx: &mut PgConnection,
    author: UserId,
    posts: &[i64],
) -> sqlx::Result<Vec<Change>> {
    let changed = sqlx::query_scalar!(
        "UPDATE posts SET labels = labels # 2::smallint
         WHERE id IN (SELECT id FROM posts WHERE author_id = $1 AND stance <> 0
                      AND (labels & 2 = 2) <> (id = ANY($2)) ORDER BY id FOR UPDATE)
         RETURNING id",
        author.get(),
        posts
    )
    .fetch_all(tx)
    .await?;
    Ok(changed.into_iter().map(|id| Change::Post(PostId::new(id))).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_unverified_unless_a_card_that_holds_stands_with_it() {
        let labels = Labels { claims_profit: true, contradicted: true };
        assert_eq!(Labels::from_column(labels.column()), labels);
        assert_eq!(labels.names(None), ["unverified_profit_claim", "acted_against"]);
        assert_eq!(
            labels.names(Some(&json!({"state": "withdrawn"}))),
            ["unverified_profit_claim", "acted_against"]
        );
        let card = |shown: &str| json!({"state": "valid", "shown": shown});
        assert_eq!(labels.names(Some(&card("0.100000"))), ["acted_against"]);
        for shown in ["-0.100000", "0.000000"] {
            assert_eq!(labels.names(Some(&card(shown))).len(), 2, "{shown} is no profit");
        }
        assert!(Labels::default().names(None).is_empty());
    }
}
