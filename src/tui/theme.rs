//! Colours by role. A theme is a file of roles in `themes/`; panes know roles only, never colours. A theme that is broken
//! or unknown falls back to the built-in one with a warning that names the line, the key and the nearest valid one.
//! Reading the file from a disk is the caller's business: text is handed in.

use ratatui::style::{Color, Style};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

/// Names each role once: field, what it is for.
macro_rules! roles {
    ($($field:ident = $rgb:literal, $doc:literal;)*) => {
        /// Colours by role.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Theme {
            /// The theme's name.
            pub name: String,
            $(#[doc = $doc] pub $field: Color,)*
            /// Overlay lines of studies, in order.
            pub study: [Color; 3],
        }
        impl Theme {
            /// Every role a file may set, with its meaning.
            pub const ROLES: &[(&'static str, &'static str)] = &[
                $((stringify!($field), $doc),)*
                ("study1", "First study line."), ("study2", "Second study line."), ("study3", "Third study line."),
            ];
            /// The default theme.
            pub fn builtin() -> Self {
                Self {
                    name: "default".to_owned(),
                    $($field: Color::from_u32($rgb),)*
                    study: [Color::from_u32(0xb4_8ef0), Color::from_u32(0xe0_c285), Color::from_u32(0x7f_b7a8)],
                }
            }
            /// Sets one role; false where there is none of that name.
            fn set(&mut self, role: &str, color: Color) -> bool {
                match role {
                    $(stringify!($field) => self.$field = color,)*
                    "study1" => self.study[0] = color,
                    "study2" => self.study[1] = color,
                    "study3" => self.study[2] = color,
                    _ => return false,
                }
                true
            }
        }
    };
}
roles! {
    background = 0x0e_1116, "The ground of everything.";
    panel = 0x12_161d, "Ground of title lines and the status bar.";
    text = 0xc9_d1d9, "What is read.";
    dim = 0x98_a3b2, "What is read second.";
    faint = 0x7f_8999, "Labels and column heads.";
    rule = 0x23_2a33, "Rules between panes and grid lines.";
    bright = 0xee_f2f6, "What has the focus.";
    focus_bar = 0x4e_a1ff, "The bar of the focused pane.";
    up = 0x4e_a1ff, "A price that rose.";
    down = 0xff_9f43, "A price that fell.";
    up_back = 0x10_233a, "Ground of bars behind bid sizes.";
    down_back = 0x3a_2410, "Ground of bars behind ask sizes.";
    warn = 0xf2_cc60, "What needs a look.";
    error = 0xff_7b72, "What failed.";
    sim = 0x56_d4bc, "SIM, and a healthy link.";
    sim_back = 0x0d_2f2a, "Ground of the word SIM.";
    paper = 0xa5_b4fc, "PAPER.";
    paper_back = 0x1c_2040, "Ground of the word PAPER.";
    live = 0xff_ffff, "LIVE, and nothing else.";
    live_back = 0xc0_1c3c, "Ground of the word LIVE, and nothing else.";
    selection = 0x1b_222c, "Ground of the selected row.";
    buy = 0x4e_a1ff, "Buy side.";
    sell = 0xff_9f43, "Sell side.";
    position = 0x8b_98a9, "A position's average price.";
}

impl Theme {
    /// Text of a colour, on whatever ground is there.
    pub fn style(&self, role: Color) -> Style {
        Style::new().fg(role)
    }
    /// Reads a theme file. What is wrong with it is told in words, one entry a fault, and the roles concerned keep
    /// their default: a fault costs one colour, not the desk.
    pub fn read(name: &str, text: &str) -> (Self, Vec<String>) {
        let mut theme = Self {
            name: name.to_owned(),
            ..Self::builtin()
        };
        let file: File = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, &span));
                let fault = format!(
                    "theme {name}, line {line}: {}; the default theme is used",
                    error.message()
                );
                return (Self::builtin(), vec![fault]);
            }
        };
        let mut faults = Vec::new();
        let palette: Vec<&str> = file.palette.keys().map(|key| key.get_ref().as_str()).collect();
        for (role, value) in &file.roles {
            let line = line_of(text, &value.span());
            match colour(value.get_ref(), &file.palette) {
                None => faults.push(format!(
                    "theme {name}, line {line}, {}: '{}' is no colour; write \"#rrggbb\" or a name{}",
                    role.get_ref(),
                    value.get_ref(),
                    hint(
                        value.get_ref(),
                        palette.iter().copied().chain(NAMED.iter().map(|n| n.0))
                    ),
                )),
                Some(colour) if theme.set(role.get_ref(), colour) => {}
                Some(_) => faults.push(format!(
                    "theme {name}, line {line}: there is no role '{}'{}",
                    role.get_ref(),
                    hint(role.get_ref(), Self::ROLES.iter().map(|role| role.0)),
                )),
            }
        }
        (theme, faults)
    }
    /// The theme called `wanted` out of `files` (name, text), or the default with a warning that names the nearest.
    pub fn choose(files: &[(String, String)], wanted: &str) -> (Self, Vec<String>) {
        match files.iter().find(|(name, _)| name == wanted) {
            Some((name, text)) => Self::read(name, text),
            None if wanted == "default" => (Self::builtin(), Vec::new()),
            None => {
                let names = files.iter().map(|(name, _)| name.as_str());
                (
                    Self::builtin(),
                    vec![format!("there is no theme '{wanted}'{}", hint(wanted, names))],
                )
            }
        }
    }
}

/// A theme file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "name")]
    _name: Option<String>,
    #[serde(default)]
    palette: BTreeMap<Spanned<String>, String>,
    #[serde(default)]
    roles: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// The terminal's own sixteen, and its default.
const NAMED: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

/// A colour from `#rrggbb`, the palette, or the terminal's names.
fn colour(text: &str, palette: &BTreeMap<Spanned<String>, String>) -> Option<Color> {
    let own = palette.iter().find(|(name, _)| name.get_ref() == text);
    let text = own.map_or(text, |(_, value)| value.as_str());
    if let Some(hex) = text.strip_prefix('#') {
        let digits = hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        return digits
            .then(|| u32::from_str_radix(hex, 16).ok())
            .flatten()
            .map(Color::from_u32);
    }
    NAMED
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, colour)| *colour)
}

/// The line, counted from one, on which a span begins.
fn line_of(text: &str, span: &Range<usize>) -> usize {
    1 + text
        .bytes()
        .take(span.start)
        .filter(|byte| *byte == b'\n')
        .count()
}

/// `; did you mean 'x'?` for the nearest of `names`, where one is near, else the names themselves.
pub(super) fn hint<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match nearest(wanted, names.iter().copied()) {
        Some(name) => format!("; did you mean '{name}'?"),
        None if names.len() <= 24 => format!("; there are {}", names.join(", ")),
        None => String::new(),
    }
}

/// The nearest name, at most half of its letters away.
pub(super) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (distance(wanted, name), name))
        .min()
        .filter(|(distance, name)| *distance <= name.len() / 2)
        .map(|(_, name)| name)
}

/// How many letters must be added, removed or changed. Only the first 64 letters count.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::template::THEMES;

    /// How much brighter one colour is than another, 1 to 21, as WCAG 2 counts it.
    fn contrast(one: Color, other: Color) -> f64 {
        let brightness = |color: Color| {
            let Color::Rgb(r, g, b) = color else {
                panic!("{color:?} is the terminal's own")
            };
            let part = |value: u8| match f64::from(value) / 255.0 {
                v if v <= 0.039_28 => v / 12.92,
                v => ((v + 0.055) / 1.055).powf(2.4),
            };
            0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
        };
        let (a, b) = (brightness(one), brightness(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn the_themes_are_whole_legible_and_keep_the_colour_of_live_for_live() {
        assert!(THEMES.len() >= 8);
        for (name, text) in THEMES {
            let (theme, faults) = Theme::read(name, text);
            assert_eq!(faults, Vec::<String>::new());
            for (role, _) in Theme::ROLES {
                assert!(text.contains(&format!("\n{role} = ")), "{name} leaves out {role}");
            }
            let grounds = [theme.background, theme.panel, theme.selection];
            let mut pairs: Vec<(Color, Color)> = vec![
                (theme.live, theme.live_back),
                (theme.sim, theme.sim_back),
                (theme.paper, theme.paper_back),
                (theme.bright, theme.up_back),
                (theme.bright, theme.down_back),
                (theme.up, theme.up_back),
                (theme.down, theme.down_back),
            ];
            let texts = [
                theme.text,
                theme.dim,
                theme.faint,
                theme.bright,
                theme.up,
                theme.down,
                theme.warn,
                theme.error,
                theme.sim,
                theme.paper,
                theme.buy,
                theme.sell,
                theme.position,
            ];
            for ground in grounds {
                pairs.extend(texts.iter().chain(&theme.study).map(|text| (*text, ground)));
            }
            let least = if name.contains("contrast") { 7.0 } else { 4.5 };
            for (text, ground) in pairs {
                let found = contrast(text, ground);
                assert!(
                    found >= least,
                    "{name}: {text:?} on {ground:?} has {found:.2}, not {least}"
                );
            }
            let others = [
                theme.up_back,
                theme.down_back,
                theme.selection,
                theme.sim_back,
                theme.paper_back,
            ];
            assert!(!others.contains(&theme.live_back), "{name}");
            assert_ne!(theme.up, theme.down, "{name}");
        }
        let (default, _) = Theme::read(THEMES[0].0, THEMES[0].1);
        assert_eq!(
            default,
            Theme::builtin(),
            "the file and the built-in colours are the same"
        );
    }

    /// What red-green and blue-yellow blind eyes see of a colour, by the matrices of Viénot and others (1999) and Brettel and
    /// others (1997) in linear light, simplified to one matrix each.
    fn seen(color: Color, matrix: [[f64; 3]; 3]) -> [f64; 3] {
        let Color::Rgb(r, g, b) = color else {
            panic!("{color:?} is the terminal's own")
        };
        let linear = [r, g, b].map(|value| (f64::from(value) / 255.0).powf(2.2));
        matrix.map(|row| {
            let sum: f64 = row.iter().zip(linear).map(|(weight, part)| weight * part).sum();
            sum.clamp(0.0, 1.0).powf(1.0 / 2.2)
        })
    }

    #[test]
    fn the_safe_pairs_stay_apart_for_the_eyes_they_are_for() {
        const DEUTERANOPIA: [[f64; 3]; 3] = [[0.293, 0.707, 0.0], [0.293, 0.707, 0.0], [-0.022, 0.022, 1.0]];
        const TRITANOPIA: [[f64; 3]; 3] = [[1.014, 0.114, -0.128], [0.0, 0.842, 0.158], [0.0, 0.706, 0.294]];
        let apart = |name: &str, matrix| {
            let (_, text) = THEMES.iter().find(|(known, _)| *known == name).unwrap();
            let (theme, _) = Theme::read(name, text);
            let (up, down) = (seen(theme.up, matrix), seen(theme.down, matrix));
            let squares: f64 = up.iter().zip(down).map(|(a, b)| (a - b).powi(2)).sum();
            squares.sqrt()
        };
        for name in ["default", "deuteranopia", "light", "high-contrast"] {
            assert!(
                apart(name, DEUTERANOPIA) > 0.35,
                "{name}: {}",
                apart(name, DEUTERANOPIA)
            );
        }
        assert!(
            apart("tritanopia", TRITANOPIA) > 0.35,
            "{}",
            apart("tritanopia", TRITANOPIA)
        );
        assert!(
            apart("classic", DEUTERANOPIA) < apart("deuteranopia", DEUTERANOPIA),
            "the measure tells a good pair from a bad one"
        );
    }

    #[test]
    fn a_fault_costs_one_colour_and_names_line_key_and_nearest() {
        let (theme, faults) = Theme::read(
            "mine",
            "[roles]\nup = \"#00ff00\"\ndonw = \"#ff0000\"\ntext = \"grren\"\n",
        );
        assert_eq!(theme.up, Color::Rgb(0, 255, 0));
        assert_eq!(theme.text, Theme::builtin().text);
        assert!(
            faults[0].contains("line 3") && faults[0].contains("did you mean 'down'?"),
            "{faults:?}"
        );
        assert!(
            faults[1].contains("line 4, text") && faults[1].contains("'green'"),
            "{faults:?}"
        );
        let (theme, faults) = Theme::read("mine", "[roles]\nup = \n");
        assert_eq!(theme, Theme::builtin());
        assert!(faults[0].contains("line 2"), "{faults:?}");
    }

    #[test]
    fn an_unknown_theme_falls_back_and_names_the_nearest() {
        let files: Vec<(String, String)> = THEMES
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        let (theme, faults) = Theme::choose(&files, "clasic");
        assert_eq!(theme, Theme::builtin());
        assert_eq!(faults, ["there is no theme 'clasic'; did you mean 'classic'?"]);
    }
}
