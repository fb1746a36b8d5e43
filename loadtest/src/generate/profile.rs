//! The numbers that shape a community, fitted on a public sample of two years of posts about shares. Where a number
//! is ours instead (a sample of a stream knows no follow graph and few replies) its comment says so.

/// Zipf exponent of followers: 1 / (1.72 - 1), the fitted tail.
pub(crate) const FOLLOWERS_ZIPF: f64 = 1.39;
/// No one is followed by more than this share of all people (of 1,000), which the sample's graph was capped at too.
pub(crate) const FOLLOWERS_CAP_PERMILLE: u64 = 600;
/// How eager people are to follow, in follows; ours.
pub(crate) const FOLLOWING: &[(u32, u64)] = &[
    (0, 0),
    (3_000, 1),
    (10_000, 4),
    (25_000, 10),
    (50_000, 20),
    (75_000, 42),
    (90_000, 85),
    (97_000, 180),
    (99_000, 320),
    (99_900, 1_200),
    (100_000, 5_000),
];
/// So many of 1,000 wanted follows are made. The most eager run out of people to follow and others take their place, so
/// this keeps the median at 20; ours.
pub(crate) const FOLLOWING_PERMILLE: u64 = 620;
/// Follower counts as the outside world reports them.
pub(crate) const OUTSIDE_FOLLOWERS: &[(u32, u64)] = &[
    (0, 0),
    (6_020, 0),
    (10_000, 2),
    (25_000, 17),
    (50_000, 135),
    (75_000, 548),
    (90_000, 2_100),
    (95_000, 5_957),
    (99_000, 43_563),
    (99_900, 810_587),
    (100_000, 6_561_578),
];
/// Verified accounts, of 10,000.
pub(crate) const VERIFIED_OF_10_000: u64 = 151;
/// Exponent of the power law of posts per author, from one post on.
pub(crate) const POSTS_ALPHA: f64 = 2.355;
/// Zipf exponent of posts per ticker, over the fifty most named.
pub(crate) const TICKERS_ZIPF: f64 = 1.008;
/// Share of posts by hour of the exchange's day, Monday to Friday, of 10,000.
pub(crate) const HOURS_WEEKDAY: [u64; 24] = [
    225, 175, 179, 239, 222, 241, 338, 401, 533, 711, 689, 661, 684, 607, 574, 645, 587, 474, 406, 322, 286,
    298, 259, 244,
];
/// The same for Saturday and Sunday.
pub(crate) const HOURS_WEEKEND: [u64; 24] = [
    348, 255, 285, 335, 290, 251, 399, 414, 379, 505, 542, 541, 565, 501, 465, 588, 415, 425, 528, 402, 405,
    494, 353, 311,
];
/// Share of posts by day, Monday first, of 10,000.
pub(crate) const WEEKDAYS: [u64; 7] = [1646, 1729, 1914, 1640, 1492, 776, 804];
/// A day with results has this many times the posts of another weekday, in hundredths.
pub(crate) const EVENT_DAY_PERCENT: u64 = 325;
/// Seconds from a post to its repost.
pub(crate) const REPOST_DELAY_SECS: &[(u32, u64)] = &[
    (0, 1),
    (1_000, 14),
    (5_000, 50),
    (10_000, 116),
    (25_000, 464),
    (50_000, 3_124),
    (75_000, 32_398),
    (90_000, 109_501),
    (95_000, 216_484),
    (99_000, 1_300_595),
    (100_000, 17_742_431),
];
/// Likes of a post that was seen after a while.
pub(crate) const LIKES: &[(u32, u64)] = &[
    (0, 0),
    (25_000, 0),
    (50_000, 1),
    (75_000, 5),
    (90_000, 24),
    (95_000, 66),
    (99_000, 641),
    (99_900, 1_955),
    (100_000, 13_507),
];
/// Seconds from results to a post about them: most of an hour's peak at once (6.5 times the day's mean over 60 minutes,
/// 9.7 over the busiest five), the rest over the day.
pub(crate) const EVENT_DELAY_SECS: &[(u32, u64)] = &[
    (0, 20),
    (2_000, 180),
    (9_000, 600),
    (23_000, 1_500),
    (38_000, 3_600),
    (60_000, 10_800),
    (82_000, 28_800),
    (100_000, 72_000),
];
/// Named tickers in a post, of 1,000, from none; ours: the sample holds only posts with one, and its fours are robots.
pub(crate) const TICKERS_IN_A_POST: [u64; 6] = [80, 660, 150, 60, 30, 20];
/// Replies and reposts, of 1,000; ours: the sample lost most replies.
pub(crate) const REPLIES_PERMILLE: u64 = 205;
/// See [`REPLIES_PERMILLE`].
pub(crate) const REPOSTS_PERMILLE: u64 = 102;
/// People who write Korean, of 1,000; ours.
pub(crate) const KOREAN_PERMILLE: u64 = 800;
