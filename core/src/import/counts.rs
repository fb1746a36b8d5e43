//! What an import did, in numbers.

use std::fmt;

/// What became of one kind of lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that were added.
    pub new: u64,
    /// Lines whose rows were there before.
    pub here: u64,
    /// Lines that the rejects file explains.
    pub rejected: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} new, {} already here, {} rejected", self.new, self.here, self.rejected)
    }
}

/// What was kept in another form than the archive's; none of it is a rejection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Notes {
    /// Replies that became posts, because their target is missing.
    pub replies_without_target: u64,
    /// Symbols that no ticker has; they stay in their posts' texts.
    pub unknown_symbols: u64,
    /// Posts that keep more known tickers than one may name today.
    pub posts_with_many_tickers: u64,
    /// Authors under another handle than the archive's, because that one is taken or not allowed.
    pub other_handles: u64,
    /// Tickers that were here and got another Korean name, sector or status.
    pub tickers_updated: u64,
    /// Interactions that gave no new follow: repeated pairs, or with somebody unknown.
    pub interactions_without_follow: u64,
}

impl fmt::Display for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [
            (self.replies_without_target, "replies became posts: what they answer is not in the archive"),
            (self.unknown_symbols, "unknown symbols stay in the texts only"),
            (self.posts_with_many_tickers, "posts keep more than five tickers"),
            (self.other_handles, "authors got their external id as handle: theirs is taken or not allowed"),
            (self.tickers_updated, "tickers were updated"),
            (
                self.interactions_without_follow,
                "interactions gave no follow: repeated, or with somebody unknown",
            ),
        ];
        for (count, what) in lines.into_iter().filter(|(count, _)| *count > 0) {
            writeln!(f, "note: {count} {what}")?;
        }
        Ok(())
    }
}

/// What a whole import did. Shown as notes, then exactly one line of counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Posts, replies and reposts.
    pub posts: Tally,
    /// Follow edges.
    pub follows: Tally,
    /// People.
    pub authors: Tally,
    /// Instruments.
    pub tickers: Tally,
    /// Daily prices.
    pub prices: Tally,
    /// Rows of the ledger; the crate that keeps it counts them.
    pub trades: Tally,
    /// Exchange rates, likewise.
    pub rates: Tally,
    /// Consents, likewise.
    pub disclosures: Tally,
    /// What was kept in another form.
    pub notes: Notes,
}

impl Counts {
    /// Lines in the rejects file.
    pub const fn rejected(&self) -> u64 {
        self.posts.rejected
            + self.follows.rejected
            + self.authors.rejected
            + self.tickers.rejected
            + self.prices.rejected
            + self.trades.rejected
            + self.rates.rejected
            + self.disclosures.rejected
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}posts {}; follows {}; authors {}; tickers {}; prices {}; trades {}; rates {}; disclosures {}",
            self.notes,
            self.posts,
            self.follows,
            self.authors,
            self.tickers,
            self.prices,
            self.trades,
            self.rates,
            self.disclosures
        )
    }
}
