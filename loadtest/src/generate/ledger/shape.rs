//! The shapes of accounts and how many there are of each. The numbers are ours: as many as a page of each surface needs,
//! most of them people to whom nothing remarkable happens.

/// How somebody trades.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Shape {
    /// Praises a share and sells it within hours, having bought it the days before.
    WordBreaker,
    /// Twenty losing trades and one big winner to show.
    CherryPicker,
    /// Buys before rises more often than chance, in parts of the account, so that its value moves modestly.
    Skilled,
    /// Buys late and sells in panic.
    Chaser,
    /// Buys a few shares month by month and keeps them.
    Holder,
    /// Put everything on one share that soared.
    Lucky,
    /// Put everything on one share that fell.
    Unlucky,
    /// Sold everything, took all money out and began again weeks later.
    Refilled,
    /// Came less than twenty market days ago.
    New,
    /// Holds Korean and American shares, with money in both currencies.
    Both,
    /// Their broker reports no deposits.
    Unfunded,
    /// Trades now and then, without luck or skill.
    Ordinary,
}

impl Shape {
    /// Rare shapes come first, so that a small community has them too.
    pub(crate) const COUNTS: [(Self, usize); 12] = [
        // Two, so that a label is not taken for a quirk of one account.
        (Self::WordBreaker, 2),
        // The index must stand out against 300 and not be the rule.
        (Self::CherryPicker, 3),
        // Two pages of a leaderboard of twenty.
        (Self::Skilled, 40),
        // Half more than those with skill, as studies of private accounts find more losers than winners.
        (Self::Chaser, 60),
        // The bulk, who earn about what the market does.
        (Self::Holder, 100),
        // Enough to fill the first page of a board that ranks by raw return.
        (Self::Lucky, 30),
        // What the lucky did, without the luck; most of the unlucky have closed their accounts.
        (Self::Unlucky, 20),
        // Resetting an account must not reset its record.
        (Self::Refilled, 10),
        // Too young for a board.
        (Self::New, 10),
        // Two currencies in one account.
        (Self::Both, 5),
        // Cash that cannot be known.
        (Self::Unfunded, 3),
        (Self::Ordinary, 17),
    ];

    /// How many purchases and sales an account of this shape has.
    pub(super) const fn trades(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::New => 4..=30,
            // Each loss is two, and what is shown was bought twice and sold.
            Self::CherryPicker => 43..=60,
            Self::Refilled => 20..=60,
            _ => 10..=60,
        }
    }

    /// As written in `shapes.csv`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::WordBreaker => "word_breaker",
            Self::CherryPicker => "cherry_picker",
            Self::Skilled => "skilled",
            Self::Chaser => "chaser",
            Self::Holder => "holder",
            Self::Lucky => "lucky",
            Self::Unlucky => "unlucky",
            Self::Refilled => "refilled",
            Self::New => "new",
            Self::Both => "both_markets",
            Self::Unfunded => "unfunded",
            Self::Ordinary => "ordinary",
        }
    }
}
