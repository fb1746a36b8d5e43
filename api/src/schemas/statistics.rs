//! The schemas of the statistics of moderation.

use serde_json::{Value, json};

use super::object;

fn list_of(schema: &Value) -> Value {
    json!({"type": "array", "items": schema})
}

/// All of them, by name. Times are seconds, shares are from 0 to 1 and null where there is nothing to divide by.
pub(super) fn schemas() -> Value {
    let (time, text) = (json!({"type": "string", "format": "date-time"}), json!({"type": "string"}));
    let whole = json!({"type": "integer"});
    let share = json!({"type": ["number", "null"], "description": "From 0 to 1; null of nothing."});
    let seconds =
        json!({"type": ["number", "null"], "description": "Seconds; null where nothing was measured."});
    let measured = json!({"type": ["number", "null"]});
    let spread = object(json!({"count": whole, "p50": measured, "p90": measured, "p99": measured}), &[]);
    let blocks = object(
        json!({"imposed": whole, "reviewed": whole, "upheld": whole, "overturned": whole, "precision": share}),
        &[],
    );
    let times = object(json!({"to_limit": spread, "to_block": spread, "to_verdict": spread}), &[]);
    let queue = object(
        json!({"depth": whole, "escalated": whole, "oldest_seconds": seconds, "age_seconds": spread}),
        &[],
    );
    let reporters = object(
        json!({"weighed": whole, "muted": whole, "clustered": whole, "muted_share": share, "clustered_share": share}),
        &[],
    );
    let appeals = object(
        json!({"open": whole, "overdue": whole, "sent": whole, "answered": whole, "overturned": whole,
        "overturn_rate": share, "median_seconds": seconds}),
        &[],
    );
    let restitution = object(
        json!({"posts": whole, "viewers_owed": whole, "viewers_won_back": whole, "viewers_owed_closed": whole,
        "open": whole}),
        &[],
    );
    let stats = json!({"from": time, "until": time, "auto_blocks": blocks, "times": times,
        "viewers_before_block": spread, "reports": reports(&whole, &share), "reporters": reporters, "queue": queue,
        "appeals": appeals, "restitution": restitution, "moderators": list_of(&reviewer(&whole, &seconds)),
        "text_rules": list_of(&text_rule(&whole, &text, &share))});
    json!({"ModerationStats": object(stats, &[])})
}

fn reports(whole: &Value, share: &Value) -> Value {
    let rate = json!({"type": ["number", "null"], "description": "Null while nothing is counted."});
    let category = object(
        json!({"category": {"type": "string"}, "filed": whole, "agreed": whole, "disagreed": whole, "ignored": whole,
        "withdrawn": whole, "pending": whole, "per_10k_posts": rate, "per_million_views": rate}),
        &[],
    );
    object(
        json!({"filed": whole, "agreed_share": share, "posts": whole, "views": whole,
        "by_category": list_of(&category)}),
        &[],
    )
}

fn reviewer(whole: &Value, seconds: &Value) -> Value {
    object(
        json!({"moderator_id": {"type": "string"}, "handle": {"type": ["string", "null"]}, "decisions": whole,
        "kept": whole, "limited": whole, "removed": whole, "overturned": whole, "median_seconds": seconds}),
        &[],
    )
}

fn text_rule(whole: &Value, text: &Value, share: &Value) -> Value {
    object(
        json!({"rule_id": whole, "name": text, "cases": whole, "undecided": whole, "kept": whole, "limited": whole,
        "removed": whole, "precision": share}),
        &[],
    )
}
