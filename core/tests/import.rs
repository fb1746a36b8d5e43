//! Imports of small archives made here and, where `MADANG_DATA` names a folder with one, called stocknet, of a real one.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeMap,
    io::Write,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Instant,
};

use madang_core::import::{Counts, Options, Progress, Tally, run};
use sqlx::PgPool;
use tokio::sync::Notify;

struct Quiet;

impl Progress for Quiet {
    fn stage(&self, _name: &str, _total_lines: Option<u64>) {}
    fn advance(&self, _lines: u64) {}
}

/// A folder of its own that goes with the test.
struct Archive {
    dir: PathBuf,
}

impl Archive {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("madang-import-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        Self { dir }
    }

    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.dir.join(name);
        if name.ends_with(".gz") {
            let mut to =
                flate2::write::GzEncoder::new(std::fs::File::create(path).unwrap(), Default::default());
            to.write_all(content.as_ref()).unwrap();
            to.finish().unwrap();
        } else {
            std::fs::write(path, content).unwrap();
        }
        self
    }

    fn options(&self) -> Options {
        Options { dir: self.dir.clone(), rejects: self.dir.join("rejects.csv"), push_limit: 2 }
    }

    async fn import(&self, pool: &PgPool) -> Counts {
        run(pool, &self.options(), &Quiet).await.unwrap()
    }

    /// `file:line` and the reason of each rejected line.
    fn rejects(&self) -> Vec<(String, String)> {
        let mut reader = csv::Reader::from_path(self.dir.join("rejects.csv")).unwrap();
        let at = |row: &csv::StringRecord, n| row.get(n).unwrap().to_owned();
        reader
            .records()
            .map(|row| row.unwrap())
            .map(|row| (format!("{}:{}", at(&row, 0), at(&row, 1)), at(&row, 2)))
            .collect()
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

const TICKERS: &str = "symbol,company,sector,exchange,name_ko,aliases\n\
    AAPL,Apple Inc.,Technology,NASDAQ,애플,사과|Apple\n\
    005930,\"Samsung Electronics, Co.\",Technology,KRX,삼성전자,삼전\n\
    A,Agilent,,NYSE,,\nB,Barnes,,NYSE,,\nC,Citi,,NYSE,,\nD,Dominion,,NYSE,,\nE,Eni,,NYSE,,\n";
const PRICES: &str = "symbol,date,open,high,low,close,adj_close,volume\n\
    AAPL,2014-01-02,1,2,0.5,1.25,1.2,100\nAAPL,2014-01-03,1,2,0.5,1.50,1.4,100\n";
const AUTHORS: &str = "author,followers_count,account_created\n\
    u_a,10,2009-01-01\nu_b,,2008-01-01\nu_c,99999999999,2012-05-05\n";
const FOLLOWS: &str = "follower,followee,origin\nu_a,u_b,x\nu_b,u_a,x\nu_c,u_a,x\n";

fn post(id: &str, author: &str, at: &str, more: &str) -> String {
    format!(
        "{{\"id\":\"{id}\",\"created_at\":\"{at}\",\"author\":\"{author}\",\"text\":\"text of {id}\"{more}}}\n"
    )
}

fn base() -> Archive {
    Archive::new().file("tickers.csv", TICKERS).file("prices.csv", PRICES).file("authors.csv", AUTHORS)
}

fn all_good() -> Archive {
    let posts = [
        post(
            "p1",
            "u_a",
            "2014-01-03T15:00:00Z",
            ",\"tickers\":[\"AAPL\"],\"likes\":3,\"lang\":\"en\",\"new\":[{}]",
        ),
        post("p2", "u_b", "2014-01-03T15:01:00Z", ",\"reply_to\":\"p1\",\"stance\":\"bull\""),
        post("p3", "u_c", "2014-01-03T15:02:00Z", ",\"repost_of\":\"p1\",\"tickers\":[\"AAPL\"]"),
        post("p4", "u_a", "2014-01-03T15:03:00Z", ",\"reply_to\":\"p2\""),
    ];
    base().file("follows.csv.gz", FOLLOWS).file("posts.jsonl.gz", posts.concat())
}

const fn tally(new: u64, here: u64, rejected: u64) -> Tally {
    Tally { new, here, rejected }
}

/// Every row of every table.
async fn contents(pool: &PgPool) -> BTreeMap<String, String> {
    let tables = strings(pool, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'").await;
    let mut found = BTreeMap::new();
    for table in tables {
        let sql = format!(
            "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM \"{table}\" t"
        );
        let sum: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(pool).await.unwrap();
        found.insert(table, sum);
    }
    found
}

async fn number(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

async fn strings(pool: &PgPool, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

/// What must hold after any import, by SQL of its own: each counts what breaks it.
const INVARIANTS: [(&str, &str); 9] = [
    (
        "follower counts",
        "SELECT count(*) FROM users u LEFT JOIN (SELECT followee_id AS id, count(*) AS n FROM follows GROUP BY 1) f
         USING (id) WHERE u.follower_count <> coalesce(f.n, 0)",
    ),
    (
        "following counts",
        "SELECT count(*) FROM users u LEFT JOIN (SELECT follower_id AS id, count(*) AS n FROM follows GROUP BY 1) f
         USING (id) WHERE u.following_count <> coalesce(f.n, 0)",
    ),
    (
        "reply and repost counts",
        "SELECT count(*) FROM posts p LEFT JOIN post_counts c ON c.post_id = p.id
         WHERE coalesce(c.replies, 0) <> (SELECT count(*) FROM posts r WHERE r.reply_to = p.id AND r.listed)
            OR coalesce(c.reposts, 0) <> (SELECT count(*) FROM posts r WHERE r.repost_of = p.id AND r.listed)",
    ),
    (
        "ids ascend with time",
        "SELECT count(*) FROM (SELECT created_at, lag(created_at) OVER (ORDER BY id) AS before FROM posts) p
         WHERE before > created_at",
    ),
    (
        "ids carry their time",
        "SELECT count(*) FROM posts
         WHERE created_at > '2010-01-02' AND abs(extract(epoch FROM id_time(id) - created_at)) > 0.01",
    ),
    (
        "ranks",
        "SELECT count(*) FROM posts p WHERE rank <> post_rank(created_at, author_followers,
             (SELECT count(*) FROM posts o WHERE o.author_id = p.author_id AND o.id < p.id
                AND o.id >= id_floor(p.created_at - interval '3 hours')))",
    ),
    (
        "follower numbers of posts",
        "SELECT count(*) FROM posts p JOIN users u ON u.id = p.author_id WHERE p.author_followers <> u.follower_count",
    ),
    (
        "roots",
        "SELECT count(*) FROM posts p LEFT JOIN posts t ON t.id = p.reply_to
         WHERE p.reply_to IS NOT NULL AND p.root_id IS DISTINCT FROM coalesce(t.root_id, t.id)",
    ),
    (
        "reposts",
        "SELECT count(*) FROM posts p FULL JOIN reposts r ON r.repost_id = p.id
         WHERE (p.repost_of IS NOT NULL OR r.repost_id IS NOT NULL)
           AND (r.post_id, r.user_id) IS DISTINCT FROM (p.repost_of, p.author_id)",
    ),
];

async fn check_invariants(pool: &PgPool) {
    for (name, sql) in INVARIANTS {
        assert_eq!(number(pool, sql).await, 0, "{name}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn everything_good_is_imported_and_a_second_import_changes_nothing(pool: PgPool) {
    let archive = all_good();
    let counts = archive.import(&pool).await;
    assert_eq!(archive.rejects(), []);
    assert_eq!(
        (counts.posts, counts.follows, counts.authors),
        (tally(4, 0, 0), tally(3, 0, 0), tally(3, 0, 0))
    );
    assert_eq!((counts.tickers, counts.prices), (tally(7, 0, 0), tally(2, 0, 0)));
    check_invariants(&pool).await;
    let thread = "SELECT count(*) FROM posts WHERE root_id = (SELECT post_id FROM external_posts WHERE external_id = 'p1')";
    assert_eq!(number(&pool, thread).await, 2);
    // 15:00 UTC of the 3rd is the 3rd in New York, so the last known close is of the 2nd.
    let marks = "SELECT m.price || ' ' || m.price_day FROM post_tickers m";
    assert_eq!(strings(&pool, marks).await, ["1.25 2014-01-02"]);
    let jobs = "SELECT kind || ' ' || count(*) FROM jobs GROUP BY kind ORDER BY kind";
    assert_eq!(strings(&pool, jobs).await, ["fanout 4", "publish 1"]);
    let before = contents(&pool).await;
    let again = archive.import(&pool).await;
    assert_eq!(contents(&pool).await, before);
    assert_eq!(
        again.to_string(),
        "posts 0 new, 4 already here, 0 rejected; follows 0 new, 3 already here, 0 rejected; \
         authors 0 new, 3 already here, 0 rejected; tickers 0 new, 7 already here, 0 rejected; \
         prices 0 new, 2 already here, 0 rejected; trades 0 new, 0 already here, 0 rejected; \
         rates 0 new, 0 already here, 0 rejected; disclosures 0 new, 0 already here, 0 rejected"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn each_wrong_line_is_named_with_its_reason_and_all_others_are_kept(pool: PgPool) {
    let at = "2014-01-03T15:00:00Z";
    let good = post("p1", "u_a", at, "");
    let mut posts = good.clone().into_bytes();
    posts.extend(b"{\"id\":\"x\xFF\"}\n{broken\nnull\n[]\n\n");
    let wrong = [
        post("x", "u_a", at, ",\"likes\":\"many\""),
        post("x", "u_a", at, ",\"likes\":-1"),
        post("x", "u_a", "yesterday", ""),
        post("x", "nobody", at, ""),
        post("x\\u0000", "u_a", at, ""),
        post("x", "u_a", at, ",\"text\":\"twice\""),
        post("x", "u_a", at, "").replace("text of x", " \\u200b"),
        post("x", "u_a", at, "").replace("text of x", &"a".repeat(5_001)),
        good,
        post("p2", "u_b", at, "").replace("text of p2", "a\\tb\\\\N\\n{\\\""),
        "a\0b".to_owned(),
    ];
    posts.extend(wrong.concat().into_bytes());
    let archive = base()
        .file(
            "tickers.csv",
            format!("{TICKERS}AAPL,Again,,NASDAQ,,\nX,X,,MOON,,\nY,Y,,NYSE\n\"Z,Z,,NYSE,,\nF,Ford,,NYSE,,\n"),
        )
        .file(
            "prices.csv",
            format!(
                "{PRICES}AAPL,2014-01-06,,,,,,\nNOPE,2014-01-06,1,1,1,1,1,1\nAAPL,2014-01-03,9,9,9,9,9,9\n\
                 AAPL,6/1/14,1,1,1,1,1,1\nF,2014-01-06,1,1,1,1,1,1\n\
                 F,0014-01-07,1,1,1,1,1,1\nF,9014-01-07,1,1,1,1,1,1\nF,-200000-01-07,1,1,1,1,1,1\n"
            ),
        )
        .file(
            "authors.csv",
            format!(
                "{AUTHORS}u_a,1,2012-01-01\n,1,2012-01-01\nu_d,many,2012-01-01\nu_d,-1,2012-01-01\nu_d,1,soon\nu_e,1,\n"
            ),
        )
        .file("follows.csv", format!("{FOLLOWS}u_a,u_a,x\nu_a,u_b,x\nu_a,ghost,x\nghost,u_a,x\nu_a,\nu_e,u_a,x\n"))
        .file("posts.jsonl", posts);
    let counts = archive.import(&pool).await;
    let rejects = archive.rejects();
    let lines = |file: &str| -> Vec<u32> {
        let mut lines: Vec<u32> =
            rejects.iter().filter_map(|(at, _)| at.strip_prefix(file)?.parse().ok()).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(lines("tickers.csv:"), [9, 10, 11, 12], "{rejects:?}");
    assert_eq!(lines("prices.csv:"), [4, 5, 6, 7, 9, 10, 11], "{rejects:?}");
    assert_eq!(lines("authors.csv:"), [5, 6, 7, 8, 9], "{rejects:?}");
    assert_eq!(lines("follows.csv:"), [5, 6, 7, 8, 9], "{rejects:?}");
    assert_eq!(lines("posts.jsonl:"), [2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17], "{rejects:?}");
    assert!(rejects.contains(&("posts.jsonl:15".to_owned(), "duplicate of posts.jsonl line 1".to_owned())));
    assert!(rejects.contains(&("posts.jsonl:10".to_owned(), "the author is unknown".to_owned())));
    assert_eq!(
        (counts.posts, counts.follows, counts.authors),
        (tally(2, 0, 14), tally(4, 0, 5), tally(4, 0, 5))
    );
    assert_eq!((counts.tickers, counts.prices), (tally(8, 0, 4), tally(3, 0, 7)));
    assert_eq!(counts.rejected(), rejects.len() as u64);
    assert_eq!(strings(&pool, "SELECT body FROM posts ORDER BY body").await, ["a\tb\\N\n{\"", "text of p1"]);
    check_invariants(&pool).await;
    let before = contents(&pool).await;
    assert_eq!(archive.import(&pool).await.posts, tally(0, 2, 14));
    assert_eq!(contents(&pool).await, before);
}

#[sqlx::test(migrations = "../migrations")]
async fn archives_keep_many_tickers_unknown_symbols_and_replies_to_nothing(pool: PgPool) {
    let at = "2014-01-03T15:00:00Z";
    let many = ",\"tickers\":[\"E\",\"D\",\"C\",\"B\",\"A\",\"aapl\",\"XKRX:005930\",\"E\",\"NOPE\"]";
    let posts = [
        post("p1", "u_a", at, many),
        post("p2", "u_a", at, ",\"reply_to\":\"gone\",\"tickers\":[\"NOPE\"]"),
        post("p3", "u_a", at, ",\"reply_to\":\"p2\"").replace("text of", "@u_b님 @u_c, @nobody"),
        // These three answer in circles.
        post("c1", "u_a", at, ",\"reply_to\":\"c2\""),
        post("c2", "u_a", at, ",\"reply_to\":\"c1\""),
        post("c3", "u_a", at, ",\"reply_to\":\"c3\""),
    ];
    let archive = base().file("posts.jsonl", posts.concat());
    let counts = archive.import(&pool).await;
    assert_eq!((counts.posts, archive.rejects()), (tally(6, 0, 0), vec![]));
    assert_eq!((counts.notes.posts_with_many_tickers, counts.notes.unknown_symbols), (1, 2));
    assert_eq!(counts.notes.replies_without_target, 4);
    let shown = counts.to_string();
    assert!(shown.contains("note: 4 replies became posts"), "{shown}");
    assert!(
        shown.lines().last().unwrap().starts_with("posts 6 new, 0 already here, 0 rejected; follows 0 new")
    );
    let tickers = "SELECT string_agg(t.code, ' ' ORDER BY m.position) FROM post_tickers m JOIN tickers t ON t.id = m.ticker_id";
    assert_eq!(strings(&pool, tickers).await, ["E D C B A AAPL 005930"]);
    let mentioned = "SELECT u.handle FROM mentions m JOIN users u ON u.id = m.user_id ORDER BY 1";
    assert_eq!(strings(&pool, mentioned).await, ["u_b", "u_c"]);
    assert_eq!(number(&pool, "SELECT count(*) FROM posts WHERE reply_to IS NOT NULL").await, 1);
    check_invariants(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn one_repost_a_person_and_post_and_each_shows_an_original(pool: PgPool) {
    let at = "2014-01-03T15:00:00Z";
    let original = post("o1", "u_a", "2014-01-03T14:00:00Z", "");
    let posts = [
        post("r1", "u_b", at, ",\"repost_of\":\"o1\",\"reply_to\":\"o1\",\"stance\":\"bear\""),
        post("r2", "u_b", "2014-01-03T14:30:00Z", ",\"repost_of\":\"o1\""),
        post("r3", "u_c", at, ",\"repost_of\":\"r1\""),
        post("r4", "u_c", at, ",\"repost_of\":\"gone\""),
        post("r5", "u_c", at, ",\"repost_of\":\"r6\""),
        post("r6", "u_c", at, ",\"repost_of\":\"r5\""),
        post("a1", "u_a", at, ",\"reply_to\":\"r3\""),
    ];
    let archive = base().file("originals.jsonl", original).file("posts.jsonl", posts.concat());
    let counts = archive.import(&pool).await;
    assert_eq!(counts.posts, tally(4, 0, 4));
    let again = "its author already reposted that";
    let nothing = "what it reposts is not in the archive";
    let expected = [(1, again), (4, nothing), (5, nothing), (6, nothing)];
    assert_eq!(archive.rejects(), expected.map(|(n, why)| (format!("posts.jsonl:{n}"), why.to_owned())));
    let bare = "SELECT count(*) FROM posts WHERE repost_of IS NOT NULL AND body = '' AND stance = 0";
    assert_eq!(number(&pool, bare).await, 2);
    assert_eq!(number(&pool, "SELECT count(DISTINCT coalesce(repost_of, root_id)) FROM posts").await, 1);
    check_invariants(&pool).await;

    // A later archive refers to what is here, r1 was refused for good.
    let later = [
        post("r7", "u_a", at, ",\"repost_of\":\"r3\""),
        post("a2", "u_b", at, ",\"reply_to\":\"a1\""),
        post("r8", "u_b", at, ",\"repost_of\":\"r1\""),
    ];
    sqlx::raw_sql("DELETE FROM jobs").execute(&pool).await.unwrap();
    let second = Archive::new().file("posts.jsonl", later.concat());
    assert_eq!(second.import(&pool).await.posts, tally(2, 0, 1));
    check_invariants(&pool).await;
    let jobs = "SELECT kind || ' ' || count(*) FROM jobs GROUP BY kind ORDER BY kind";
    assert_eq!(strings(&pool, jobs).await, ["fanout 2", "score 2"]);
    sqlx::raw_sql("UPDATE posts SET listed = false, deleted_at = now() WHERE body = 'text of o1'")
        .execute(&pool)
        .await
        .unwrap();
    let third = Archive::new().file("posts.jsonl", post("r9", "u_b", at, ",\"repost_of\":\"r3\""));
    assert_eq!(third.import(&pool).await.posts, tally(0, 0, 1));
    assert_eq!(third.rejects(), [("posts.jsonl:1".to_owned(), "what it reposts was deleted".to_owned())]);
}

/// Cuts the import at the moment a stage begins.
struct Scissors {
    at: &'static str,
    cut: Notify,
}

impl Progress for Scissors {
    fn stage(&self, name: &str, _total_lines: Option<u64>) {
        if name == self.at {
            self.cut.notify_one();
        }
    }
    fn advance(&self, _lines: u64) {}
}

#[sqlx::test(migrations = "../migrations")]
async fn an_interrupted_import_is_finished_by_the_next(pool: PgPool) {
    let archive = all_good();
    let stages = [
        "tickers: into the database",
        "prices.csv",
        "authors: into the database",
        "follows.csv.gz",
        "follows: into the database",
        "posts.jsonl.gz",
        "posts: into the database",
    ];
    for at in stages {
        let scissors = Scissors { at, cut: Notify::new() };
        let options = archive.options();
        // Connections of its own, which end with it as those of a killed process do.
        let wanted = pool.connect_options().as_ref().clone();
        let own = pool.options().clone().connect_with(wanted).await.unwrap();
        tokio::select! {
            biased;
            () = scissors.cut.notified() => {}
            done = run(&own, &options, &scissors) => panic!("was not cut at {at}: {done:?}"),
        }
        drop(own);
        assert_eq!(number(&pool, "SELECT count(*) FROM posts").await, 0, "{at}");
        check_invariants(&pool).await;
    }
    let counts = archive.import(&pool).await;
    assert_eq!(
        (counts.authors, counts.follows, counts.posts),
        (tally(0, 3, 0), tally(0, 3, 0), tally(4, 0, 0))
    );
    check_invariants(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn ids_stay_apart_where_an_archive_knows_days_only_or_is_older_than_ids(pool: PgPool) {
    let mut authors = "author,account_created\nu_a,2012-01-01\n".to_owned();
    let mut posts = String::new();
    for n in 0..6_000 {
        authors.push_str(&format!("v{n:05},2007-03-04\n"));
        posts.push_str(&post(&format!("p{n}"), &format!("v{n:05}"), "2014-01-03T00:00:00Z", ""));
        posts.push_str(&post(&format!("q{n}"), "u_a", "2008-01-03T00:00:00Z", ""));
    }
    let archive = Archive::new().file("authors.csv.gz", authors).file("posts.jsonl.gz", posts);
    let counts = archive.import(&pool).await;
    let rejects = archive.rejects();
    // v01000 looks like vO1OOO, but nobody here is called that.
    assert_eq!(
        (counts.authors, counts.posts),
        (tally(6_001, 0, 0), tally(12_000, 0, 0)),
        "{:?}",
        rejects.first()
    );
    for (name, sql) in INVARIANTS.into_iter().filter(|(name, _)| *name != "ranks") {
        assert_eq!(number(&pool, sql).await, 0, "{name}");
    }
    assert_eq!(number(&pool, "SELECT count(*) FROM posts WHERE id <= 0").await, 0);
    let out_of_order = "SELECT count(*) FROM (
            SELECT post_id, lag(post_id) OVER (ORDER BY substr(external_id, 2)::int) AS before
            FROM external_posts WHERE external_id LIKE 'p%') p
        WHERE before > post_id";
    assert_eq!(number(&pool, out_of_order).await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn flooding_costs_an_imported_author_as_it_costs_everyone(pool: PgPool) {
    let lines: Vec<String> = (0..40)
        .map(|n| {
            // Pairs of the same second every 40 minutes, then one a minute.
            let minute = if n < 20 { n / 2 * 40 } else { 400 + n };
            let at = format!("2014-01-03T{:02}:{:02}:00Z", minute / 60, minute % 60);
            post(&format!("p{n}"), "u_a", &at, "")
        })
        .collect();
    let (first, second) = lines.split_at(20);
    base().file("follows.csv", FOLLOWS).file("posts.jsonl", first.concat()).import(&pool).await;
    check_invariants(&pool).await;
    // The second half sees the first one, which is in the table by then.
    let later = Archive::new().file("posts.jsonl", second.concat());
    assert_eq!(later.import(&pool).await.posts, tally(20, 0, 0));
    check_invariants(&pool).await;
    let penalties = "SELECT count(DISTINCT rank - extract(epoch FROM created_at)::bigint) FROM posts";
    assert!(number(&pool, penalties).await >= 8);
}

#[sqlx::test(migrations = "../migrations")]
async fn follows_come_from_interactions_where_there_is_no_follows_file(pool: PgPool) {
    let interactions = "created_at,from_author,to_author,kind\n\
        2014-01-01T00:00:00Z,u_a,u_b,reply\n2014-01-02T00:00:00Z,u_a,u_b,mention\n\
        2014-01-02T00:00:00Z,u_a,ghost,mention\n2014-01-02T00:00:00Z,u_a,u_a,mention\n\
        2014-01-02T00:00:00Z,u_c,u_b,repost\n";
    let archive = base().file("interactions.csv", interactions);
    let counts = archive.import(&pool).await;
    assert_eq!((counts.follows, counts.notes.interactions_without_follow), (tally(2, 0, 0), 3));
    assert_eq!(archive.import(&pool).await.follows, tally(0, 2, 0));
    check_invariants(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn follows_respect_blocks_and_the_limit_and_ask_for_jobs(pool: PgPool) {
    base().import(&pool).await;
    sqlx::raw_sql(
        "INSERT INTO blocks (blocker_id, blocked_id) SELECT b.id, a.id FROM users a, users b
             WHERE a.external_id = 'u_a' AND b.external_id = 'u_b';
         INSERT INTO readers (user_id, seen_at) SELECT id, now() FROM users WHERE external_id = 'u_c'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut authors = "author\n".to_owned();
    let mut follows = FOLLOWS.to_owned();
    for n in 0..5_001 {
        authors.push_str(&format!("w{n}x\n"));
        follows.push_str(&format!("u_c,w{n}x,x\n"));
    }
    follows.push_str("w2x,u_a,x\nw3x,u_a,x\n");
    let archive = Archive::new().file("authors.csv", authors).file("follows.csv", follows);
    let counts = archive.import(&pool).await;
    // Of u_c's 5,002 two are too many; u_a and u_b do not see each other.
    assert_eq!(counts.follows, tally(5_002, 0, 4), "{:?}", archive.rejects());
    check_invariants(&pool).await;
    assert_eq!(number(&pool, "SELECT count(*) FROM jobs WHERE kind = 'relation'").await, 5_000);
    let merge = "SELECT u.external_id FROM jobs j JOIN users u ON u.id = j.subject WHERE kind = 'merge'";
    assert_eq!(strings(&pool, merge).await, ["u_a"]);
    let before = contents(&pool).await;
    assert_eq!(archive.import(&pool).await.follows, tally(0, 5_002, 4));
    assert_eq!(contents(&pool).await, before);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_taken_handle_gives_way_to_the_external_id_and_who_left_stays_away(pool: PgPool) {
    let authors = "author,handle,name,language\n\
        e_a,paypal,Pay,ko\ne_b,paypa1,,\ne_c,PAYPAL,,xx\ne_d,admin,,en\ne_e,no spaces!,,en\n\
        external-id-that-is-no-handle,paypal,,\n";
    let archive = Archive::new().file("authors.csv", authors);
    let counts = archive.import(&pool).await;
    assert_eq!((counts.authors, counts.notes.other_handles), (tally(5, 0, 1), 4), "{:?}", archive.rejects());
    let people = "SELECT handle || ' ' || name || ' ' || language FROM users ORDER BY external_id";
    let expected = ["paypal Pay ko", "e_b e_b en", "e_c e_c en", "e_d e_d en", "e_e e_e en"];
    assert_eq!(strings(&pool, people).await, expected);
    let user = number(&pool, "SELECT id FROM users WHERE external_id = 'e_d'").await;
    let mut tx = pool.begin().await.unwrap();
    let user = madang_core::ids::UserId::new(user);
    madang_core::accounts::delete(&mut tx, user, 10, chrono::Utc::now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(archive.import(&pool).await.authors, tally(0, 4, 2));
    let left = ("authors.csv:5".to_owned(), "the handle belonged to somebody who left".to_owned());
    assert!(archive.rejects().contains(&left), "{:?}", archive.rejects());
}

#[sqlx::test(migrations = "../migrations")]
async fn tickers_are_updated_only_where_they_differ(pool: PgPool) {
    let archive = base()
        .file(
            "tickers.csv",
            "symbol,company,sector,exchange,name_ko,aliases,currency,time_zone,status,renamed_to\n\
             FB,Facebook,,NASDAQ,,,,,renamed,META\nMETA,Meta,,NASDAQ,,,,,active,\nAAPL,Apple,,NASDAQ,,,,,,\n\
             OLD,Old,,NYSE,,,,,renamed,NOWHERE\nOLDER,Older,,NYSE,,,,,renamed,OLD\n\
             TOY,Toyota,,XTKS,,,JPY,Asia/Tokyo,delisted,\n",
        )
        .file("posts.jsonl", post("p1", "u_a", "2014-01-03T15:00:00Z", ",\"tickers\":[\"FB\",\"META\"]"));
    assert_eq!(archive.import(&pool).await.tickers, tally(4, 0, 2));
    let before = contents(&pool).await;
    assert_eq!(archive.import(&pool).await.tickers, tally(0, 4, 2));
    assert_eq!(contents(&pool).await, before);
    let codes = "SELECT t.symbol FROM post_tickers m JOIN tickers t ON t.id = m.ticker_id";
    assert_eq!(strings(&pool, codes).await, ["XNAS:META"]);
    let second = Archive::new()
        .file("tickers.csv", "symbol,company,exchange,name_ko,status\nAAPL,Other,NASDAQ,애플,delisted\n");
    let counts = second.import(&pool).await;
    assert_eq!((counts.tickers, counts.notes.tickers_updated), (tally(0, 1, 0), 1));
    let apple = "SELECT name || ' ' || name_ko || ' ' || status FROM tickers WHERE code = 'AAPL'";
    assert_eq!(strings(&pool, apple).await, ["Apple 애플 delisted"]);
    assert_eq!(number(&pool, "SELECT count(*) FROM changes").await, 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_folder_without_archive_a_foreign_header_and_a_torn_file_are_explained(pool: PgPool) {
    let at = "2014-01-03T15:00:00Z";
    let empty = Archive::new();
    let error = run(&pool, &empty.options(), &Quiet).await.unwrap_err();
    assert!(error.to_string().contains("posts.jsonl"), "{error:#}");
    let foreign = Archive::new().file("authors.csv", "a,b\n1,2\n");
    let error = format!("{:#}", run(&pool, &foreign.options(), &Quiet).await.unwrap_err());
    assert!(error.contains("authors.csv") && error.contains("\"author\""), "{error}");
    let posts: String = (0..2_000).map(|n| post(&format!("p{n}"), "u_a", at, "")).collect();
    let torn = base().file("posts.jsonl.gz", posts);
    let path = torn.dir.join("posts.jsonl.gz");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, bytes.get(..bytes.len() / 2).unwrap()).unwrap();
    let counts = torn.import(&pool).await;
    assert!(counts.posts.new > 100, "{counts}");
    assert!(torn.rejects().last().unwrap().1.contains("cannot be read further"), "{:?}", torn.rejects());
    // Endless lines and binary junk are lines like others.
    let lines = [vec![b'x'; 3 << 20], b"\n".to_vec(), post("z", "u_a", at, "").into_bytes(), vec![0xFE; 999]];
    let junk = base().file("posts.jsonl", lines.concat());
    assert_eq!(junk.import(&pool).await.posts, tally(1, 0, 2));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_real_archive_is_imported_whole(pool: PgPool) {
    let Some(dir) = std::env::var_os("MADANG_DATA").map(|data| PathBuf::from(data).join("stocknet")) else {
        println!("skipped: MADANG_DATA names no folder with archives");
        return;
    };
    let scratch = Archive::new();
    let options = Options { dir, rejects: scratch.dir.join("rejects.csv"), push_limit: 10_000 };
    let start = Instant::now();
    let counts = run(&pool, &options, &Quiet).await.unwrap();
    println!("{counts}\nfirst import: {:?}", start.elapsed());
    assert_eq!(scratch.rejects().len() as u64, counts.rejected());
    for (at, why) in scratch.rejects() {
        println!("  {at} {why}");
    }
    check_invariants(&pool).await;
    let before = contents(&pool).await;
    let start = Instant::now();
    let again = run(&pool, &options, &Quiet).await.unwrap();
    println!("{again}\nsecond import: {:?}", start.elapsed());
    assert_eq!(contents(&pool).await, before);
    assert_eq!(again.posts, tally(0, counts.posts.new, counts.posts.rejected));
    assert_eq!(again.follows, tally(0, counts.follows.new, counts.follows.rejected));
}
