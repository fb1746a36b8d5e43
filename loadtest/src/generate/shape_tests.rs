//! Distributions of a community of 2,000 people and 20,000 posts, each against its source with a stated tolerance.

use super::*;

const DAY: i64 = 86_400;

fn community() -> Community {
    let until = 1_772_409_600; // 2026-03-02T00:00:00Z
    let args = Args {
        out: PathBuf::new(),
        people: 2_000,
        posts: 20_000,
        seed: 7,
        until: None,
        days: 30,
        ledgers: 300,
    };
    Community::new(&args, until)
}

/// Percentage of `part` in `whole`.
fn percent(part: usize, whole: usize) -> usize {
    part * 100 / whole.max(1)
}

fn top_share(mut counts: Vec<usize>, top: usize) -> usize {
    counts.sort_unstable_by(|a, b| b.cmp(a));
    percent(counts.iter().take(top).sum(), counts.iter().sum())
}

#[test]
fn follows_are_distinct_and_never_of_oneself() {
    let people = community().people;
    for (follower, followees) in (0_u32..).zip(&people.following) {
        let distinct: std::collections::BTreeSet<_> = followees.iter().collect();
        assert_eq!(distinct.len(), followees.len());
        assert!(!distinct.contains(&follower) && followees.len() <= 5_000);
    }
}

#[test]
fn followers_have_a_heavy_tail_under_the_cap() {
    let people = community().people;
    let followers: Vec<usize> = people.followers.iter().map(|count| *count as usize).collect();
    let most = followers.iter().max().copied().unwrap_or(0);
    assert!((700..=1_200).contains(&most), "{most} follow the most followed of 2,000");
    let share = top_share(followers, 20);
    assert!((25..=45).contains(&share), "the top 1 % have {share} % of all follows");
}

#[test]
fn people_follow_twenty_others_at_the_median() {
    let people = community().people;
    let mut counts: Vec<usize> = people.following.iter().map(Vec::len).collect();
    counts.sort_unstable();
    let median = counts.get(counts.len() / 2).copied().unwrap_or(0);
    assert!((17..=23).contains(&median), "{median}");
}

#[test]
fn few_people_write_most_posts() {
    let community = community();
    let mut counts = vec![0; 2_000];
    for post in &community.posts {
        counts.iter_mut().skip(post.author as usize).take(1).for_each(|count| *count += 1);
    }
    let share = top_share(counts, 20);
    assert!((20..=36).contains(&share), "the top 1 % write {share} %; the law says 26, the sample 34");
}

#[test]
fn posts_replies_and_reposts_have_their_shares() {
    let posts = community().posts;
    let share =
        |kind: fn(&Post) -> bool| percent(posts.iter().filter(|post| kind(post)).count(), posts.len());
    let replies = share(|post| matches!(post.kind, Kind::Reply(_)));
    let reposts = share(|post| matches!(post.kind, Kind::Repost(_)));
    let korean = share(|post| post.korean);
    assert!((17..=22).contains(&replies), "{replies} % replies");
    assert!((8..=12).contains(&reposts), "{reposts} % reposts");
    assert!((74..=86).contains(&korean), "{korean} % Korean");
}

#[test]
fn people_write_when_their_exchange_is_open() {
    let community = community();
    let hour = |post: &&Post| community.market.clock(post.subject).local(post.at).1;
    let own = community.posts.iter().filter(|post| post.kind == Kind::Post && !post.on_results);
    let (day, all) =
        own.fold((0, 0), |(day, all), post| (day + usize::from((9..16).contains(&hour(&post))), all + 1));
    let share = percent(day, all);
    assert!((40..=54).contains(&share), "{share} % between 9 and 16 o'clock, fitted 44 to 46 %");
}

#[test]
fn the_first_company_leads_as_the_fitted_zipf_says() {
    let community = community();
    let named = community.posts.iter().filter_map(|post| post.tickers.first());
    let mut counts = vec![0_usize; 40];
    named.for_each(|at| counts.iter_mut().skip(*at).take(1).for_each(|count| *count += 1));
    let most = counts.iter().max().copied();
    assert_eq!(counts.first().copied(), most, "Samsung Electronics leads");
    let share = percent(most.unwrap_or(0), counts.iter().sum());
    assert!((12..=24).contains(&share), "{share} %, fitted 18.7 % for the first of all");
}

#[test]
fn a_day_with_results_is_about_three_times_as_busy() {
    let community = community();
    let about =
        |at: usize| community.posts.iter().filter(move |post| post.subject == at && post.kind == Kind::Post);
    let (mut busy, mut usual) = (0, 0);
    for (at, listing) in community.market.listings.iter().enumerate() {
        let near =
            |post: &&Post| listing.events.iter().any(|event| (event.at..event.at + DAY).contains(&post.at));
        let after = about(at).filter(near).count();
        let events = listing.events.len();
        busy += after;
        usual += (about(at).count() - after) * events / (30 - events);
    }
    let ratio = percent(busy, usual);
    assert!((200..=500).contains(&ratio), "{ratio} hundredths, fitted 325 (140 to 550)");
}
