//! Names people choose. Handles use plain Hangul syllables, lower-case letters and the digits 2 to 9 only, so that no
//! two of them look alike, and each is used once.

use std::collections::BTreeSet;

use super::dice::Dice;

/// The longest handle the service takes, in characters.
const LONGEST: usize = 20;

const KOREAN_FIRST: &[&str] = &[
    "존버",
    "배당",
    "반도체",
    "성장주",
    "가치",
    "단타",
    "장투",
    "차트",
    "물타기",
    "불타기",
    "국장",
    "미장",
    "서학",
    "동학",
    "스윙",
    "새벽",
    "월급",
    "주말",
    "퇴근후",
    "출근길",
    "점심",
    "느린",
    "빠른",
    "조용한",
    "수줍은",
    "용감한",
    "졸린",
    "배고픈",
    "행복한",
    "심심한",
    "초록",
    "파란",
    "빨간",
    "하얀",
    "우주",
    "바닷가",
    "여의도",
    "판교",
    "부산",
    "제주",
    "대구",
    "광주",
    "강릉",
    "한강",
    "바이오",
    "이차전지",
    "조선주",
    "방산",
    "금융",
    "게임주",
    "지수",
    "채권",
    "환율",
    "달러",
    "원화",
    "복리",
    "적립식",
    "소수점",
    "무지성",
    "뇌동",
    "분할",
    "역발상",
    "눈치",
    "하락장",
    "상승장",
    "박스권",
    "커피값",
    "치킨값",
    "노후",
    "은퇴",
    "초보",
    "십년차",
];
const KOREAN_SECOND: &[&str] = &[
    "왕",
    "개미",
    "농부",
    "러버",
    "연구소",
    "일기",
    "다람쥐",
    "고래",
    "거북이",
    "토끼",
    "여우",
    "너구리",
    "수달",
    "펭귄",
    "참새",
    "부엉이",
    "고양이",
    "강아지",
    "호랑이",
    "판다",
    "나그네",
    "탐험가",
    "수집가",
    "관찰자",
    "선비",
    "도사",
    "요정",
    "기사",
    "선장",
    "항해사",
    "조종사",
    "요리사",
    "빵집",
    "카페",
    "식당",
    "공방",
    "서재",
    "노트",
    "수첩",
    "메모",
    "극장",
    "학교",
    "교실",
    "학생",
    "직장인",
    "개발자",
    "디자이너",
    "간호사",
    "선생",
    "아빠",
    "엄마",
    "삼촌",
    "이모",
    "할머니",
    "청년",
    "소년",
    "산책",
    "여행",
    "낚시",
    "등산",
    "캠핑",
    "주방",
    "텃밭",
    "과수원",
    "곰돌이",
    "두더지",
    "알파카",
    "돌고래",
    "해파리",
    "문어",
];
const LATIN_FIRST: &[&str] = &[
    "value", "growth", "chart", "dividend", "quiet", "happy", "patient", "sleepy", "index", "swing", "delta",
    "gamma", "theta", "alpha", "beta", "seoul", "busan", "jeju", "brave", "tiny", "lucky", "early", "late",
    "night", "sunday", "monday", "coffee", "bagel", "green", "red", "blue", "candle", "ticker", "basis",
    "micro", "macro", "deep", "plain", "steady", "sharp", "silent", "cheap", "chip", "cash", "equity",
    "bull", "bear", "long", "short", "hedge",
];
const LATIN_SECOND: &[&str] = &[
    "ant", "whale", "fox", "turtle", "rabbit", "panda", "penguin", "eagle", "badger", "beaver", "hunter",
    "reader", "watcher", "keeper", "trader", "investor", "student", "baker", "pilot", "sailor", "gardener",
    "walker", "notes", "ledger", "diary", "letters", "desk", "lab", "club", "cafe", "kitchen", "cabin",
    "garden", "hill", "river", "bridge", "street", "pit", "seat", "chair", "kid", "uncle", "aunt", "grandpa",
    "buddy", "guy", "yield", "spread", "alert", "tape",
];

/// Gives each handle once.
#[derive(Default)]
pub(crate) struct Handles {
    taken: BTreeSet<String>,
}

/// A handle and the name shown beside it.
pub(crate) struct Naming {
    pub(crate) handle: String,
    pub(crate) name: String,
}

impl Handles {
    /// A handle nobody has yet. Some Korean speakers take a Latin one.
    pub(crate) fn draw(&mut self, dice: &mut Dice, korean: bool) -> Naming {
        let latin = !korean || dice.chance(180);
        let mut digits = if dice.chance(450) { 0 } else { 2 };
        loop {
            let (first, second) = words(dice, latin);
            let stem = if latin { format!("{first}_{second}") } else { format!("{first}{second}") };
            let handle = with_digits(dice, &stem, digits);
            if handle.chars().count() <= LONGEST && self.taken.insert(handle.clone()) {
                return Naming { handle, name: format!("{first} {second}") };
            }
            digits = (digits + 1).min(LONGEST - 1);
        }
    }
}

fn words(dice: &mut Dice, latin: bool) -> (&'static str, &'static str) {
    if latin {
        (dice.word(LATIN_FIRST), dice.word(LATIN_SECOND))
    } else {
        (dice.word(KOREAN_FIRST), dice.word(KOREAN_SECOND))
    }
}

fn with_digits(dice: &mut Dice, stem: &str, digits: usize) -> String {
    if digits == 0 {
        return stem.to_owned();
    }
    let number: String = (0..digits).map(|_| dice.word(&["2", "3", "4", "5", "6", "7", "8", "9"])).collect();
    format!("{stem}_{number}")
}
