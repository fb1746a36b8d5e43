//! The listed companies that a community talks about: real names, codes and nicknames. Prices start at a plausible
//! level and are generated from there. [`super::listing`] has those that are only listed.

use chrono_tz::Tz;
use serde::Deserialize;

/// Where a share is listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Exchange {
    Krx,
    Nasdaq,
    Nyse,
}

impl Exchange {
    /// As written in the file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Krx => "KRX",
            Self::Nasdaq => "NASDAQ",
            Self::Nyse => "NYSE",
        }
    }

    /// ISO code of the currency.
    pub(crate) const fn currency(self) -> &'static str {
        if self.is_korean() { "KRW" } else { "USD" }
    }

    /// The exchange's own time.
    pub(crate) const fn zone(self) -> Tz {
        if self.is_korean() { chrono_tz::Asia::Seoul } else { chrono_tz::America::New_York }
    }

    /// Seoul or New York.
    pub(crate) const fn is_korean(self) -> bool {
        matches!(self, Self::Krx)
    }
}

/// One listed company.
#[derive(Debug)]
pub(crate) struct Ticker {
    pub(crate) symbol: &'static str,
    pub(crate) company: &'static str,
    pub(crate) name_ko: &'static str,
    /// Nicknames, separated by `|`.
    pub(crate) aliases: &'static str,
    pub(crate) sector: &'static str,
    pub(crate) exchange: Exchange,
    /// Where the walk starts, in won or cents.
    pub(crate) start: i64,
}

impl Ticker {
    /// The nicknames.
    pub(crate) fn nicknames(&self) -> impl Iterator<Item = &'static str> {
        self.aliases.split('|').filter(|alias| !alias.is_empty())
    }
}

const fn krx(
    symbol: &'static str,
    company: &'static str,
    name_ko: &'static str,
    aliases: &'static str,
    sector: &'static str,
    start: i64,
) -> Ticker {
    Ticker { symbol, company, name_ko, aliases, sector, exchange: Exchange::Krx, start }
}

const fn us(
    symbol: &'static str,
    company: &'static str,
    name_ko: &'static str,
    aliases: &'static str,
    sector: &'static str,
    start: i64,
) -> Ticker {
    Ticker { symbol, company, name_ko, aliases, sector, exchange: Exchange::Nasdaq, start }
}

const TECH: &str = "Technology";
const MATERIALS: &str = "Materials";
const HEALTH: &str = "Health Care";
const FINANCE: &str = "Financials";
const INDUSTRY: &str = "Industrials";
const MEDIA: &str = "Communication Services";
const CONSUMER: &str = "Consumer Discretionary";

/// Korean companies, the most talked about first.
pub(crate) static KOREAN: [Ticker; 25] = [
    krx("005930", "Samsung Electronics", "삼성전자", "삼전", TECH, 71_000),
    krx("000660", "SK hynix", "SK하이닉스", "하닉|하이닉스", TECH, 205_000),
    krx("373220", "LG Energy Solution", "LG에너지솔루션", "엔솔", INDUSTRY, 372_000),
    krx("247540", "EcoPro BM", "에코프로비엠", "에코비엠", MATERIALS, 121_000),
    krx("005380", "Hyundai Motor", "현대차", "현차", CONSUMER, 219_000),
    krx("086520", "EcoPro", "에코프로", "", MATERIALS, 58_000),
    krx("042700", "Hanmi Semiconductor", "한미반도체", "한미반", TECH, 92_000),
    krx("035720", "Kakao", "카카오", "", MEDIA, 44_500),
    krx("012450", "Hanwha Aerospace", "한화에어로스페이스", "한화에어로", INDUSTRY, 612_000),
    krx("034020", "Doosan Enerbility", "두산에너빌리티", "두빌", INDUSTRY, 31_500),
    krx("035420", "NAVER", "NAVER", "네이버", MEDIA, 196_000),
    krx("196170", "Alteogen", "알테오젠", "", HEALTH, 342_000),
    krx("207940", "Samsung Biologics", "삼성바이오로직스", "삼바", HEALTH, 1_012_000),
    krx("000270", "Kia", "기아", "", CONSUMER, 98_700),
    krx("068270", "Celltrion", "셀트리온", "셀트", HEALTH, 179_000),
    krx("005490", "POSCO Holdings", "POSCO홀딩스", "포스코|포홀", MATERIALS, 301_000),
    krx("006400", "Samsung SDI", "삼성SDI", "", INDUSTRY, 246_000),
    krx("051910", "LG Chem", "LG화학", "엘화", MATERIALS, 289_000),
    krx("003670", "POSCO Future M", "포스코퓨처엠", "", MATERIALS, 148_000),
    krx("259960", "KRAFTON", "크래프톤", "", MEDIA, 338_000),
    krx("352820", "HYBE", "하이브", "", MEDIA, 231_000),
    krx("066570", "LG Electronics", "LG전자", "", CONSUMER, 88_400),
    krx("105560", "KB Financial Group", "KB금융", "", FINANCE, 91_200),
    krx("055550", "Shinhan Financial Group", "신한지주", "", FINANCE, 55_300),
    krx("012330", "Hyundai Mobis", "현대모비스", "", CONSUMER, 252_000),
];

/// Companies listed in New York, the most talked about first.
pub(crate) static AMERICAN: [Ticker; 15] = [
    us("NVDA", "NVIDIA", "엔비디아", "엔비", TECH, 13_240),
    us("TSLA", "Tesla", "테슬라", "테슬", CONSUMER, 29_815),
    us("AAPL", "Apple", "애플", "", TECH, 22_430),
    us("PLTR", "Palantir Technologies", "팔란티어", "팔란", TECH, 8_955),
    us("MSFT", "Microsoft", "마이크로소프트", "마소", TECH, 42_610),
    us("GOOGL", "Alphabet", "알파벳", "구글", MEDIA, 17_725),
    us("AMZN", "Amazon.com", "아마존", "", CONSUMER, 20_190),
    us("META", "Meta Platforms", "메타", "", MEDIA, 59_480),
    us("AMD", "Advanced Micro Devices", "AMD", "", TECH, 14_035),
    us("AVGO", "Broadcom", "브로드컴", "", TECH, 21_870),
    us("NFLX", "Netflix", "넷플릭스", "", MEDIA, 89_130),
    us("COIN", "Coinbase Global", "코인베이스", "", FINANCE, 24_760),
    us("INTC", "Intel", "인텔", "", TECH, 2_384),
    Ticker {
        symbol: "JPM",
        company: "JPMorgan Chase",
        name_ko: "제이피모건",
        aliases: "",
        sector: FINANCE,
        exchange: Exchange::Nyse,
        start: 24_350,
    },
    us("QCOM", "Qualcomm", "퀄컴", "", TECH, 16_280),
];

/// Every company that has prices and posts, Korean ones first.
pub(crate) fn all() -> impl Iterator<Item = &'static Ticker> {
    KOREAN.iter().chain(&AMERICAN)
}
