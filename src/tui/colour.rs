//! How many colours the terminal has, and what a colour becomes where it has fewer. Panes and themes speak of full
//! colours; the writer of bytes asks here.

use ratatui::style::Color;

/// How many colours may be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourDepth {
    /// Sixteen million.
    #[default]
    True,
    /// The palette of 256.
    Indexed,
    /// The terminal's own sixteen.
    Sixteen,
    /// None: bold, underline and reverse carry the meaning.
    None,
}

impl ColourDepth {
    /// What the environment says: `NO_COLOR` first, then `COLORTERM`, then `TERM`.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        if is_set("NO_COLOR") || term == "dumb" {
            return Self::None;
        }
        let colours = variable("COLORTERM").unwrap_or_default();
        if colours.contains("truecolor") || colours.contains("24bit") || term.contains("direct") {
            return Self::True;
        }
        if term.contains("256color") || term.contains("kitty") || term.contains("alacritty") {
            return Self::Indexed;
        }
        if term.contains("mono") || term.starts_with("vt1") || term.starts_with("vt2") {
            return Self::None;
        }
        // A terminal that names itself in no known way still has sixteen colours today.
        Self::Sixteen
    }
    /// As [`Self::detect`], whatever `NO_COLOR` says; sixteen where the terminal says that it has none.
    pub fn detect_always(variable: impl Fn(&str) -> Option<String>) -> Self {
        let found = Self::detect(|name| if name == "NO_COLOR" { None } else { variable(name) });
        if found == Self::None { Self::Sixteen } else { found }
    }
    /// From a setting: `true`, `256`, `16`, `none`; nothing for other words.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "true" | "truecolor" | "24bit" => Some(Self::True),
            "256" => Some(Self::Indexed),
            "16" => Some(Self::Sixteen),
            "none" | "never" => Some(Self::None),
            _ => None,
        }
    }
    /// The nearest colour that may be sent.
    pub fn degrade(self, colour: Color) -> Color {
        match (self, colour) {
            (Self::None, _) => Color::Reset,
            (Self::Indexed, Color::Rgb(r, g, b)) => Color::Indexed(indexed(r, g, b)),
            (Self::Sixteen, Color::Rgb(r, g, b)) => sixteen(r, g, b),
            (Self::Sixteen, Color::Indexed(index)) if index > 15 => {
                let (r, g, b) = of_index(index);
                sixteen(r, g, b)
            }
            _ => colour,
        }
    }
}

/// The six steps of each channel in the palette's cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Square of the distance between two colours.
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let part = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    // The eye sees green best and blue least.
    2 * part(a.0, b.0) + 4 * part(a.1, b.1) + 3 * part(a.2, b.2)
}

/// The nearest of the cube and the greys.
fn indexed(r: u8, g: u8, b: u8) -> u8 {
    let step = |value: u8| {
        (0u8..6)
            .min_by_key(|i| STEPS[usize::from(*i)].abs_diff(value))
            .unwrap_or(0)
    };
    let cube = 16 + 36 * step(r) + 6 * step(g) + step(b);
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let grey = 232 + u8::try_from((mean.saturating_sub(3) / 10).min(23)).unwrap_or(23);
    let near = |index: u8| distance(of_index(index), (r, g, b));
    if near(grey) < near(cube) { grey } else { cube }
}

/// The colour that an index above 15 stands for.
fn of_index(index: u8) -> (u8, u8, u8) {
    if index >= 232 {
        let level = 8 + 10 * (index - 232);
        return (level, level, level);
    }
    let cube = index.saturating_sub(16);
    let step = |value: u8| STEPS[usize::from(value % 6)];
    (step(cube / 36), step(cube / 6), step(cube))
}

/// The nearest of the sixteen. Dark grounds become the terminal's own, so that bars do not drown their numbers.
fn sixteen(r: u8, g: u8, b: u8) -> Color {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    if most < 0x40 {
        return if most - least > 0x18 {
            Color::DarkGray
        } else {
            Color::Reset
        };
    }
    if most - least < 0x28 {
        return match most {
            0..0x80 => Color::DarkGray,
            0x80..0xe0 => Color::Gray,
            _ => Color::White,
        };
    }
    let half = u16::from(most) * 5 / 8;
    let on = |value: u8| u16::from(value) > half;
    match (on(r), on(g), on(b)) {
        // Orange is no red: that is the ground of LIVE, and of nothing else that is a warning of less.
        (true, false, false) if u16::from(g) * 2 > u16::from(most) && g > b => Color::Yellow,
        (true, false, false) => Color::LightRed,
        (false, true, false) => Color::LightGreen,
        (true, true, false) => Color::LightYellow,
        (false, false, true) => Color::LightBlue,
        (true, false, true) => Color::LightMagenta,
        (false, true, true) => Color::LightCyan,
        _ => Color::White,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_and_no_color_comes_first() {
        let with = |pairs: &'static [(&'static str, &'static str)]| {
            ColourDepth::detect(move |name| pairs.iter().find(|p| p.0 == name).map(|p| p.1.to_owned()))
        };
        assert_eq!(
            with(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]),
            ColourDepth::None
        );
        assert_eq!(
            with(&[("NO_COLOR", ""), ("COLORTERM", "truecolor")]),
            ColourDepth::True
        );
        assert_eq!(with(&[("TERM", "xterm-256color")]), ColourDepth::Indexed);
        assert_eq!(with(&[("TERM", "xterm")]), ColourDepth::Sixteen);
        assert_eq!(with(&[("TERM", "dumb")]), ColourDepth::None);
        let always = ColourDepth::detect_always(|name| (name == "NO_COLOR").then(|| "1".to_owned()));
        assert_eq!(always, ColourDepth::Sixteen);
    }

    #[test]
    fn up_and_down_stay_apart_at_every_depth_that_has_colours() {
        let theme = super::super::theme::Theme::builtin();
        for depth in [ColourDepth::True, ColourDepth::Indexed, ColourDepth::Sixteen] {
            assert_ne!(depth.degrade(theme.up), depth.degrade(theme.down), "{depth:?}");
            for other in [theme.sim_back, theme.down, theme.sell] {
                assert_ne!(depth.degrade(theme.live_back), depth.degrade(other), "{depth:?}");
            }
        }
    }
}
