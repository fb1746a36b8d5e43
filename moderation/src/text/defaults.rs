//! The rules a new installation starts with. Operators change them in the database; these are the seed.

use super::{
    leading::LeadingSettings,
    rules::{Action, Class, Mode, Repeats, RuleKind, RuleSpec},
};

/// Age under which an account's links are limited, in hours.
const NEW_ACCOUNT_HOURS: f64 = 7.0 * 24.0;
/// Links a new account may post.
const NEW_ACCOUNT_LINKS: usize = 1;

/// The built-in rules.
pub fn default_rules() -> Vec<RuleSpec> {
    use Action::{Hold, Limit, Mask};
    vec![
        words(1, "욕설", Class::Profanity, Mask, include_str!("words/profanity.txt")),
        words(2, "초성 욕설", Class::Profanity, Mask, include_str!("words/initials.txt")),
        words(3, "비하와 모욕", Class::Abuse, Mask, include_str!("words/abuse.txt")),
        words(4, "성적 표현", Class::Sexual, Mask, include_str!("words/sexual.txt")),
        words(5, "위협과 패륜", Class::Threat, Hold, include_str!("words/threat.txt")),
        words(6, "영어 욕설", Class::Profanity, Mask, include_str!("words/english.txt")),
        rule(
            7,
            "리딩방 유인",
            Class::LeadingRoom,
            Hold,
            RuleKind::LeadingRoom { settings: LeadingSettings::default() },
        ),
        rule(
            8,
            "새 계정의 링크",
            Class::Link,
            Limit,
            RuleKind::LinkLimit { max_links: NEW_ACCOUNT_LINKS, under_hours: NEW_ACCOUNT_HOURS },
        ),
        rule(9, "도배", Class::Spam, Limit, RuleKind::Repeats { limits: Repeats::default() }),
    ]
}

fn rule(id: i64, name: &str, class: Class, action: Action, kind: RuleKind) -> RuleSpec {
    RuleSpec { id, name: name.to_owned(), class, mode: Mode::Active, action, kind }
}

fn words(id: i64, name: &str, class: Class, action: Action, list: &str) -> RuleSpec {
    let (mut words, mut exceptions, mut unless) = (Vec::new(), Vec::new(), Vec::new());
    for line in list.lines().map(|line| line.split('#').next().unwrap_or_default()) {
        for entry in line.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            match (entry.strip_prefix('!'), entry.strip_prefix('~')) {
                (Some(exception), _) => exceptions.push(exception.to_owned()),
                (_, Some(silence)) => unless.push(silence.to_owned()),
                _ => words.push(entry.to_owned()),
            }
        }
    }
    rule(id, name, class, action, RuleKind::Words { words, exceptions, unless })
}
