//! From a drawn buffer to the fewest bytes that make the terminal show it. Keeps what the terminal shows now, sends what
//! differs, moves the cursor by the shortest way and sets only the attributes that change. One frame is one run of bytes
//! inside synchronized output. Nothing that a terminal would act on gets through from a cell's text.

mod codes;
mod glyph;
mod look;

use super::colour::ColourDepth;
use codes::{absolute, push_char, relative, set_look};
use glyph::{CLUSTER, CLUSTERS_MAX, Glyph, RIGHT_HALF, Text, text_of};
use look::{Look, Packed, SENT};
use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};

/// What the terminal shows, and how to change it.
#[derive(Debug)]
pub struct Screen {
    depth: ColourDepth,
    /// Grounds that are nothing special where there are no colours.
    plain: Vec<Color>,
    width: u16,
    height: u16,
    shown: Vec<Glyph>,
    next: Vec<Glyph>,
    /// Texts that are no single characters, with their widths: numbers in cells, by their places.
    clusters: Vec<(Box<str>, u16)>,
    look: Packed,
    at: Option<Position>,
    cursor: Option<Position>,
    /// Nothing is known of what is shown.
    lost: bool,
}

impl Screen {
    /// A screen of which nothing is known yet.
    pub fn new(depth: ColourDepth) -> Self {
        Self {
            depth,
            plain: Vec::new(),
            width: 0,
            height: 0,
            shown: Vec::new(),
            next: Vec::new(),
            clusters: Vec::new(),
            look: Packed::PLAIN,
            at: None,
            cursor: None,
            lost: true,
        }
    }
    /// Grounds that need no mark where there are no colours; every other ground is shown in reverse.
    pub fn set_plain_grounds(&mut self, grounds: Vec<Color>) {
        self.plain = grounds;
    }
    /// Something else may have written to the terminal: the next frame draws everything.
    pub fn forget(&mut self) {
        self.lost = true;
    }
    /// Appends the bytes that turn what is shown into `buffer`, with the cursor at `cursor` or hidden. Nothing is
    /// appended where nothing differs. The bytes must reach the terminal before the next frame is asked for.
    pub fn frame(&mut self, buffer: &Buffer, cursor: Option<Position>, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(b"\x1b[?2026h");
        let head = out.len();
        if self.clusters.len() > CLUSTERS_MAX {
            self.clusters.clear();
            self.lost = true;
        }
        if self.lost || (self.width, self.height) != (buffer.area.width, buffer.area.height) {
            self.begin(buffer, out);
        }
        self.read(buffer);
        for y in 0..self.height {
            self.row(y, out);
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        if self.cursor != cursor || (out.len() > head && cursor.is_some()) {
            self.place_cursor(cursor, out);
        }
        if out.len() == head {
            out.truncate(start);
        } else {
            out.extend_from_slice(b"\x1b[?2026l");
        }
    }

    fn begin(&mut self, buffer: &Buffer, out: &mut Vec<u8>) {
        (self.width, self.height) = (buffer.area.width, buffer.area.height);
        let cells = usize::from(self.width) * usize::from(self.height);
        self.shown = vec![Glyph::BLANK; cells];
        out.extend_from_slice(b"\x1b[0m\x1b[?25l\x1b[H\x1b[2J");
        self.look = Packed::PLAIN;
        self.at = Some(Position::ORIGIN);
        self.cursor = None;
        self.lost = false;
    }

    /// Reads the buffer into cells as a terminal has them.
    fn read(&mut self, buffer: &Buffer) {
        let mut next = std::mem::take(&mut self.next);
        next.clear();
        // Most cells look as the one before.
        let mut last = ((Color::Reset, Color::Reset, Modifier::empty()), Packed::PLAIN);
        last.1 = self.look_of(last.0.0, last.0.1, last.0.2).packed();
        for row in buffer.content.chunks(usize::from(self.width).max(1)) {
            let mut skip = 0;
            for (x, cell) in row.iter().enumerate() {
                if skip > 0 {
                    skip -= 1;
                    let look = next.last().map_or(Packed::PLAIN, |owner| owner.look);
                    let text = RIGHT_HALF;
                    next.push(Glyph { text, look });
                    continue;
                }
                let raw = (cell.fg, cell.bg, cell.modifier);
                if raw != last.0 {
                    last = (raw, self.look_of(raw.0, raw.1, raw.2).packed());
                }
                let text = match text_of(cell.symbol()) {
                    Text::One(c) => u32::from(c),
                    Text::Cluster(_, 2) if x + 1 >= row.len() => u32::from(' '),
                    Text::Cluster(text, width) => {
                        skip = usize::from(width == 2);
                        self.cluster(text, width)
                    }
                };
                next.push(Glyph { text, look: last.1 });
            }
        }
        self.next = next;
    }

    /// The number of a text that is no single character.
    fn cluster(&mut self, text: &str, width: u16) -> u32 {
        let at = self.clusters.iter().position(|(known, _)| &**known == text);
        let at = at.unwrap_or_else(|| {
            self.clusters.push((text.into(), width));
            self.clusters.len() - 1
        });
        CLUSTER | u32::try_from(at).unwrap_or(0)
    }
    /// A text that is no single character, with its width.
    fn text(&self, glyph: Glyph) -> Option<(&str, u16)> {
        let at = glyph.text.checked_sub(CLUSTER)?;
        let (text, width) = self.clusters.get(usize::try_from(at).ok()?)?;
        Some((text, *width))
    }

    fn look_of(&self, fg: Color, bg: Color, modifier: Modifier) -> Look {
        let marked = self.depth == ColourDepth::None && bg != Color::Reset && !self.plain.contains(&bg);
        let extra = if marked {
            Modifier::REVERSED
        } else {
            Modifier::empty()
        };
        let look = Look {
            fg: self.depth.degrade(fg),
            bg: self.depth.degrade(bg),
            modifier: (modifier | extra) & SENT,
        };
        if self.depth == ColourDepth::Sixteen {
            let is_special = bg != Color::Reset && !self.plain.contains(&bg);
            return self.told_apart(look, is_special);
        }
        look
    }
    /// Of sixteen colours several of a theme become one: a ground that is there to be seen is kept apart from the plain
    /// one, and text from its ground. Bold black is grey on many terminals, so black is not bold.
    fn told_apart(&self, mut look: Look, is_special: bool) -> Look {
        let plain = self
            .plain
            .first()
            .map_or(Color::Reset, |ground| self.depth.degrade(*ground));
        if is_special && look.bg == plain {
            look.bg = match plain {
                Color::White => Color::Gray,
                Color::Gray => Color::White,
                _ => Color::DarkGray,
            };
        }
        // The terminal's own text colour is unknown: on a ground of ours it may not be seen.
        if look.bg != Color::Reset && (look.fg == look.bg || look.fg == Color::Reset) {
            look.fg = match look.bg {
                Color::DarkGray | Color::Black => Color::White,
                _ => Color::Black,
            };
        }
        // Light text is not read on a light colour, whichever it is; a strong one takes white, no grey.
        match look.bg {
            Color::Cyan
            | Color::LightCyan
            | Color::Green
            | Color::LightGreen
            | Color::Yellow
            | Color::LightYellow => look.fg = Color::Black,
            Color::LightRed | Color::LightBlue | Color::LightMagenta
                if matches!(look.fg, Color::Gray | Color::DarkGray) =>
            {
                look.fg = Color::White;
            }
            _ => {}
        }
        // Grey on dark grey is not read, and red only where it is bright.
        if look.bg == Color::DarkGray {
            match look.fg {
                Color::Gray => look.fg = Color::White,
                Color::LightRed | Color::Yellow => look.modifier |= Modifier::BOLD,
                _ => {}
            }
        }
        if look.fg == Color::Black {
            look.modifier -= Modifier::BOLD;
        }
        look
    }

    fn row(&mut self, y: u16, out: &mut Vec<u8>) {
        let from = usize::from(y) * usize::from(self.width);
        let all = from..from + usize::from(self.width);
        if self.next[all.clone()] == self.shown[all] {
            return;
        }
        let mut x = 0;
        while x < self.width {
            let i = from + usize::from(x);
            let width = self.text(self.next[i]).map_or(1, |(_, width)| width);
            let same = self.next[i] == self.shown[i]
                && (width == 1 || self.next.get(i + 1) == self.shown.get(i + 1));
            if !same {
                self.move_to(Position::new(x, y), out);
                self.put(i, out);
            }
            x += width.max(1);
        }
    }

    /// Writes the cell at `i`, where the cursor stands.
    fn put(&mut self, i: usize, out: &mut Vec<u8>) {
        let glyph = self.next[i];
        set_look(&mut self.look, glyph.look, out);
        let (simple, width) = match (glyph.char(), self.text(glyph)) {
            (Some(c), _) => {
                push_char(c, out);
                (true, 1)
            }
            (None, Some((text, width))) => {
                out.extend_from_slice(text.as_bytes());
                (false, width)
            }
            (None, None) => (false, 1),
        };
        // After the last column terminals differ in where the cursor is: it is not relied upon. The same holds after
        // a cluster, whose width terminals may judge differently.
        self.at = self
            .at
            .map(|at| Position::new(at.x + width, at.y))
            .filter(|at| at.x < self.width && simple);
    }

    fn move_to(&mut self, to: Position, out: &mut Vec<u8>) {
        let Some(at) = self.at else {
            absolute(to, out);
            self.at = Some(to);
            return;
        };
        if at == to {
            return;
        }
        if at.y == to.y && to.x > at.x && to.x - at.x <= 3 && self.can_retype(at, to) {
            let from = usize::from(at.y) * usize::from(self.width);
            for x in at.x..to.x {
                if let Some(c) = self.next[from + usize::from(x)].char() {
                    push_char(c, out);
                }
            }
        } else {
            let (mut far, mut near) = (Vec::with_capacity(12), Vec::with_capacity(12));
            absolute(to, &mut far);
            relative(at, to, &mut near);
            out.extend_from_slice(if !near.is_empty() && near.len() < far.len() {
                &near
            } else {
                &far
            });
        }
        self.at = Some(to);
    }

    /// True where writing the cells between again is shorter than moving over them.
    fn can_retype(&self, at: Position, to: Position) -> bool {
        let from = usize::from(at.y) * usize::from(self.width);
        (at.x..to.x).all(|x| {
            let i = from + usize::from(x);
            let glyph = self.next[i];
            let plain = glyph.char().is_some_and(|c| c.is_ascii()) && glyph.look == self.look;
            plain && glyph == self.shown[i]
        })
    }

    fn place_cursor(&mut self, cursor: Option<Position>, out: &mut Vec<u8>) {
        match cursor {
            Some(to) => {
                let to = Position::new(
                    to.x.min(self.width.saturating_sub(1)),
                    to.y.min(self.height.saturating_sub(1)),
                );
                self.move_to(to, out);
                if self.cursor.is_none() {
                    out.extend_from_slice(b"\x1b[?25h");
                }
            }
            None => out.extend_from_slice(b"\x1b[?25l"),
        }
        self.cursor = cursor;
    }
}

#[cfg(test)]
mod tests {
    use super::glyph::is_hostile;
    use super::*;
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;
    use std::num::NonZeroU16;
    use unicode_width::UnicodeWidthStr;

    fn parser(width: u16, height: u16) -> vt100::Parser {
        vt100::Parser::new(
            NonZeroU16::new(height).unwrap(),
            NonZeroU16::new(width).unwrap(),
            0,
        )
    }

    fn as_vt100(colour: Color) -> vt100::Color {
        match colour {
            Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
            Color::Indexed(i) => vt100::Color::Idx(i),
            Color::Red => vt100::Color::Idx(1),
            Color::LightBlue => vt100::Color::Idx(12),
            _ => vt100::Color::Default,
        }
    }

    #[test]
    fn with_sixteen_colours_a_selection_is_still_seen_and_text_never_has_the_colour_of_its_ground() {
        for (name, ground, selection) in [("dark", 0x0e_1116, 0x1b_222c), ("light", 0xfb_faf7, 0xe3_e8f0)] {
            let (ground, selection) = (Color::from_u32(ground), Color::from_u32(selection));
            let mut screen = Screen::new(ColourDepth::Sixteen);
            screen.set_plain_grounds(vec![ground]);
            let plain = screen.look_of(Color::from_u32(0xc9_d1d9), ground, Modifier::empty());
            let chosen = screen.look_of(Color::from_u32(0x7d_8898), selection, Modifier::BOLD);
            assert_ne!(plain.bg, chosen.bg, "{name}");
            assert_ne!(chosen.fg, chosen.bg, "{name}");
            let label = screen.look_of(ground, Color::from_u32(0x4e_a1ff), Modifier::BOLD);
            assert!(label.fg != label.bg && label.fg != Color::Reset, "{name}");
        }
    }

    #[test]
    fn with_sixteen_colours_text_is_read_on_every_shade_of_the_heat_map() {
        let screen = Screen::new(ColourDepth::Sixteen);
        let theme = crate::tui::theme::Theme::builtin();
        for text in [theme.text, theme.bright, theme.dim, theme.up, theme.down] {
            // Gainers of 2 % and more, and losers.
            for ground in [0x23_4165, 0x2d_5681, 0x5a_3d1c] {
                let look = screen.look_of(text, Color::from_u32(ground), Modifier::BOLD);
                let light = matches!(
                    look.bg,
                    Color::LightCyan | Color::Cyan | Color::LightYellow | Color::Yellow
                );
                assert!(
                    !light || look.fg == Color::Black,
                    "{text} on {ground:x}: {look:?}"
                );
                assert_ne!(look.fg, look.bg);
            }
        }
    }

    /// The terminal shows the buffer: text, colours and attributes of every cell.
    fn assert_shows(screen: &vt100::Screen, buffer: &Buffer) {
        for y in 0..buffer.area.height {
            let mut x = 0;
            while x < buffer.area.width {
                let cell = &buffer[(x, y)];
                let seen = screen.cell(y, x).unwrap();
                let width = u16::try_from(cell.symbol().width()).unwrap().max(1);
                let wide_at_edge = width == 2 && x + 1 == buffer.area.width;
                let text = if wide_at_edge || seen.contents().is_empty() {
                    " "
                } else {
                    seen.contents()
                };
                let expected = if wide_at_edge { " " } else { cell.symbol() };
                assert_eq!(text, expected, "text at {x},{y}");
                assert_eq!(seen.fgcolor(), as_vt100(cell.fg), "colour at {x},{y}");
                assert_eq!(seen.bgcolor(), as_vt100(cell.bg), "ground at {x},{y}");
                assert_eq!(
                    seen.bold(),
                    cell.modifier.contains(Modifier::BOLD),
                    "bold at {x},{y}"
                );
                assert_eq!(
                    seen.inverse(),
                    cell.modifier.contains(Modifier::REVERSED),
                    "reverse at {x},{y}"
                );
                x += width;
            }
        }
    }

    fn writes() -> impl Strategy<Value = Vec<(u16, u16, &'static str, u8, u8, bool, bool)>> {
        let text = prop::sample::select(vec![
            "a", "buy 100", "▲ 1.5", "日本", "é", "┃", " ", "x日y", "   ", "BTC.USD",
        ]);
        prop::collection::vec(
            (
                0u16..24,
                0u16..7,
                text,
                0u8..4,
                0u8..4,
                any::<bool>(),
                any::<bool>(),
            ),
            0..30,
        )
    }

    proptest! {
        /// Whatever was shown before, the bytes of a frame make the terminal show the new buffer, cell for cell.
        #[test]
        fn a_terminal_shows_what_was_drawn(frames in prop::collection::vec((writes(), any::<bool>()), 1..6)) {
            let colours = [Color::Reset, Color::Rgb(78, 161, 255), Color::LightBlue, Color::Red];
            let mut screen = Screen::new(ColourDepth::True);
            let mut terminal = parser(24, 7);
            let mut buffer = Buffer::empty(Rect::new(0, 0, 24, 7));
            for (writes, clear) in frames {
                if clear {
                    buffer.reset();
                }
                for (x, y, text, fg, bg, bold, reverse) in writes {
                    let mut style = Style::new().fg(colours[usize::from(fg)]).bg(colours[usize::from(bg)]);
                    style = if bold { style.bold() } else { style.not_bold() };
                    style = if reverse { style.reversed() } else { style.not_reversed() };
                    buffer.set_string(x, y, text, style);
                }
                let mut bytes = Vec::new();
                screen.frame(&buffer, None, &mut bytes);
                terminal.process(&bytes);
                // A cell that lies under the right half of another is not part of what is drawn.
                assert_shows(terminal.screen(), &buffer);
                let mut again = Vec::new();
                screen.frame(&buffer, None, &mut again);
                prop_assert!(again.is_empty(), "a clean frame writes nothing");
            }
        }

        /// No cell's text can make the terminal do anything.
        #[test]
        fn no_control_character_leaves(text in "\\PC{0,3}|[\\x00-\\x1f\\x7f-\\u{9f}\\u{202e}]{1,3}") {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 1));
            buffer[(1, 0)].set_symbol(&text);
            let mut bytes = Vec::new();
            let mut screen = Screen::new(ColourDepth::True);
            screen.frame(&buffer, None, &mut bytes);
            let mut shown = String::from_utf8(bytes).unwrap();
            for own in ["\x1b[?2026h", "\x1b[?2026l", "\x1b[0m", "\x1b[?25l", "\x1b[H", "\x1b[2J", "\x1b[C", "\x1b[1;2H"] {
                shown = shown.replace(own, "");
            }
            prop_assert!(!shown.chars().any(is_hostile), "{shown:?}");
        }
    }

    #[test]
    fn one_changed_number_costs_a_handful_of_bytes() {
        let mut screen = Screen::new(ColourDepth::True);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 160, 45));
        buffer.set_string(40, 20, "189.52", Style::new().fg(Color::Rgb(1, 2, 3)));
        let mut bytes = Vec::new();
        screen.frame(&buffer, None, &mut bytes);
        bytes.clear();
        buffer.set_string(40, 20, "189.54", Style::new().fg(Color::Rgb(1, 2, 3)));
        screen.frame(&buffer, None, &mut bytes);
        assert!(
            bytes.len() <= 16 + 9 + 1,
            "{}",
            String::from_utf8_lossy(&bytes).escape_debug()
        );
    }

    #[test]
    fn without_colours_a_marked_ground_is_reversed() {
        let mut screen = Screen::new(ColourDepth::None);
        screen.set_plain_grounds(vec![Color::Rgb(1, 1, 1)]);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 1));
        buffer.set_string(0, 0, "ab", Style::new().bg(Color::Rgb(1, 1, 1)));
        buffer.set_string(2, 0, "cd", Style::new().bg(Color::Rgb(9, 9, 9)));
        let mut bytes = Vec::new();
        screen.frame(&buffer, None, &mut bytes);
        let mut terminal = parser(4, 1);
        terminal.process(&bytes);
        assert!(!terminal.screen().cell(0, 0).unwrap().inverse());
        assert!(terminal.screen().cell(0, 2).unwrap().inverse());
    }
}
