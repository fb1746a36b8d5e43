//! Cursors: opaque to the client, signed, and bound to one list of one viewer.

use madang_core::signing::Signer;

use crate::{Feed, ReadError};

/// The list a cursor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum List {
    /// Home by rank.
    HomeTop = 1,
    /// Home by id.
    HomeLatest = 2,
    /// A board by id.
    BoardLatest = 3,
    /// A board by score, frozen.
    BoardTop = 4,
    /// An author's posts.
    Author = 5,
    /// Replies to a post.
    Replies = 6,
    /// Posts on watched tickers.
    Watchlist = 7,
    /// Marked posts.
    Bookmarks = 8,
    /// Trending posts, frozen.
    Trending = 9,
    /// People on a profile: followers, following.
    People = 10,
    /// One's own blocks and mutes.
    OwnPeople = 11,
    /// Daily prices.
    Prices = 12,
    /// Tickers.
    Tickers = 13,
    /// One's own reports.
    Reports = 14,
    /// Statements about one's own posts.
    Statements = 15,
    /// The moderators' queue.
    Cases = 16,
    /// The audit log.
    Audit = 17,
    /// One's own appeals.
    Appeals = 18,
    /// Appeals that wait for a moderator.
    AppealQueue = 19,
    /// Text rules.
    Rules = 20,
    /// Notices.
    Notices = 21,
    /// Sanctions of an account.
    Sanctions = 22,
    /// Rights claims.
    LegalRequests = 23,
    /// Proposed changes of the rule.
    Proposals = 24,
    /// Rows of the ledger that were refused.
    LedgerRefusals = 25,
    /// A leaderboard.
    Leaderboard = 26,
    /// Who holds a ticker.
    Holders = 27,
    /// Trades a person discloses.
    Trades = 28,
    /// One's own profit cards.
    Cards = 29,
    /// An author's calls.
    Calls = 30,
    /// One's own positions.
    Positions = 31,
    /// Posts found by a search.
    FoundPosts = 32,
    /// People found by a search.
    FoundPeople = 33,
    /// Instruments found by a search.
    FoundTickers = 34,
    /// Ambassadors.
    Ambassadors = 40,
    /// Applications to become one.
    Applications = 41,
    /// Their payouts.
    Payouts = 42,
    /// Runs in which those were paid.
    PayRuns = 43,
    /// Statements of ambassadors' months.
    AmbassadorStatements = 44,
    /// One's own.
    OwnAmbassadorStatements = 45,
}

/// Which list, of what, for whom.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// The list.
    pub list: List,
    /// The person, post or ticker whose list it is, or 0.
    pub subject: i64,
    /// The viewer, or 0.
    pub viewer: i64,
}

impl Scope {
    fn bytes(&self) -> [u8; 17] {
        let mut bytes = [self.list as u8; 17];
        let numbers = self.subject.to_le_bytes().into_iter().chain(self.viewer.to_le_bytes());
        bytes.iter_mut().skip(1).zip(numbers).for_each(|(to, from)| *to = from);
        bytes
    }

    /// Makes a cursor of `N` numbers.
    pub fn seal<const N: usize>(&self, signer: &Signer, fields: [i64; N]) -> String {
        let mut payload = self.bytes().to_vec();
        fields.iter().for_each(|field| payload.extend_from_slice(&field.to_le_bytes()));
        signer.seal(&payload)
    }

    /// Reads a cursor that was made for this list and viewer with `N` numbers.
    pub fn open<const N: usize>(&self, signer: &Signer, cursor: &str) -> Option<[i64; N]> {
        if cursor.len() > 512 {
            return None;
        }
        let payload = signer.open(cursor)?;
        let fields = payload.strip_prefix(self.bytes().as_slice())?;
        let (words, rest) = fields.as_chunks::<8>();
        let numbers: Vec<i64> = words.iter().map(|word| i64::from_le_bytes(*word)).collect();
        if rest.is_empty() { numbers.try_into().ok() } else { None }
    }
}

impl Feed {
    /// A cursor for a list that is paged elsewhere.
    pub fn seal_cursor<const N: usize>(&self, scope: &Scope, fields: [i64; N]) -> String {
        scope.seal(&self.cursors, fields)
    }

    /// Reads a cursor of a list that is paged elsewhere.
    pub fn open_cursor<const N: usize>(&self, scope: &Scope, cursor: &str) -> Result<[i64; N], ReadError> {
        scope.open(&self.cursors, cursor).ok_or(ReadError::BadCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_for_its_own_list_and_viewer() {
        let signer = Signer::new(b"key", "cursor");
        let scope = Scope { list: List::HomeTop, subject: 0, viewer: 7 };
        let cursor = scope.seal(&signer, [1, -2, 3]);
        assert_eq!(scope.open(&signer, &cursor), Some([1, -2, 3]));
        assert_eq!(scope.open::<2>(&signer, &cursor), None);
        assert_eq!(Scope { viewer: 8, ..scope }.open::<3>(&signer, &cursor), None);
        assert_eq!(Scope { list: List::HomeLatest, ..scope }.open::<3>(&signer, &cursor), None);
        assert_eq!(Scope { subject: 1, ..scope }.open::<3>(&signer, &cursor), None);
    }
}
