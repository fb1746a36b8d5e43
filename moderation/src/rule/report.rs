//! Reports and the people who file them, as the rule sees them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a post is reported for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Leads readers to a paid room or messenger outside.
    LeadingRoom,
    /// Poses as a person or firm.
    Impersonation,
    /// Says what is not so.
    FalseInformation,
    /// Shows gains nobody made.
    FakeProfit,
    /// Insults or threatens.
    Abuse,
    /// Sexual content.
    Sexual,
    /// Advertising or repetition.
    Spam,
    /// Against the law in another way.
    Illegal,
    /// Anything else.
    Other,
}

impl Category {
    /// All categories.
    pub const ALL: [Self; 9] = [
        Self::LeadingRoom,
        Self::Impersonation,
        Self::FalseInformation,
        Self::FakeProfit,
        Self::Abuse,
        Self::Sexual,
        Self::Spam,
        Self::Illegal,
        Self::Other,
    ];

    /// The name in tables and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LeadingRoom => "leading_room",
            Self::Impersonation => "impersonation",
            Self::FalseInformation => "false_information",
            Self::FakeProfit => "fake_profit",
            Self::Abuse => "abuse",
            Self::Sexual => "sexual",
            Self::Spam => "spam",
            Self::Illegal => "illegal",
            Self::Other => "other",
        }
    }

    /// The category of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == name)
    }

    /// Whether it is a scam. False information is not among them: most of it is dispute, and a category
    /// that stays blocked unreviewed would be the one a brigade picks.
    pub const fn is_scam(self) -> bool {
        matches!(self, Self::LeadingRoom | Self::Impersonation | Self::FakeProfit)
    }

    /// Whether a block stays, and escalates, when nobody reviewed it in time.
    pub const fn is_scam_or_illegal(self) -> bool {
        self.is_scam() || matches!(self, Self::Illegal)
    }

    /// Whether reports of it age fast.
    pub const fn is_spam_or_scam(self) -> bool {
        self.is_scam() || matches!(self, Self::Spam)
    }
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    /// Waits for a verdict: the only ones that score.
    Pending,
    /// Taken back by the reporter.
    Withdrawn,
    /// A moderator agreed.
    Agreed,
    /// A moderator disagreed.
    Disagreed,
    /// Closed without a verdict on the reporter.
    Ignored,
    /// Left its window.
    Expired,
}

/// A report of a post.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Who filed it.
    pub reporter: i64,
    /// What for.
    pub category: Category,
    /// The revision of the post that was seen.
    pub revision: i32,
    /// When.
    pub reported_at: DateTime<Utc>,
    /// What became of it.
    pub status: ReportStatus,
    /// Whether it came with a valid view token.
    pub view_token_ok: bool,
}

/// Why a person's reports cannot score on this post at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// They wrote it.
    Author,
    /// The author had blocked them before writing it.
    BlockedByAuthor,
}

/// A person who reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reporter {
    /// Who.
    pub id: i64,
    /// When the account was opened.
    pub created_at: DateTime<Utc>,
    /// Whether phone or identity was checked.
    pub verified: bool,
    /// Agreed verdicts on their reports, decayed to now.
    pub agreed_decayed: f64,
    /// Disagreed verdicts, decayed to now.
    pub disagreed_decayed: f64,
    /// Their disagreed reports on this author in the last 90 days.
    pub disagreed_on_author: u32,
    /// Reports filed before this do not score, those from before the mute either.
    pub muted_until: Option<DateTime<Utc>>,
    /// What rules them out on this post.
    pub tie: Option<Tie>,
    /// From 0 to 1, how far their stance or holding in the ticker is opposed to the post.
    pub opposed: f64,
    /// What they may share with others.
    pub signals: Signals,
}

impl Reporter {
    /// A person without history, ties and signals.
    pub fn newcomer(id: i64, created_at: DateTime<Utc>, verified: bool) -> Self {
        Self {
            id,
            created_at,
            verified,
            agreed_decayed: 0.0,
            disagreed_decayed: 0.0,
            disagreed_on_author: 0,
            muted_until: None,
            tie: None,
            opposed: 0.0,
            signals: Signals::default(),
        }
    }
}

/// What joins reporters. Keys are opaque: hashes made by whoever may see the real ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signals {
    /// Devices they used.
    pub devices: Vec<u64>,
    /// Payment means and identities of theirs.
    pub identities: Vec<u64>,
    /// Networks they were seen on about the time of the report.
    pub sightings: Vec<Sighting>,
    /// The cluster they were found in before, which also joins them through people not in this case.
    pub stored_cluster: Option<i64>,
}

/// Where someone was seen, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sighting {
    /// The network.
    pub network: Network,
    /// The time.
    pub at: DateTime<Utc>,
}

/// An address without its last part: /24 of version 4, /48 of version 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Network(IpAddr);

impl Network {
    /// The network an address is in. A version 4 address in the clothes of version 6 is what it is.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8)).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80)).into(),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn category_names_are_the_same_everywhere() {
        for category in Category::ALL {
            assert_eq!(Category::parse(category.as_str()), Some(category));
            assert_eq!(serde_json::to_value(category).unwrap(), category.as_str());
        }
        assert_eq!(Category::parse("scam"), None);
        let stay: Vec<&str> =
            Category::ALL.into_iter().filter(|c| c.is_scam_or_illegal()).map(Category::as_str).collect();
        assert_eq!(stay, ["leading_room", "impersonation", "fake_profit", "illegal"]);
    }

    #[test]
    fn networks_forget_the_last_part_of_an_address() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("203.0.113.9"), of("203.0.113.250"));
        assert_ne!(of("203.0.113.9"), of("203.0.112.9"));
        assert_eq!(of("::ffff:203.0.113.9"), of("203.0.113.1"));
        assert_eq!(of("2001:db8:7:1::1"), of("2001:db8:7:ffff::9"));
        assert_ne!(of("2001:db8:7::1"), of("2001:db8:8::1"));
    }
}
