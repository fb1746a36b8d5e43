//! Hosts and addresses, however they are written: spaced out, spelled, or in letters of other scripts.

use std::ops::Range;

use regex::Regex;

use super::{
    glyphs::{Gap, Glyph, is_letter_or_digit},
    lookalike::latin_shape,
    views::{View, ViewKind},
};

/// Endings that make a dotted word a host.
const HOSTS: &str = "(?:[a-z0-9][a-z0-9-]{0,62}\\.){1,8}(?:com|net|org|kr|io|me|us|gg|gl|ly|co|to|tv|biz|info|xyz|\
     link|app|shop|site|club|top|vip|ru|cn|jp|dev|do|la|ee|gle|page|so|gd|cc|live|pro|store|online|gov)\
     (?-u:\\b)(?:/[^ ]*)?";

/// A link found in a text.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) host: String,
    /// The host with what follows it.
    pub(crate) address: String,
    /// Bytes of the original.
    pub(crate) span: Range<usize>,
    /// Bytes of what follows the host.
    pub(crate) path: Range<usize>,
}

impl Link {
    /// Whether the host is one of these or below one of them.
    pub(crate) fn is_at<S: AsRef<str>>(&self, hosts: &[S]) -> bool {
        hosts.iter().any(|host| {
            self.host
                .strip_suffix(host.as_ref())
                .is_some_and(|above| above.is_empty() || above.ends_with('.'))
        })
    }
}

/// What finds links.
pub(crate) fn finder() -> Result<Regex, regex::Error> {
    Regex::new(HOSTS)
}

/// The links of a text in wire form.
pub(crate) fn find(finder: &Regex, wire: &View) -> Vec<Link> {
    // without a dot there is no host, and most texts have none
    if !wire.text.contains('.') {
        return Vec::new();
    }
    let mut links = Vec::new();
    for found in finder.find_iter(&wire.text) {
        let mail = wire.text.get(..found.start()).is_some_and(|before| before.ends_with('@'));
        let host = found.as_str().split('/').next().unwrap_or_default();
        if !mail {
            let path = wire.original(found.start() + host.len()..found.end());
            let (host, address) = (host.to_owned(), found.as_str().to_owned());
            links.push(Link { host, address, span: wire.original(found.range()), path });
        }
    }
    links
}

/// The text as a link would need it: Latin letters, spelled signs as signs, spelled-out words joined.
pub(crate) fn wire(plain: &View) -> View {
    let mut out: Vec<Glyph> = Vec::with_capacity(plain.glyphs.len());
    let mut singles = 0;
    let mut signed = false;
    for token in plain.glyphs.split(|glyph| glyph.c == ' ').filter(|token| !token.is_empty()) {
        let sign = spelled_sign(token);
        let joins = sign.is_some() || signed || (singles > 0 && (token.len() == 1 || singles > 1));
        if let (false, Some(first)) = (joins || out.is_empty(), token.first()) {
            out.push(Glyph { c: ' ', end: first.start, ..*first });
        }
        match (sign, token.first(), token.last()) {
            (Some(c), Some(first), Some(last)) => out.push(Glyph { c, end: last.end, ..*first }),
            _ => push_token(token, &mut out),
        }
        singles = if token.len() == 1 { singles + 1 } else { 0 };
        signed = sign.is_some();
    }
    View::new(ViewKind::Plain, out)
}

fn push_token(token: &[Glyph], out: &mut Vec<Glyph>) {
    let mut rest = token;
    while let Some((first, after)) = rest.split_first() {
        let inside = out.last().is_some_and(|before| before.c.is_ascii_alphanumeric());
        let (sign, used) = match (first.c, rest) {
            ('점' | '쩜' | '닷', _) => ('.', 1),
            ('슬', [_, middle, last, ..]) if matches!((middle.c, last.c), ('래' | '러', '시' | '쉬')) => {
                ('/', 3)
            }
            _ => (' ', 0),
        };
        let next = rest.get(used).is_some_and(|glyph| glyph.c.is_ascii_alphanumeric());
        let beside_sign = out.last().is_some_and(|g| matches!(g.c, '.' | '/'))
            || after.first().is_some_and(|g| matches!(g.c, '.' | '/'));
        if beside_sign && !first.c.is_ascii() && !is_letter_or_digit(first.c) {
            // a picture inside an address
            rest = after;
        } else if used > 0 && inside && next {
            out.push(Glyph { c: sign, gap: Gap::None, ..*first });
            rest = rest.get(used..).unwrap_or_default();
        } else {
            out.push(Glyph { c: latin_shape(first.c).unwrap_or(first.c), ..*first });
            rest = after;
        }
    }
}

/// A sign said as a word of its own.
fn spelled_sign(token: &[Glyph]) -> Option<char> {
    let is = |word: &str| token.len() < 6 && token.iter().map(|glyph| glyph.c).eq(word.chars());
    if ["점", "쩜", "닷", "dot", "(dot)", "[dot]", "(.)", "[.]"].iter().any(|word| is(word)) {
        Some('.')
    } else if ["슬래시", "슬래쉬", "슬러시", "slash"].iter().any(|word| is(word)) {
        Some('/')
    } else {
        None
    }
}
