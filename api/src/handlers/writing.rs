//! Writing and editing posts: parsed, screened, and published or kept back.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::LOCATION},
};
use chrono::Duration;
use madang_core::{
    changes::{self, Change},
    handle::mention_candidates,
    idempotency::{self, Answer, Claim, Use},
    ids::{PostId, UserId},
    polls::{OPEN_MINUTES, OPTIONS},
    posts::{
        self, EditRefused, Edited, Entry, NewPoll, NewPost, PostCounts, PostRecord, PricedTicker, Published,
        Stance, Submission, Target, TickerMark,
        attachments::{self, Attachment, Labels},
    },
    text::{self, PostBody},
    users,
    visibility::{PostState, Sight, Surface, sight},
};
use madang_creators::cards::profit_claim;
use madang_feed::{cards, viewers::Look};
use madang_moderation::{
    cases, decisions,
    screener::keeps_back,
    submissions,
    text::{Outcome, Screening},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    post_id,
    screening::{is_limited, screen, screen_post, screened, state_after},
};
use crate::{
    call::{Body, Call, Done, Effects},
    limits::Rate,
    problem::{FieldError, Problem},
};

/// Most people one post may address.
const MAX_MENTIONS: usize = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PollBody {
    options: Vec<String>,
    minutes: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPostBody {
    body: String,
    #[serde(default)]
    tickers: Vec<String>,
    stance: Option<String>,
    reply_to: Option<String>,
    quote_of: Option<String>,
    poll: Option<PollBody>,
    language: Option<String>,
    card_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditBody {
    body: String,
}

/// `POST /v1/posts`
pub(crate) async fn create(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let who = call.who()?;
    let input: NewPostBody = body.parse()?;
    call.limit(if input.reply_to.is_some() { Rate::Reply } else { Rate::Post })?;
    let usage = call.idempotency(body.bytes())?;
    let look = call.app.feed.look(Some(who)).await?;
    let mut post = parse_post(&call, &look, input).await?;
    let said = post.body.as_str().to_owned();
    let screening = match screen_post(&call, &mut post).await {
        Ok(screening) => screening,
        // What was accepted once is answered as it was, whatever the rules say by now.
        Err(refused) => return repeated(&call, usage.as_ref(), refused).await,
    };
    let tail = answer_tail(&call, &look, &post, state_after(&call, &screening)).await?;
    let submission = Submission { post, key: usage, answer_tail: tail.clone() };
    match publish(&call, submission, &screening).await? {
        Published::Repeated(claim) => replay(&call, claim).await,
        Published::NoAuthor => Err(Problem::unauthorized("this account is gone")),
        Published::New(created) => {
            call.app.waker.wake();
            call.app.screened.note(created.id, who.user, &said, &screening);
            let entry = Entry { id: created.id, rank: created.rank, author: who.user };
            if state_after(&call, &screening) == PostState::Visible {
                call.app.feed.append_own(entry).await;
            }
            Ok(HttpResponse::Created()
                .content_type("application/json")
                .insert_header((LOCATION, location(&created.id.to_string())))
                .body(format!(r#"{{"id":"{}"{tail}"#, created.id)))
        }
    }
}

/// The recorded answer, with the address of the post.
async fn replay(call: &Call, claim: Claim) -> Result<HttpResponse, Problem> {
    let location = recorded_id(&claim).and_then(|id| location(&id).try_into().ok());
    let mut response = call.replay(claim).await?;
    if let Some(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

async fn repeated(call: &Call, usage: Option<&Use>, refused: Problem) -> Result<HttpResponse, Problem> {
    let Some(usage) = usage else { return Err(refused) };
    match idempotency::find(&call.app.pool, usage).await? {
        Some(claim) => replay(call, claim).await,
        None => Err(refused),
    }
}

/// Publishes with others, or keeps back in a transaction of its own.
async fn publish(call: &Call, submission: Submission, screening: &Screening) -> Result<Published, Problem> {
    let keeps_back = keeps_back(screening.outcome);
    if !keeps_back && !is_limited(call) {
        return Ok(call.app.intake.publish(submission).await?);
    }
    let mut tx = call.app.pool.begin().await?;
    let published = if keeps_back {
        submissions::keep_back(&mut tx, &submission, screening, call.now, &call.request_id).await?
    } else {
        submissions::limit(&mut tx, &submission).await?
    };
    tx.commit().await?;
    if matches!(published, Published::New(_)) {
        let changed = Effects { changed: true, viewers: Vec::new(), relations: false };
        call.make_known(&changed).await?;
    }
    Ok(published)
}

fn location(id: &str) -> String {
    format!("/v1/posts/{id}")
}

/// The id in the recorded answer of a post that was made.
fn recorded_id(claim: &Claim) -> Option<String> {
    let Claim::Replay(Answer { status: 201, body }) = claim else { return None };
    let body = std::str::from_utf8(body).ok()?;
    body.strip_prefix(r#"{"id":""#)?.split('"').next().map(str::to_owned)
}

/// Turns the input into a post, or says all that is wrong with it.
async fn parse_post(call: &Call, look: &Look, input: NewPostBody) -> Result<NewPost, Problem> {
    let mut errors = Vec::new();
    let body = note(&mut errors, "body", PostBody::parse(&input.body)).unwrap_or_else(PostBody::empty);
    let stance = input.stance.as_deref().map_or(Some(Stance::None), Stance::parse);
    let stance =
        note(&mut errors, "stance", stance.ok_or("must be bull, bear or none")).unwrap_or(Stance::None);
    let poll = input.poll.and_then(|poll| parse_poll(&mut errors, poll, call));
    if let Some(language) = input.language.as_deref().filter(|name| !["ko", "en"].contains(name)) {
        errors.push(field("language", format!("must be ko or en, not {language:?}")));
    }
    let catalogue = call.app.feed.catalogue().await?;
    let found = note(&mut errors, "tickers", catalogue.resolve(body.as_str(), &input.tickers));
    let priced = found.unwrap_or_default();
    let tickers = priced.iter().map(|t| PricedTicker { id: t.id, close: t.last_close });
    let reply = find_target(call, look, &mut errors, "reply_to", input.reply_to.as_deref()).await?;
    let quote = find_target(call, look, &mut errors, "quote_of", input.quote_of.as_deref()).await?;
    let card = find_card(call, look, &mut errors, input.card_id.as_deref()).await?;
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let candidates = mention_candidates(body.as_str(), MAX_MENTIONS);
    let mut mentions = users::resolve_mentions(&call.app.pool, &candidates).await?;
    mentions.retain(|user| !look.viewer.blocked.contains(&user.get()) && user.get() != look.id());
    Ok(NewPost {
        author: UserId::new(look.id()),
        stance,
        reply_to: reply.map(|(id, target)| (id, target.root)),
        quote_of: quote.map(|(id, _)| id),
        repost_of: None,
        tickers: tickers.collect(),
        mentions,
        poll,
        language: input.language,
        attachment: card,
        labels: Labels { claims_profit: profit_claim(body.as_str()).is_some(), contradicted: false },
        now: trunc_millis(call.now),
        body,
    })
}

/// What is shown and what is stored agree to the millisecond.
pub(super) fn trunc_millis(at: chrono::DateTime<chrono::Utc>) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}

fn field(name: &str, message: impl std::fmt::Display) -> FieldError {
    FieldError { field: name.to_owned(), message: message.to_string() }
}

fn note<T, E: std::fmt::Display>(
    errors: &mut Vec<FieldError>,
    name: &str,
    result: Result<T, E>,
) -> Option<T> {
    result.map_err(|error| errors.push(field(name, error))).ok()
}

fn parse_poll(errors: &mut Vec<FieldError>, poll: PollBody, call: &Call) -> Option<NewPoll> {
    if !OPTIONS.contains(&poll.options.len()) {
        errors.push(field("poll.options", "must be 2 to 5"));
    }
    if !OPEN_MINUTES.contains(&poll.minutes) {
        errors.push(field("poll.minutes", "must be from 5 to 10080 (a week)"));
        return None;
    }
    let mut options: Vec<String> = Vec::new();
    for (at, option) in poll.options.iter().take(*OPTIONS.end()).enumerate() {
        let name = format!("poll.options[{at}]");
        let Some(option) = note(errors, &name, text::parse_line(option, text::MAX_OPTION_CHARS)) else {
            continue;
        };
        if options.contains(&option) {
            errors.push(field(&name, "stands twice"));
        }
        options.push(option);
    }
    Some(NewPoll { options, closes_at: trunc_millis(call.now + Duration::minutes(poll.minutes)) })
}

/// The post a reply or quote refers to, if the writer may see it; a repost stands for its original.
async fn find_target(
    call: &Call,
    look: &Look,
    errors: &mut Vec<FieldError>,
    name: &str,
    id: Option<&str>,
) -> Result<Option<(PostId, Target)>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let Ok(id) = id.parse::<PostId>() else {
        errors.push(field(name, "must be the id of a post"));
        return Ok(None);
    };
    match referable(call, look, id).await? {
        Ok(found) => Ok(Some(found)),
        Err(why) => {
            errors.push(field(name, why));
            Ok(None)
        }
    }
}

/// The writer's own profit card, if it still holds.
async fn find_card(
    call: &Call,
    look: &Look,
    errors: &mut Vec<FieldError>,
    id: Option<&str>,
) -> Result<Option<Attachment>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found = match id.parse() {
        Ok(id) => attachments::own(&call.app.pool, id, UserId::new(look.id())).await?,
        Err(_) => None,
    };
    let valid = found.filter(|card| card.body.get("state").is_some_and(|state| state == "valid"));
    if valid.is_none() {
        errors.push(field("card_id", "must be a card of yours that holds; make one with POST /v1/me/cards"));
    }
    Ok(valid)
}

/// What a reply, a quote or a reaction refers to, or why it cannot.
pub(super) async fn referable(
    call: &Call,
    look: &Look,
    id: PostId,
) -> Result<Result<(PostId, Target), &'static str>, Problem> {
    let Some(mut target) = posts::target(&call.app.pool, id).await? else {
        return Ok(Err("there is no such post"));
    };
    let mut id = id;
    if let Some(original) = target.repost_of {
        let Some(found) = posts::target(&call.app.pool, original).await? else {
            return Ok(Err("there is no such post"));
        };
        (id, target) = (original, found);
    }
    Ok(match sight(target.state, look.onlooker(target.author), Surface::Direct) {
        _ if target.state == PostState::Deleted => Err("this post was deleted"),
        Sight::Show if target.state == PostState::Visible => Ok((id, target)),
        Sight::Show => Err("this post is under review"),
        Sight::Placeholder | Sight::Hide => Err("there is no such post"),
    })
}

/// The answer after the id: what `GET` would say of the new post.
async fn answer_tail(call: &Call, look: &Look, post: &NewPost, state: PostState) -> Result<String, Problem> {
    let catalogue = call.app.feed.catalogue().await?;
    let author = call.app.feed.author_json(post.author).await?;
    let author = author.ok_or_else(|| Problem::unauthorized("this account is gone"))?;
    let options = post.poll.as_ref().map(|poll| (poll.closes_at, poll.options.clone()));
    let mark =
        |t: &PricedTicker| TickerMark { id: t.id, price: t.close.map(|c| c.1), day: t.close.map(|c| c.0) };
    let record = PostRecord {
        id: PostId::new(0),
        author: post.author,
        body: post.body.as_str().to_owned(),
        stance: post.stance,
        reply_to: post.reply_to.map(|(target, _)| target),
        root: post.reply_to.map(|(_, root)| root),
        repost_of: None,
        quote_of: post.quote_of,
        language: post.language.clone(),
        state,
        revision: 0,
        created_at: post.now,
        edited_at: None,
        tickers: post.tickers.iter().map(mark).collect(),
        poll: options.clone(),
        attachment: post.attachment.as_ref().map(|card| card.body.clone()),
        labels: post.labels,
    };
    let mut tail = format!(r#","author":{author}{}"#, cards::members(&record, &catalogue));
    let counts = PostCounts {
        votes: vec![0; options.as_ref().map_or(0, |(_, options)| options.len())],
        ..PostCounts::default()
    };
    let marks = Some(madang_core::viewer::Marks::default());
    cards::write_live_members(&mut tail, &counts, marks, options.as_ref(), true, call.now);
    tail.push_str(r#","repost_of":null,"quote_of":"#);
    let quoted = match post.quote_of {
        Some(id) => call.app.feed.post(look, id, call.now).await?,
        None => None,
    };
    tail.push_str(quoted.as_deref().unwrap_or("null"));
    tail.push('}');
    Ok(tail)
}

/// `PATCH /v1/posts/{id}`
pub(crate) async fn edit(call: Call, req: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let (who, id) = (call.who()?, post_id(&req)?);
    let input: EditBody = body.parse()?;
    let text = PostBody::parse(&input.body).map_err(|error| Problem::field("body", error))?;
    // Looking catches up, so the rules are those in force.
    let look = call.app.feed.look(Some(who)).await?;
    let screening = screen(&call, (who.user, Some(id)), text.as_str()).await?;
    let said = text.as_str().to_owned();
    let text = screened(&call, text, &screening)?;
    let claims = profit_claim(text.as_str()).is_some();
    // Read before the transaction, which holds a connection; whether it may be edited is decided inside.
    let before = call.app.feed.post(&look, id, call.now).await?.unwrap_or_else(|| "{}".to_owned());
    let now = trunc_millis(call.now);
    let answer = call.write(body.bytes(), async |tx| {
        match posts::edit(&mut *tx, id, who.user, &text, claims, now).await? {
            Ok(edited) => {
                if edited.changed {
                    cases::text_changed(&mut *tx, id).await?;
                }
                let kept_back = keeps_back(screening.outcome)
                    && submissions::restrict(&mut *tx, id, &screening, now, &call.request_id).await?;
                if edited.changed && screening.outcome <= Outcome::Mask {
                    decisions::edited(&mut *tx, id, now, &call.request_id).await?;
                }
                // Last, and once: everything else that is recorded waits behind it.
                if edited.changed && !kept_back {
                    changes::record(tx, &[Change::Post(id)]).await?;
                }
                let body = after_edit(&before, &text, claims, edited).map_err(Problem::internal)?;
                Ok(Done::json(
                    StatusCode::OK,
                    body,
                    Effects { changed: true, viewers: Vec::new(), relations: false },
                ))
            }
            Err(EditRefused::NotFound) => Err(Problem::not_found("post of yours")),
            Err(EditRefused::Repost) => Err(Problem::conflict("repost", "a repost has no text of its own")),
            Err(EditRefused::TooLate) => {
                Err(Problem::conflict("too_late", "a post can be edited for 30 minutes; write a new one"))
            }
        }
    });
    let answer = answer.await?;
    call.app.screened.note(id, who.user, &said, &screening);
    Ok(answer)
}

/// What `GET` will say of an edited post, as far as the edit decides it.
fn after_edit(
    before: &str,
    text: &PostBody,
    claims_profit: bool,
    edited: Edited,
) -> serde_json::Result<String> {
    let mut post: serde_json::Map<String, serde_json::Value> = serde_json::from_str(before)?;
    post.insert("body".to_owned(), json!(text.as_str()));
    let contradicted = post.get("labels").and_then(|labels| labels.as_array());
    let contradicted = contradicted.is_some_and(|labels| labels.iter().any(|label| label == "acted_against"));
    let labels = Labels { claims_profit, contradicted }.names(post.get("card"));
    post.insert("labels".to_owned(), json!(labels));
    post.insert("revision".to_owned(), json!(edited.revision));
    post.insert("edited_at".to_owned(), json!(edited.edited_at.map(cards::rfc3339)));
    serde_json::to_string(&post)
}
