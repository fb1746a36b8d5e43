#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{io::Read as _, path::PathBuf};

use super::*;

/// The rules were written with these before the eyes.
const CLAIMS: &[&str] = &[
    "수익률 340%",
    "+250% 먹었다",
    "3배 벌었습니다",
    "1억 벌었어요",
    "수익 인증",
    "계좌 인증합니다",
    "이번 달 수익률 27% 찍었네요",
    "삼전으로 30% 익절했습니다",
    "어제 산 거 오늘 15퍼 먹고 나왔다",
    "누적 수익률은 +182.5%입니다",
    "오늘만 300만원 벌었다 ㅋㅋ",
    "제 계좌 현재 +45%입니다",
    "시드 두 배로 불렸어요",
    "수익률 인증 갑니다",
    "하이닉스 풀매수해서 5천만원 벌었습니다",
    "단타로 하루 50만원씩 법니다",
    "원금이 세 배가 됐어요",
    "테마주로 70프로 수익 봤습니다",
    "잔고 공개합니다",
    "익절 완료 +12%",
    "텐배거 달성했습니다",
    "요즘 돈복사 중입니다",
    "매달 500만원씩 벌고 있습니다",
    "공모주로 2배 먹었어요",
    "올해 수익률 63.2프로",
    "에코프로 10배 먹고 졸업",
    "레버리지로 120% 수익 중",
    "계좌 캡처 올립니다",
    "2천만원 익절했어요",
    "오늘 20% 수익 실현",
    "made 40% on $NFLX",
    "up 300% this year",
    "I made 40% on that trade",
    "I'm up 120% on TSLA",
    "We made over 200% on these calls",
    "Just banked $5k on $AAPL puts",
    "My portfolio is up 85% this year",
    "Locked in 35% profit today",
    "turned $2,000 into $50,000",
    "Tripled my money on GME",
    "Screenshot of my account below",
    "Our penny stock picks gained over 968% in 5 weeks!",
    "Took a quick 12% gain on $FB",
    "Here's my P&L for the week",
    "I've made 3x on this position",
    "gain porn inside",
    "Already up 45% this month",
    "Closed my calls for 150%",
    "Proof of profits in the thread",
    "Our $AMZN trade: +620%",
    "we're now up 60% on the swing",
    "Sold half my position for a 90% profit",
    "I doubled my account in March",
    "10x'd my account",
    "Made $12k before lunch",
    "65% gain on my $NVDA calls",
    "I cleared 20 grand on oil",
    "my calls are up 230%",
    "I netted 18% on earnings",
    "Just made 25% overnight on $SNAP",
];

const OTHERWISE: &[&str] = &[
    "영업이익 30% 증가",
    "매출이 20% 늘었다",
    "주가가 5% 올랐다",
    "수수료 0.1%",
    "금리 3%",
    "수익률 얼마나 나와요?",
    "10% 벌고 싶다",
    "삼성전자 영업이익 10조원 달성",
    "배당수익률 5%면 괜찮네요",
    "국채 수익률 4.2% 돌파",
    "올해 코스피 수익률 15%",
    "목표 수익률 20%로 잡았습니다",
    "연 10% 수익이면 대단한 겁니다",
    "친구가 코인으로 3배 먹었다",
    "버핏은 연평균 수익률 20%를 냈다",
    "계좌 인증이 안 돼요",
    "본인 인증 후 계좌 개설하세요",
    "수익 인증은 사기니까 조심하세요",
    "1원 인증 어떻게 하나요",
    "언제쯤 30% 먹을 수 있을까",
    "30% 손실 중입니다",
    "수익률 -40%",
    "내 계좌 -30%",
    "제 계좌는 반토막 났어요",
    "회사가 1조 벌었다",
    "외국인이 3천억 순매수",
    "기관이 2천억 벌었다",
    "테슬라가 8% 하락했다",
    "시총 100조 돌파",
    "물가 상승률 3.5%",
    "그때 샀으면 5배 먹었을 텐데",
    "이거 사면 두 배 가나요?",
    "수익률 300% 찍는 방법 있나요?",
    "유상증자 비율 20%",
    "지분 12% 취득 공시",
    "영업이익률 15%로 개선",
    "판매량이 두 배로 늘었다",
    "목표가 30% 상향",
    "PER 10배 수준",
    "매출 3배 성장 전망",
    "예금 이자 3% 받았어요",
    "코인이 하루에 20% 올랐네요",
    "공매도 비중 8%",
    "상한가 30% 쳤다",
    "하락장에 10% 빠졌어요",
    "세금 22% 내야 하나요",
    "증권사 수수료 무료 이벤트",
    "환율 1400원 돌파",
    "손절 -15% 했습니다",
    "50% 물려 있습니다",
    "Revenue up 20% year over year",
    "$AAPL up 5% today",
    "Apple made $18 billion last quarter",
    "How much can I make on this?",
    "I want to make 40% this year",
    "I lost 40% on that trade",
    "My friend made 300% on DOGE",
    "Net income rose 12%",
    "Fed holds rates at 5.25%",
    "Analysts expect 30% upside",
    "Boeing profit jumps 26 percent as commercial aircraft sales rise",
    "$TSLA closed up 3%",
    "Dividend yield 4.5%",
    "If I made 10% a month I'd retire",
    "Would be nice to be up 50%",
    "my account is down 35%",
    "Could have made 500% on those puts",
    "Hedge funds gained 8% in March",
    "Buffett made $10 billion on Apple",
    "$GOOG takes 6.3% stake in $HIMX",
    "Short interest is 25% of float",
    "They made 3x on the IPO",
    "Are you up this year?",
    "Target price raised 20%",
    "Shares gained 7% after earnings",
    "$YHOO up 5% on Alibaba buzz",
    "Margins improved to 45%",
    "Never risk more than 2% per trade",
    "My stop is 5% below entry",
    "I sold 20% of my position",
    "I bought 30% more at the dip",
    "Took a 10% loss and moved on",
    "Our revenue grew 40%",
    "S&P 500 gained 1.2% this week",
    "Tesla delivered 2x the cars of last year",
    "Options volume is 3x normal",
    "Beware of fake gain porn screenshots",
    "The stock doubled in a year",
    "Bitcoin is up 300% this year",
    "Inflation is up 8% this year",
    "Unrealistic goal: 100% a year",
    "How to make 20% a month",
    "10-bagger potential here",
    "Put 5% of my portfolio in gold",
    "My portfolio is 40% cash",
    "I pay 22% tax on gains",
    "He turned $5k into $1m",
    "Guidance raised 10%",
    "We expect sales up 15%",
    "Profit margin fell 2%",
];

include!("claims_blind.rs");
include!("claims_blind2.rs");

fn shares(claims: &[&str], otherwise: &[&str]) -> (f64, f64) {
    let share = |texts: &[&str], wrong: bool| {
        let marked = texts.iter().filter(|text| {
            let found = profit_claim(text);
            if found.is_some() == wrong {
                println!("  {} {text} {found:?}", if wrong { "false alarm:" } else { "missed:" });
            }
            found.is_some()
        });
        f64::from(u32::try_from(marked.count()).unwrap()) / f64::from(u32::try_from(texts.len()).unwrap())
    };
    (share(claims, false), share(otherwise, true))
}

#[test]
fn every_pattern_is_one() {
    assert!(Rules::load().is_some());
}

#[test]
fn the_rules_find_claims_and_leave_the_rest_alone() {
    let (recall, alarms) = shares(CLAIMS, OTHERWISE);
    println!(
        "seen: {} claims, recall {recall:.3}; {} others, false alarms {alarms:.3}",
        CLAIMS.len(),
        OTHERWISE.len()
    );
    assert!(recall >= 0.97 && alarms <= 0.02);
    let (recall, alarms) = shares(BLIND_CLAIMS, BLIND_OTHERWISE);
    println!(
        "second: {} claims, recall {recall:.3}; {} others, false alarms {alarms:.3}",
        BLIND_CLAIMS.len(),
        BLIND_OTHERWISE.len()
    );
    assert!(recall >= 0.9 && alarms <= 0.02);
    let (recall, alarms) = shares(FRESH_CLAIMS, FRESH_OTHERWISE);
    println!(
        "third: {} claims, recall {recall:.3}; {} others, false alarms {alarms:.3}",
        FRESH_CLAIMS.len(),
        FRESH_OTHERWISE.len()
    );
}

#[test]
fn the_span_is_what_claims_it() {
    let text = "오늘 장 어려웠죠. 그래도 삼전으로 30% 익절했습니다 ㅎㅎ";
    let claim = profit_claim(text).unwrap();
    assert_eq!((claim.rule, text.get(claim.span)), ("percent_taken", Some("30% 익절")));
    assert_eq!(profit_claim(""), None);
    assert_eq!(profit_claim("1.5% 2.5 .3 ... ?!"), None);
}

fn posts() -> Option<Vec<String>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let dir = std::env::var_os("MADANG_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let Ok(file) = std::fs::File::open(dir.join("stocknet/posts.jsonl.gz")) else {
        println!("skipped: no English posts");
        return None;
    };
    let mut lines = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut lines).unwrap();
    let texts = lines.lines().map(|line| {
        let post: serde_json::Value = serde_json::from_str(line).unwrap();
        post.get("text").and_then(|text| text.as_str()).unwrap().to_owned()
    });
    Some(texts.collect())
}

/// `MADANG_CLAIMS_SHOWN` prints every n-th of the marked ones.
#[test]
fn few_english_stock_posts_claim_a_profit() {
    let Some(texts) = posts() else { return };
    let step: usize =
        std::env::var("MADANG_CLAIMS_SHOWN").ok().and_then(|step| step.parse().ok()).unwrap_or(0);
    let start = std::time::Instant::now();
    let marked: Vec<(&String, Claim)> =
        texts.iter().filter_map(|text| Some((text, profit_claim(text)?))).collect();
    let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(texts.len()).unwrap());
    println!("{} of {} posts are marked, {micros:.1} µs a post", marked.len(), texts.len());
    for (text, claim) in marked.iter().step_by(step.max(1)).take(if step > 0 { usize::MAX } else { 0 }) {
        println!("{} | {}", claim.rule, text.replace('\n', " "));
    }
    assert!(marked.len() * 50 <= texts.len());
}
