//! What a text speaks of: companies under the names people use, and numbers near the generated prices.

use super::Community;
use super::dice::Dice;
use super::market::Listing;
use super::posts::Post;
use super::tickers::Ticker;

/// Lists of what moves a company, one for each trade.
#[cfg(test)]
pub(crate) const DRIVERS: &[&str] = &[
    "driver_chip",
    "driver_battery",
    "driver_heavy",
    "driver_car",
    "driver_bio",
    "driver_bank",
    "driver_platform",
    "driver_content",
    "driver_device",
];

/// Slots that a scene fills itself.
#[cfg(test)]
const VALUES: &[&str] =
    &["n", "m", "names", "to", "price", "target", "low", "pct", "bigpct", "num", "num2", "per", "rate"];

/// Whether a scene fills the slot `name`.
#[cfg(test)]
pub(crate) fn is_value(name: &str) -> bool {
    VALUES.contains(&name)
}

/// The companies and prices of one post.
pub(crate) struct Scene<'a> {
    korean: bool,
    subject: Option<&'a Listing>,
    name: &'static str,
    other: &'static str,
    names: String,
    tagged: Vec<&'static Ticker>,
    /// Won or cents.
    price: i64,
    addressee: Option<&'a str>,
}

impl<'a> Scene<'a> {
    /// The scene of `post`, which may answer `addressee`.
    pub(crate) fn new(
        dice: &mut Dice,
        community: &'a Community,
        post: &Post,
        addressee: Option<&'a str>,
    ) -> Self {
        let market = &community.market;
        let korean = post.korean;
        let subject = market.listings.get(post.subject);
        let (today, hour) = market.clock(post.subject).local(post.at);
        let date = if hour < 12 { today.pred_opt().unwrap_or(today) } else { today };
        let price = subject.map_or(0, |listing| listing.price_on(date).0);
        let name = subject.map_or("", |listing| spoken(dice, listing.ticker, korean));
        let other = other(dice, community, post).map_or("", |ticker| spoken(dice, ticker, korean));
        let tagged: Vec<_> =
            post.tickers.iter().filter_map(|at| market.listings.get(*at)).map(|l| l.ticker).collect();
        let names: Vec<_> = tagged.iter().map(|ticker| spoken(dice, ticker, korean)).collect();
        let names = names.join(dice.word(&[", ", ", ", " / ", " "]));
        Self { korean, subject, name, other, names, tagged, price, addressee }
    }

    /// The list of what moves the company.
    pub(crate) fn driver(&self) -> &'static str {
        match self.subject.map_or("", |listing| listing.ticker.symbol) {
            "373220" | "006400" | "247540" | "086520" | "051910" | "003670" | "005490" => "driver_battery",
            "012450" | "034020" => "driver_heavy",
            "005380" | "000270" | "012330" | "TSLA" => "driver_car",
            "207940" | "068270" | "196170" => "driver_bio",
            "105560" | "055550" | "JPM" | "COIN" => "driver_bank",
            "035420" | "035720" | "MSFT" | "GOOGL" | "META" | "AMZN" | "PLTR" => "driver_platform",
            "259960" | "352820" | "NFLX" => "driver_content",
            "066570" | "AAPL" => "driver_device",
            _ => "driver_chip",
        }
    }

    /// What stands in the slot `name`, if it is one of the scene's own.
    pub(crate) fn value(&self, dice: &mut Dice, name: &str) -> Option<String> {
        Some(match name {
            "n" => self.name.to_owned(),
            "m" => self.other.to_owned(),
            "names" => self.names.clone(),
            "to" => {
                self.addressee.filter(|_| dice.chance(600)).map_or_else(String::new, |to| format!("@{to} "))
            }
            "price" => self.amount(self.price, dice.chance(500)),
            "target" => self.amount(self.price * dice.between(106, 160) / 100, true),
            "low" => self.amount(self.price * dice.between(62, 95) / 100, true),
            "pct" => format!("{}.{}%", dice.between(0, 9), dice.between(1, 9)),
            "bigpct" => format!("{}%", dice.between(12, 140)),
            "num" => dice.between(2, 9).to_string(),
            "num2" => dice.between(11, 89).to_string(),
            "per" => format!("{}.{}", dice.between(6, 48), dice.between(0, 9)),
            "rate" => grouped(dice.between(1_310, 1_480)),
            _ => return None,
        })
    }

    /// Cashtags to stand before and after the text; some posts name their companies in the field only.
    pub(crate) fn tags(&self, dice: &mut Dice, post: &Post) -> (String, String) {
        let tags: Vec<String> = self.tagged.iter().map(|ticker| tag(dice, ticker)).collect();
        let tags = tags.join(" ");
        match dice.below(100) {
            _ if tags.is_empty() => (String::new(), String::new()),
            0..35 if post.tickers.len() == 1 => (format!("{tags} "), String::new()),
            35..65 => (String::new(), format!(" {tags}")),
            _ => (String::new(), String::new()),
        }
    }

    /// A price as people say it: no sign before it, since `$` starts a cashtag.
    fn amount(&self, value: i64, round: bool) -> String {
        let won = self.subject.is_none_or(|listing| listing.ticker.exchange.is_korean());
        match (won, self.korean) {
            (true, true) if round => rough_won(value),
            (true, true) => format!("{}원", grouped(value)),
            (true, false) => format!("{} won", grouped(if round { value / 1_000 * 1_000 } else { value })),
            (false, korean) => {
                let number = if round {
                    (value / 100).to_string()
                } else {
                    format!("{}.{:02}", value / 100, value % 100)
                };
                if korean { format!("{number}달러") } else { number }
            }
        }
    }
}

/// Another company of the same country, or whichever comes.
fn other(dice: &mut Dice, community: &Community, post: &Post) -> Option<&'static Ticker> {
    let korean = post.subject < super::tickers::KOREAN.len();
    let drawn = (0..6).map(|_| community.market.draw(dice, korean)).find(|other| *other != post.subject);
    let at = drawn.unwrap_or_else(|| community.market.draw(dice, !korean));
    community.market.listings.get(at).map(|listing| listing.ticker)
}

/// The name people use for a company in their language.
fn spoken(dice: &mut Dice, ticker: &Ticker, korean: bool) -> &'static str {
    if !korean {
        return english(ticker);
    }
    let names: Vec<&'static str> = match ticker.symbol {
        // Its Korean name is in Latin letters, but people say the other.
        "035420" => ticker.nicknames().collect(),
        _ => std::iter::once(ticker.name_ko).chain(ticker.nicknames()).collect(),
    };
    dice.word(&names)
}

fn english(ticker: &Ticker) -> &'static str {
    match ticker.symbol {
        "005930" => "Samsung",
        "000660" => "Hynix",
        "373220" => "LGES",
        "005380" => "Hyundai",
        "042700" => "Hanmi",
        "034020" => "Doosan",
        "105560" => "KB",
        "055550" => "Shinhan",
        "005490" => "POSCO",
        "012330" => "Mobis",
        "NVDA" => "Nvidia",
        "PLTR" => "Palantir",
        "AMZN" => "Amazon",
        "META" => "Meta",
        "AMD" => "AMD",
        "COIN" => "Coinbase",
        "JPM" => "JPMorgan",
        _ => ticker.company,
    }
}

/// `$005930` or `$삼성전자`; American ones mostly by their letters.
fn tag(dice: &mut Dice, ticker: &Ticker) -> String {
    let by_name = dice.chance(if ticker.exchange.is_korean() { 600 } else { 80 });
    format!("${}", if by_name { ticker.name_ko } else { ticker.symbol })
}

/// 7만 1천원.
fn rough_won(value: i64) -> String {
    let thousands = value / 1_000;
    match (thousands / 10, thousands % 10) {
        (0, thousands) => format!("{thousands}천원"),
        (tens, 0) => format!("{tens}만원"),
        (tens, thousands) => format!("{tens}만{thousands}천원"),
    }
}

fn grouped(value: i64) -> String {
    let digits = value.to_string();
    let commas = |(index, digit): (usize, char)| {
        let comma = index > 0 && (digits.len() - index).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(commas).collect()
}
