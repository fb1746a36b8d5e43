//! Korean particles, whose form follows the sound before them: 삼전은, 엔비디아는.

const FORMS: &[(&str, &str)] =
    &[("은", "는"), ("이", "가"), ("을", "를"), ("과", "와"), ("으로", "로"), ("이랑", "랑"), ("이라", "라")];

const HANGUL_FIRST: u32 = 0xAC00;
const HANGUL_LAST: u32 = 0xD7A3;
/// Syllables that differ only in their final consonant.
const FINALS: u32 = 28;
const FINAL_R: u32 = 8;

/// How a word ends when it is spoken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Vowel,
    /// A final ㄹ, which takes 로 as vowels do.
    R,
    Consonant,
}

/// The form of `particle` that follows `text`; the particle is given as it stands after a consonant. Anything else gives
/// nothing.
pub(crate) fn form(particle: &str, text: &str) -> &'static str {
    let Some((closed, open)) = FORMS.iter().find(|(closed, _)| *closed == particle) else {
        return "";
    };
    match ending(text) {
        Ending::Vowel => open,
        Ending::R if *closed == "으로" => open,
        Ending::R | Ending::Consonant => closed,
    }
}

fn ending(text: &str) -> Ending {
    let Some(last) = text.chars().next_back() else {
        return Ending::Vowel;
    };
    match last {
        '1' | '7' | '8' | 'L' | 'R' | 'l' | 'r' => Ending::R,
        '0' | '3' | '6' | 'M' | 'N' | 'm' | 'n' => Ending::Consonant,
        _ => match u32::from(last) {
            code @ HANGUL_FIRST..=HANGUL_LAST => match (code - HANGUL_FIRST) % FINALS {
                0 => Ending::Vowel,
                FINAL_R => Ending::R,
                _ => Ending::Consonant,
            },
            _ => Ending::Vowel,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::form;

    #[test]
    fn particles_follow_the_sound() {
        let cases = [
            ("삼전", "은", "은"),
            ("엔비디아", "은", "는"),
            ("메타", "이", "가"),
            ("현대차", "을", "를"),
            ("테슬", "으로", "로"),
            ("애플", "을", "을"),
            ("HBM", "이", "이"),
            ("AMD", "은", "는"),
            ("삼전", "", ""),
        ];
        for (word, particle, expected) in cases {
            assert_eq!(form(particle, word), expected, "{word} + {particle}");
        }
    }
}
