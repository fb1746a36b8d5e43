//! A card as a picture: PNG, 1200 × 630, the size that messengers and social networks show.
//!
//! The facts become an SVG of fixed size and a fixed number of elements, rendered in the process with one
//! embedded font; nothing is loaded from disk or network, and texts are cut by measured width, so time and
//! memory have a bound whatever the card says. The same facts give the same bytes. Rise is red and fall blue,
//! as Korean readers expect, and both have an arrow and a sign as well.

use std::{
    cmp::Ordering,
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{self, fontdb},
};

use super::{
    card::CardFacts,
    font::{FAMILY, FONT, Ruler},
    layout,
    seal::Seal,
    text::Choice,
    values::Rate,
};

/// Width of a picture in pixels.
pub const WIDTH: u32 = 1200;
/// Height of a picture in pixels.
pub const HEIGHT: u32 = 630;

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// The embedded font cannot be read: a fault of the build.
    #[error("the embedded font cannot be read")]
    Font,
    /// The drawing was refused by the renderer: a fault of ours.
    #[error("the drawing cannot be rendered")]
    Drawing,
    /// No memory for the picture, or it cannot be written as PNG.
    #[error("the picture cannot be written")]
    Png,
}

/// Draws cards; loaded once.
struct Painter {
    options: usvg::Options<'static>,
    ruler: Ruler,
}

static PAINTER: LazyLock<Result<Painter, PictureError>> = LazyLock::new(Painter::load);

impl Painter {
    fn load() -> Result<Self, PictureError> {
        let ruler = Ruler::new().ok_or(PictureError::Font)?;
        let mut fonts = fontdb::Database::new();
        let faces = fonts.load_font_source(fontdb::Source::Binary(Arc::new(FONT)));
        if faces.len() != 1 {
            return Err(PictureError::Font);
        }
        let options = usvg::Options {
            font_family: FAMILY.to_owned(),
            fontdb: Arc::new(fonts),
            ..usvg::Options::default()
        };
        Ok(Self { options, ruler })
    }

    fn shared() -> Result<&'static Self, PictureError> {
        PAINTER.as_ref().map_err(|error| *error)
    }

    fn tree(&self, svg: &str) -> Result<usvg::Tree, PictureError> {
        usvg::Tree::from_str(svg, &self.options).map_err(|_| PictureError::Drawing)
    }

    fn paint(&self, svg: &str) -> Result<Vec<u8>, PictureError> {
        let tree = self.tree(svg)?;
        let mut pixels = Pixmap::new(WIDTH, HEIGHT).ok_or(PictureError::Png)?;
        resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
        pixels.encode_png().map_err(|_| PictureError::Png)
    }
}

/// The card as PNG.
pub fn picture(facts: &CardFacts, seal: &Seal, choice: Choice) -> Result<Vec<u8>, PictureError> {
    let painter = Painter::shared()?;
    painter.paint(&layout::card(&painter.ruler, facts, seal, choice))
}

/// What stands in a card's place once its author no longer discloses: no name, no number.
pub fn withdrawn_picture() -> Result<Vec<u8>, PictureError> {
    let painter = Painter::shared()?;
    painter.paint(&layout::withdrawn(&painter.ruler))
}

/// Where a text stands at its x.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A font size, a colour and where a text stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) size: f32,
    pub(super) colour: &'static str,
    pub(super) anchor: Anchor,
}

impl Style {
    pub(super) const fn new(size: f32, colour: &'static str) -> Self {
        Self { size, colour, anchor: Anchor::Start }
    }

    pub(super) const fn end(self) -> Self {
        Self { anchor: Anchor::End, ..self }
    }

    pub(super) const fn middle(self) -> Self {
        Self { anchor: Anchor::Middle, ..self }
    }
}

/// An SVG in the making. All text goes through `text`, which cleans, cuts and escapes it.
pub(super) struct Canvas<'a> {
    ruler: &'a Ruler,
    svg: String,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(ruler: &'a Ruler) -> Self {
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             font-family=\"{FAMILY}\" font-weight=\"600\">"
        );
        Self { ruler, svg }
    }

    pub(super) const fn ruler(&self) -> &'a Ruler {
        self.ruler
    }

    /// A rectangle with rounded corners: x, y, width, height.
    pub(super) fn area(&mut self, [x, y, width, height]: [f32; 4], radius: f32, colour: &str) {
        // writing to a string cannot fail
        let _ = write!(
            self.svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\" fill=\"{colour}\"/>"
        );
    }

    pub(super) fn dot(&mut self, (x, y): (f32, f32), radius: f32, colour: &str, rim: &str) {
        let _ = write!(
            self.svg,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{colour}\" stroke=\"{rim}\" stroke-width=\"4\"/>"
        );
    }

    /// A triangle that points up or down, or a diamond, whose box begins at x and stands on y.
    pub(super) fn arrow(&mut self, (x, y): (f32, f32), size: f32, way: Ordering, colour: &str) {
        let (right, top, middle) = (x + size, y - size * 0.86, x + size / 2.0);
        let path = match way {
            Ordering::Greater => format!("M{x} {y}L{right} {y}L{middle} {top}Z"),
            Ordering::Less => format!("M{x} {top}L{right} {top}L{middle} {y}Z"),
            Ordering::Equal => {
                let (centre, reach) = (y - size * 0.43, size * 0.36);
                let (west, east) = (middle - reach, middle + reach);
                format!(
                    "M{west} {centre}L{middle} {}L{east} {centre}L{middle} {}Z",
                    centre - reach,
                    centre + reach
                )
            }
        };
        let _ = write!(
            self.svg,
            "<path d=\"{path}\" fill=\"{colour}\" stroke=\"{colour}\" stroke-width=\"{}\" stroke-linejoin=\"round\"/>",
            size * 0.08
        );
    }

    /// A text no wider than `room`, on the baseline y.
    pub(super) fn text(&mut self, (x, y): (f32, f32), room: f32, style: Style, content: &str) -> f32 {
        let fitting = self.ruler.fit(&self.ruler.drawable(content), style.size, room);
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(
            self.svg,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            style.size,
            style.colour,
            escaped(&fitting)
        );
        self.ruler.width(&fitting, style.size)
    }

    pub(super) fn finish(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(character),
        }
    }
    safe
}

/// Red up, blue down, grey neither.
pub(super) fn colour(rate: Rate) -> &'static str {
    match super::text::direction(rate) {
        Ordering::Greater => layout::RISE,
        Ordering::Less => layout::FALL,
        Ordering::Equal => layout::SOFT,
    }
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
