//! Particles: what Korean words carry at their end.

use super::{final_of, is_syllable};

/// What may stand before a particle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Any,
    /// a syllable that ends in a consonant
    Closed,
    /// one that ends in a vowel
    Open,
    /// one that ends in a vowel or in ㄹ
    OpenOrRieul,
}

/// Longest first.
const PARTICLES: [(&str, After); 46] = [
    ("이라도", After::Closed),
    ("이라는", After::Closed),
    ("입니다", After::Any),
    ("에게서", After::Any),
    ("으로서", After::Closed),
    ("으로써", After::Closed),
    ("에서", After::Any),
    ("에게", After::Any),
    ("으로", After::Closed),
    ("까지", After::Any),
    ("부터", After::Any),
    ("보다", After::Any),
    ("처럼", After::Any),
    ("만큼", After::Any),
    ("이나", After::Closed),
    ("라도", After::Open),
    ("라는", After::Open),
    ("로서", After::OpenOrRieul),
    ("로써", After::OpenOrRieul),
    ("이라", After::Closed),
    ("이다", After::Any),
    ("이란", After::Closed),
    ("한테", After::Any),
    ("께서", After::Any),
    ("마다", After::Any),
    ("조차", After::Any),
    ("밖에", After::Any),
    ("이랑", After::Closed),
    ("하고", After::Any),
    ("이든", After::Closed),
    ("들", After::Any),
    ("이", After::Closed),
    ("가", After::Open),
    ("을", After::Closed),
    ("를", After::Open),
    ("은", After::Closed),
    ("는", After::Open),
    ("의", After::Any),
    ("에", After::Any),
    ("로", After::OpenOrRieul),
    ("와", After::Open),
    ("과", After::Closed),
    ("도", After::Any),
    ("만", After::Any),
    ("나", After::Open),
    ("랑", After::Open),
];

/// Ends of words that merely look like particles.
const WHOLE: [&str; 62] = [
    "매도", "제도", "정도", "속도", "한도", "연도", "년도", "온도", "강도", "밀도", "유도", "인도", "반도",
    "선도", "주가", "국가", "물가", "평가", "증가", "고가", "저가", "유가", "단가", "추가", "원가", "시가",
    "종가", "호가", "정가", "허가", "인가", "작가", "효과", "결과", "성과", "통과", "경과", "초과", "부과",
    "회의", "주의", "동의", "합의", "논의", "정의", "차이", "사이", "라이", "바이", "하이", "프로", "제로",
    "유로", "도로", "경로", "바로", "서로", "별로", "하나", "코나", "서울", "가을",
];

/// The word without the particle at its end (실적이 → 실적, 시장에서는 → 시장); the word itself where there is none, or
/// where less than two syllables, or a Latin word or number, would be left.
///
/// What merely ends like a particle is cut too now and then, so the word itself is to be looked for as well.
pub fn stem(word: &str) -> &str {
    let Some(first) = without_one(word, 1) else { return word };
    // A particle of one syllable may follow a longer one (에서는, 까지도) or a plural (들이), but not another such.
    match without_one(first, 2) {
        Some(second) => second,
        None => first.strip_suffix('들').filter(|rest| may_stand(rest)).unwrap_or(first),
    }
}

/// Without one particle of at least so many syllables.
fn without_one(word: &str, least: usize) -> Option<&str> {
    if WHOLE.iter().any(|end| word.ends_with(end)) {
        return None;
    }
    PARTICLES.iter().filter(|(particle, _)| particle.chars().count() >= least).find_map(
        |(particle, after)| {
            let rest = word.strip_suffix(particle)?;
            let before = rest.chars().next_back()?;
            let number = before.is_numeric() && *particle == "만";
            (may_stand(rest) && fits(before, *after) && !number).then_some(rest)
        },
    )
}

fn may_stand(rest: &str) -> bool {
    let syllables = rest.chars().filter(|c| is_syllable(*c)).count();
    syllables >= 2 || (syllables == 0 && rest.chars().any(|c| c.is_ascii_alphanumeric()))
}

fn fits(before: char, after: After) -> bool {
    match final_of(before) {
        // How a Latin word or a number is read aloud is not known.
        None => true,
        Some(last) => match after {
            After::Any => true,
            After::Closed => !last.is_empty(),
            After::Open => last.is_empty(),
            After::OpenOrRieul => last.is_empty() || last == "ㄹ",
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn particles_come_off() {
        for (word, left) in [
            ("실적이", "실적"),
            ("실적을", "실적"),
            ("삼성전자가", "삼성전자"),
            ("삼성전자의", "삼성전자"),
            ("시장에서는", "시장"),
            ("배당으로", "배당"),
            ("반도체로", "반도체"),
            ("개미들이", "개미"),
            ("외국인까지도", "외국인"),
            ("aapl은", "aapl"),
            ("hbm3e가", "hbm3e"),
            ("s26부터", "s26"),
            ("sk하이닉스와", "sk하이닉스"),
            ("주가가", "주가"),
            ("목표주가를", "목표주가"),
            ("3분기에", "3분기"),
        ] {
            assert_eq!(stem(word), left);
        }
    }

    #[test]
    fn words_that_end_like_particles_stay() {
        for word in [
            "주가",
            "목표주가",
            "공매도",
            "에코프로",
            "하이",
            "5만",
            "10만",
            "카카오",
            "네이버",
            "셀트리온",
            "apple",
            "가",
            "",
            "이",
            "실적",
            "반도체",
            "하나",
            "기아",
        ] {
            assert_eq!(stem(word), word);
        }
    }

    proptest! {
        #[test]
        fn a_stem_begins_the_word(word in "\\PC{0,12}") {
            prop_assert!(word.starts_with(stem(&word)));
        }
    }
}
