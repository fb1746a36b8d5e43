//! What a row says happened.

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Shares for money.
    Buy,
    /// Money for shares.
    Sell,
    /// Money from shares held.
    Dividend,
    /// A cost that belongs to no trade.
    Fee,
    /// A tax that belongs to no trade.
    Tax,
    /// Money paid in.
    Deposit,
    /// Money taken out.
    Withdrawal,
    /// Shares brought in from elsewhere.
    SharesIn,
    /// Shares moved elsewhere.
    SharesOut,
    /// New shares for old ones.
    Split,
    /// An earlier row does not count.
    Cancellation,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Buy,
        Self::Sell,
        Self::Dividend,
        Self::Fee,
        Self::Tax,
        Self::Deposit,
        Self::Withdrawal,
        Self::SharesIn,
        Self::SharesOut,
        Self::Split,
        Self::Cancellation,
    ];

    /// The name in the table, in JSON and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
            Self::Dividend => "dividend",
            Self::Fee => "fee",
            Self::Tax => "tax",
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
            Self::SharesIn => "shares_in",
            Self::SharesOut => "shares_out",
            Self::Split => "split",
            Self::Cancellation => "cancellation",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    pub(super) const fn has_quantity(self) -> bool {
        matches!(self, Self::Buy | Self::Sell | Self::SharesIn | Self::SharesOut)
    }

    pub(super) const fn has_price(self) -> bool {
        matches!(self, Self::Buy | Self::Sell | Self::SharesIn)
    }

    pub(super) const fn has_amount(self) -> bool {
        matches!(self, Self::Dividend | Self::Fee | Self::Tax | Self::Deposit | Self::Withdrawal)
    }

    pub(super) const fn has_costs(self) -> bool {
        matches!(self, Self::Buy | Self::Sell | Self::Dividend)
    }

    pub(super) const fn needs_ticker(self) -> bool {
        self.has_quantity() || matches!(self, Self::Dividend | Self::Split)
    }
}
