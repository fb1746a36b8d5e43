//! The one font of the pictures: what it can draw, how wide that is, and how a text is cut to fit.

use skrifa::{
    FontRef, MetadataProvider,
    charmap::Charmap,
    instance::{LocationRef, Size},
    metrics::GlyphMetrics,
};

/// Pretendard SemiBold 1.309, OFL-1.1; see `creators/fonts/README.md`.
pub(super) static FONT: &[u8] = include_bytes!("../../fonts/Pretendard-SemiBold.otf");
/// The font's name inside the file.
pub(super) const FAMILY: &str = "Pretendard";

const ELLIPSIS: char = '…';
/// Stands for a letter that the font does not have.
pub(super) const BLANK: char = '□';

/// Widths of the font's characters.
#[derive(Clone)]
pub(super) struct Ruler {
    characters: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
}

impl Ruler {
    /// Reads the embedded font.
    pub(super) fn new() -> Option<Self> {
        let font = FontRef::new(FONT).ok()?;
        // at a size of 1 the widths are shares of the font size
        let metrics = font.glyph_metrics(Size::new(1.0), LocationRef::default());
        Some(Self { characters: font.charmap(), metrics })
    }

    /// Whether the font shows something for it; characters without a width show nothing.
    fn has(&self, character: char) -> bool {
        let glyph = self.characters.map(character).filter(|glyph| glyph.to_u32() != 0);
        glyph.and_then(|glyph| self.metrics.advance_width(glyph)).is_some_and(|width| width > 0.0)
    }

    /// Width at a font size, without kerning, which in this font narrows and seldom by more than a pixel.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        let advance = |character| {
            self.characters.map(character).and_then(|glyph| self.metrics.advance_width(glyph)).unwrap_or(1.0)
        };
        text.chars().map(advance).sum::<f32>() * size
    }

    /// What of a text can be drawn: letters that the font lacks become a box, other signs it lacks (emoji,
    /// marks of direction, joiners) vanish, white space becomes single spaces. A box is told apart from a
    /// vanished letter, so that a name cannot pass for another by letters nobody sees.
    pub(super) fn drawable(&self, text: &str) -> String {
        let mut drawn = String::with_capacity(text.len());
        for character in text.chars() {
            if character.is_whitespace() {
                if !drawn.is_empty() && !drawn.ends_with(' ') {
                    drawn.push(' ');
                }
            } else if self.has(character) && !character.is_control() {
                drawn.push(character);
            } else if character.is_alphanumeric() {
                drawn.push(BLANK);
            }
        }
        drawn.truncate(drawn.trim_end().len());
        drawn
    }

    /// The text, or as much of its beginning as fits with an ellipsis behind it.
    pub(super) fn fit(&self, text: &str, size: f32, width: f32) -> String {
        if self.width(text, size) <= width {
            return text.to_owned();
        }
        let room = width - self.width("…", size);
        let mut taken = String::new();
        let mut used = 0.0;
        for character in text.chars() {
            used += self.width(character.encode_utf8(&mut [0; 4]), size);
            if used > room {
                break;
            }
            taken.push(character);
        }
        taken.truncate(taken.trim_end().len());
        taken.push(ELLIPSIS);
        taken
    }

    /// The largest size from `most` down to `least` at which the text is no wider than that.
    pub(super) fn size_for(&self, text: &str, width: f32, least: f32, most: f32) -> f32 {
        let at_one = self.width(text, 1.0).max(f32::EPSILON);
        (width / at_one).clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use sha2::{Digest, Sha512};

    use super::*;

    #[test]
    fn the_font_is_the_file_that_its_note_describes() {
        let note = include_str!("../../fonts/README.md");
        let sum: String = Sha512::digest(FONT).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(note.contains(&sum), "{sum}");
        assert!(FONT.len() < 2 << 20);
    }

    #[test]
    fn the_font_has_every_hangul_syllable_and_what_the_picture_writes() {
        let ruler = Ruler::new().unwrap();
        let missing = ('가'..='힣').filter(|syllable| !ruler.has(*syllable)).count();
        assert_eq!(missing, 0);
        assert_eq!(('가'..='힣').count(), 11_172);
        for character in "0123456789+\u{2212}%.,·–…□@:()ABCxyz✓".chars() {
            assert!(ruler.has(character), "{character}");
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_boxed_or_left_out() {
        let ruler = Ruler::new().unwrap();
        assert_eq!(ruler.drawable("🚀 달까지 🚀🚀 가자"), "달까지 가자");
        assert_eq!(ruler.drawable("텐센트 騰訊"), "텐센트 □□");
        assert_eq!(ruler.drawable("\u{202e}evil\u{200b}\u{0}\n name"), "evil name");
        assert_eq!(ruler.drawable("👨\u{200d}👩\u{200d}👧"), "");
    }

    #[test]
    fn a_cut_text_fits_and_ends_in_an_ellipsis() {
        let ruler = Ruler::new().unwrap();
        let cut = ruler.fit("한국투자신탁운용에이씨이미국에스앤피오백증권상장지수투자신탁", 40.0, 400.0);
        assert!(cut.ends_with('…') && ruler.width(&cut, 40.0) <= 400.0, "{cut}");
        assert_eq!(ruler.fit("짧음", 40.0, 400.0), "짧음");
        assert!(ruler.size_for("+1,234,567.89 %", 600.0, 40.0, 132.0) < 132.0);
    }
}
