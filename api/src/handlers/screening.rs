//! Screening: what the text rules in force say of a post or a profile, and what that leaves of it.

use madang_core::{
    ids::{PostId, UserId, id_floor},
    posts::NewPost,
    standing::Standing,
    text::PostBody,
    visibility::PostState,
};
use madang_moderation::text::{Hit, Outcome, Screening};

use crate::{call::Call, problem::Problem};

/// Screens a post, its poll's options too, and hides words in it.
pub(super) async fn screen_post(call: &Call, post: &mut NewPost) -> Result<Screening, Problem> {
    let mut screening = screen(call, (post.author, None), post.body.as_str()).await?;
    post.body = screened(call, std::mem::replace(&mut post.body, PostBody::empty()), &screening)?;
    let options = post.poll.iter_mut().flat_map(|poll| poll.options.iter_mut());
    for (at, option) in options.enumerate() {
        let found = screen(call, (post.author, None), option).await?;
        if found.outcome == Outcome::Reject {
            call.app.screened.note_refused(&found);
            return Err(refused_at(&format!("poll.options[{at}]"), option, &found));
        }
        screening.outcome = screening.outcome.max(found.outcome);
        // The places lie in the option, not in the text of the post.
        screening.hits.extend(found.hits.into_iter().map(|hit| Hit { span: 0..0, ..hit }));
        if let Some(masked) = found.masked {
            *option = masked;
        }
    }
    Ok(screening)
}

/// What the text rules in force say of a text, which may be the new one of a post.
pub(super) async fn screen(
    call: &Call,
    (author, edited): (UserId, Option<PostId>),
    text: &str,
) -> Result<Screening, Problem> {
    call.app.screener.refresh(&call.app.pool).await?;
    Ok(call.app.screener.submission(text, author, (&call.app.screened, edited), call.now))
}

/// What the text rules leave of a text: all of it, or with words hidden. What they refuse is said with its
/// place, so that its author can change it.
pub(super) fn screened(call: &Call, body: PostBody, screening: &Screening) -> Result<PostBody, Problem> {
    if screening.outcome == Outcome::Reject {
        call.app.screened.note_refused(screening);
        return Err(refused_at("body", body.as_str(), screening));
    }
    match &screening.masked {
        Some(masked) => PostBody::parse(masked).map_err(|error| Problem::field("body", error)),
        None => Ok(body),
    }
}

fn refused_at(field: &str, text: &str, screening: &Screening) -> Problem {
    let hit = screening.hits.first();
    let place = hit.and_then(|hit| text.get(hit.span.clone())).unwrap_or_default();
    let name = hit.map_or("", |hit| hit.name.as_str());
    Problem::field(field, format!("breaks the rule {name:?} at {place:?}; change it"))
}

/// Refuses words in a name or a profile that a post would not be published with. There is nobody to look at
/// a profile before it is seen, so what would be held or masked in a post is refused here.
pub(super) async fn check_profile(call: &Call, field: &str, text: &str) -> Result<(), Problem> {
    let author = call.viewer().map_or_else(|| UserId::new(id_floor(call.now)), |who| who.user);
    let found = screen(call, (author, None), text).await?;
    let allowed = matches!(found.outcome, Outcome::Allow | Outcome::Limit);
    if allowed { Ok(()) } else { Err(refused_at(field, text, &found)) }
}

/// The state a post has after screening. What a limited account writes reaches no feeds.
pub(super) fn state_after(call: &Call, screening: &Screening) -> PostState {
    match screening.outcome {
        Outcome::Allow | Outcome::Mask | Outcome::Reject if is_limited(call) => PostState::Limited,
        Outcome::Allow | Outcome::Mask | Outcome::Reject => PostState::Visible,
        Outcome::Limit => PostState::Limited,
        Outcome::Hold => PostState::Held,
    }
}

/// Whether the writer's account is limited by a sanction.
pub(super) fn is_limited(call: &Call) -> bool {
    call.login.is_some_and(|login| login.standing.at(call.now) == Standing::Limited)
}
