//! How a cell looks, as parts and as one number.

use ratatui::style::{Color, Modifier};

/// How one cell looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) fg: Color,
    pub(super) bg: Color,
    pub(super) modifier: Modifier,
}
impl Look {
    /// As one number: ten thousand cells are compared with what is shown, thirty times a second.
    pub(super) fn packed(self) -> Packed {
        let colours = u64::from(number_of(self.fg)) << 26 | u64::from(number_of(self.bg));
        Packed(u64::from(self.modifier.bits()) << 52 | colours)
    }
}

/// The bits of one colour in a [`Packed`].
const COLOUR: u64 = (1 << 26) - 1;

/// A [`Look`] as a number; different for each, nought where nothing is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed(u64);
impl Packed {
    pub(super) const PLAIN: Self = Self(0);

    pub(super) fn look(self) -> Look {
        let colour = |bits: u64| colour_of(u32::try_from(bits & COLOUR).unwrap_or(0));
        let modifier = u16::try_from(self.0 >> 52).unwrap_or(0);
        Look {
            fg: colour(self.0 >> 26),
            bg: colour(self.0),
            modifier: Modifier::from_bits_truncate(modifier),
        }
    }
}

/// The sixteen that terminals have by name, in the order of their numbers.
const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// A colour in 26 bits: its kind, and which.
fn number_of(colour: Color) -> u32 {
    match colour {
        Color::Reset => 0,
        Color::Rgb(r, g, b) => 3 << 24 | u32::from_be_bytes([0, r, g, b]),
        Color::Indexed(index) => 2 << 24 | u32::from(index),
        named => {
            let at = NAMED.iter().position(|one| *one == named).unwrap_or(0);
            1 << 24 | u32::try_from(at).unwrap_or(0)
        }
    }
}

fn colour_of(number: u32) -> Color {
    let [kind, r, g, b] = number.to_be_bytes();
    match kind {
        0 => Color::Reset,
        1 => NAMED[usize::from(b) % NAMED.len()],
        2 => Color::Indexed(b),
        _ => Color::Rgb(r, g, b),
    }
}

/// The attributes that are ever sent. Blinking is not: a desk holds still.
pub(super) const SENT: Modifier = Modifier::BOLD
    .union(Modifier::DIM)
    .union(Modifier::ITALIC)
    .union(Modifier::UNDERLINED)
    .union(Modifier::REVERSED);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_as_a_number_is_that_look() {
        let kinds = [
            Color::Reset,
            Color::Indexed(0),
            Color::Indexed(255),
            Color::Rgb(0, 0, 0),
            Color::Rgb(1, 2, 255),
        ];
        let all: Vec<Color> = kinds.into_iter().chain(NAMED).collect();
        let mut seen = std::collections::BTreeSet::new();
        for (fg, bg) in all.iter().flat_map(|fg| all.iter().map(move |bg| (*fg, *bg))) {
            for modifier in [Modifier::empty(), SENT, Modifier::BOLD] {
                let look = Look { fg, bg, modifier };
                assert_eq!(look.packed().look(), look);
                assert!(seen.insert(look.packed().0), "{look:?}");
            }
        }
    }
}
