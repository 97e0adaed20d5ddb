//! The keys: one table of action, keys, where they hold, what they do, and how dangerous that is. Dispatch, the help, the
//! hint row and the prefix popup all read it, so that none can say anything else than what happens. Resolving is a pure
//! function of the table, of what is open, and of the keys pressed.

use super::action::Action;
use super::chord::Chord;

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// Whatever is open, text fields included.
    Anywhere,
    /// The panes.
    Desk,
    /// An order ticket or a confirmation.
    Ticket,
    /// The order line.
    Line,
    /// The symbol search.
    Search,
    /// The help.
    Help,
    /// The question before leaving.
    Leaving,
}
impl Context {
    /// As the help's heading.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anywhere => "ANYWHERE",
            Self::Desk => "DESK",
            Self::Ticket => "TICKET",
            Self::Line => "ORDER LINE",
            Self::Search => "SEARCH",
            Self::Help => "HELP",
            Self::Leaving => "LEAVING",
        }
    }
}

/// What a key can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// Nothing: it changes what is seen.
    None,
    /// It opens a preview; only the Enter after it sends.
    Preview,
    /// It sends at once. Only what takes risk away may do so.
    Sends,
    /// It sends at once and takes orders or positions away at large.
    Panic,
}
impl Danger {
    /// A word for the help.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Preview => "asks",
            Self::Sends => "at once",
            Self::Panic => "PANIC",
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Key sequences, the first is the one shown.
    pub keys: &'static [&'static str],
    /// Where.
    pub context: Context,
    /// In words.
    pub help: &'static str,
    /// What it can cost.
    pub danger: Danger,
    /// The word in the hint row, where it is shown there.
    pub hint: Option<&'static str>,
}

/// Writes the table one line a binding.
macro_rules! bindings {
    ($($context:ident $danger:ident $action:expr, [$($key:literal),+], $help:literal $(, $hint:literal)?;)*) => {
        &[$(Binding {
            action: $action,
            keys: &[$($key),+],
            context: Context::$context,
            help: $help,
            danger: Danger::$danger,
            hint: bindings!(@hint $($hint)?),
        },)*]
    };
    (@hint) => { None };
    (@hint $hint:literal) => { Some($hint) };
}

/// Every key of the desk.
pub const TABLE: &[Binding] = bindings! {
    Desk Preview Action::Buy, ["b"], "buy at the bid, as a limit; a number before it is the quantity", "buy";
    Desk Preview Action::Sell, ["s"], "sell at the ask, as a limit", "sell";
    Desk Preview Action::BuyMarket, ["B"], "buy at the market";
    Desk Preview Action::SellMarket, ["S"], "sell at the market";
    Desk Sends Action::Cancel, ["x", "Delete"], "cancel the selected order", "cancel";
    Desk Preview Action::Modify, ["e"], "edit the selected order", "edit";
    Desk Preview Action::Close, ["c"], "close the position in this instrument", "close";
    Desk None Action::Search, ["/"], "search for an instrument", "symbol";
    Desk None Action::CommandLine, [":"], "type an order or a command", "order";
    Desk None Action::Up, ["k", "Up"], "up";
    Desk None Action::Down, ["j", "Down"], "down";
    Desk None Action::Left, ["h", "Left"], "left; older bars on a chart";
    Desk None Action::Right, ["l", "Right"], "right; newer bars on a chart";
    Desk None Action::Top, ["g g", "Home"], "to the first row";
    Desk None Action::Bottom, ["G", "End"], "to the last row";
    Desk None Action::PageDown, ["Ctrl-d", "PageDown"], "half a page down";
    Desk None Action::PageUp, ["Ctrl-u", "PageUp"], "half a page up";
    Desk None Action::Enter, ["Enter"], "put the row on the desk";
    Desk None Action::Escape, ["Esc"], "drop the count, the message, the zoom";
    Desk None Action::NextPane, ["Tab"], "next pane";
    Desk None Action::PreviousPane, ["Shift-Tab"], "previous pane";
    Desk None Action::ZoomPane, ["z"], "the pane alone, and back", "zoom";
    Desk None Action::TimeframeNext, ["t"], "longer bars";
    Desk None Action::TimeframePrevious, ["T"], "shorter bars";
    Desk None Action::ZoomIn, ["+"], "fewer, wider bars";
    Desk None Action::ZoomOut, ["-"], "more, narrower bars";
    Desk None Action::ScrollLive, ["."], "to the newest bar";
    Desk None Action::ChartStyle, ["y"], "another way to draw bars";
    Desk None Action::ToggleVolume, ["v"], "volume on or off";
    Desk None Action::ToggleStudy, ["i"], "next study on or off";
    Desk None Action::Sort, ["="], "next order of rows";
    Desk None Action::Workspace(0), ["g t"], "Trade";
    Desk None Action::Workspace(1), ["g c"], "Chart";
    Desk None Action::Workspace(2), ["g p"], "Portfolio";
    Desk None Action::Workspace(3), ["g l"], "Log";
    Desk None Action::Timeframe(0), ["g 1"], "bars of 5 seconds";
    Desk None Action::Timeframe(1), ["g 2"], "bars of 1 minute";
    Desk None Action::Timeframe(2), ["g 3"], "bars of 5 minutes";
    Desk None Action::Timeframe(3), ["g 4"], "bars of 1 hour";
    Desk None Action::Timeframe(4), ["g 5"], "bars of 1 day";
    Desk None Action::Pane(1), ["Space 1"], "first pane";
    Desk None Action::Pane(2), ["Space 2"], "second pane";
    Desk None Action::Pane(3), ["Space 3"], "third pane";
    Desk None Action::Pane(4), ["Space 4"], "fourth pane";
    Desk None Action::Pane(5), ["Space 5"], "fifth pane";
    Desk None Action::Pane(6), ["Space 6"], "sixth pane";
    Desk None Action::TakeToken, ["Space t"], "take the trading token here";
    Desk None Action::ThemeNext, ["Space c"], "next theme";
    Desk None Action::Mask, ["Space m"], "hide amounts and account names";
    Desk Panic Action::CancelSymbol, ["X"], "cancel this instrument's orders; stops stay";
    Desk Panic Action::Halt, ["!"], "halt: nothing leaves that adds risk; undone by typing :resume";
    Desk None Action::Quit, ["q"], "leave; the engine goes on";
    Anywhere Panic Action::CancelSymbol, ["Ctrl-x s"], "cancel this instrument's orders; stops stay";
    Anywhere Panic Action::CancelAll, ["Ctrl-x a"], "cancel all orders of the account; stops stay";
    Anywhere Panic Action::FlattenSymbol, ["Ctrl-x f"], "cancel this instrument's orders and close its position";
    Anywhere Preview Action::FlattenAccount, ["Ctrl-x F"], "flatten the whole account: all orders, all positions; then Enter";
    Anywhere Panic Action::Halt, ["Ctrl-x h"], "halt: nothing leaves that adds risk";
    Desk None Action::Help, ["?", "F1"], "these keys", "help";
    Anywhere None Action::Redraw, ["Ctrl-l"], "draw the whole screen again";
    Anywhere None Action::Suspend, ["Ctrl-z"], "stop this terminal as a job of the shell";
    Ticket Sends Action::Enter, ["Enter"], "send, once the preview has stood for a moment", "send";
    Ticket None Action::Escape, ["Esc", "q"], "drop it; nothing is sent", "drop";
    Ticket None Action::PriceUp, ["+", "=", "Up", "k"], "price one tick up", "tick up";
    Ticket None Action::PriceDown, ["-", "Down", "j"], "price one tick down", "tick down";
    Ticket None Action::QuantityUp, [">", "Right"], "quantity one step up", "more";
    Ticket None Action::QuantityDown, ["<", "Left"], "quantity one step down", "less";
    Ticket None Action::NextField, ["Tab"], "next field; digits go into it", "field";
    Ticket None Action::PreviousField, ["Shift-Tab"], "previous field";
    Ticket None Action::NextTimeInForce, ["t"], "next time in force", "tif";
    Ticket None Action::ToggleMarket, ["m"], "limit or market", "mkt/lmt";
    Ticket None Action::NextStyle, ["y"], "next type of order that the broker takes: stop, trail, at the close, ...", "type";
    Ticket None Action::ToggleOutside, ["u"], "outside the regular session too, or not";
    Ticket None Action::NextTemplate, ["p"], "stop and target of the next template of config.toml";
    Ticket None Action::ToggleShort, ["o"], "allow it to open a short";
    Line None Action::Enter, ["Enter"], "send what the preview shows", "send";
    Line None Action::Escape, ["Esc", "Ctrl-c"], "drop the line", "drop";
    Line None Action::Complete, ["Tab"], "complete the word", "complete";
    Line None Action::Up, ["Up"], "an earlier line", "history";
    Line None Action::Down, ["Down"], "a later line";
    Search None Action::Enter, ["Enter"], "put it on the desk", "choose";
    Search None Action::Escape, ["Esc", "Ctrl-c"], "drop the search", "drop";
    Search None Action::Down, ["Down", "Tab", "Ctrl-n"], "next match", "next";
    Search None Action::Up, ["Up", "Shift-Tab", "Ctrl-p"], "previous match";
    Help None Action::Escape, ["Esc", "q", "?", "Enter"], "back", "back";
    Help None Action::Down, ["j", "Down"], "down", "down";
    Help None Action::Up, ["k", "Up"], "up", "up";
    Help None Action::PageDown, ["Ctrl-d", "PageDown", "Space"], "a page down";
    Help None Action::PageUp, ["Ctrl-u", "PageUp"], "a page up";
    Help None Action::Top, ["g g", "Home"], "to the beginning";
    Help None Action::Bottom, ["G", "End"], "to the end";
    Leaving None Action::Quit, ["d", "q", "Enter"], "leave; the engine goes on with its orders", "leave, engine goes on";
    Leaving Sends Action::StopEngine, ["s"], "stop the engine too", "stop the engine too";
    Leaving None Action::Escape, ["Esc"], "stay", "stay";
};

/// What a key means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// This.
    Action(Action),
    /// The beginning of something.
    Prefix,
    /// Nothing.
    Nothing,
}

/// The table with its key names read.
#[derive(Debug)]
pub struct Keymap {
    sequences: Vec<(Vec<Chord>, &'static Binding)>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(TABLE)
    }
}

impl Keymap {
    /// Reads a table. A name that names no key is left out.
    pub fn new(table: &'static [Binding]) -> Self {
        let read = |binding: &'static Binding| {
            binding
                .keys
                .iter()
                .filter_map(move |keys| Some((Chord::parse_sequence(keys)?, binding)))
        };
        Self {
            sequences: table.iter().flat_map(read).collect(),
        }
    }
    /// What `pressed` means where `context` is open. The panic prefix comes first: it is never text.
    pub fn meaning(&self, context: Context, pressed: &[Chord]) -> Meaning {
        for place in [Context::Anywhere, context] {
            let here = || {
                self.sequences
                    .iter()
                    .filter(move |(_, binding)| binding.context == place)
            };
            if let Some((_, binding)) = here().find(|(keys, _)| keys == pressed) {
                return Meaning::Action(binding.action);
            }
            if here().any(|(keys, _)| keys.len() > pressed.len() && keys.starts_with(pressed)) {
                return Meaning::Prefix;
            }
        }
        Meaning::Nothing
    }
    /// What may follow `pressed`: the next key of each, and its binding.
    pub fn continuations(&self, context: Context, pressed: &[Chord]) -> Vec<(Chord, &'static Binding)> {
        self.sequences
            .iter()
            .filter(|(_, binding)| binding.context == Context::Anywhere || binding.context == context)
            .filter(|(keys, _)| keys.len() > pressed.len() && keys.starts_with(pressed))
            .map(|(keys, binding)| (keys[pressed.len()], *binding))
            .collect()
    }
    /// The hint row of a context: key and word.
    pub fn hints(&self, context: Context) -> Vec<(String, &'static str, Danger)> {
        TABLE
            .iter()
            .filter(|binding| binding.context == context)
            .filter_map(|binding| Some((shown(binding.keys.first()?), binding.hint?, binding.danger)))
            .collect()
    }
}

/// A key sequence as the hint row and the help show it.
pub fn shown(keys: &str) -> String {
    let chords = Chord::parse_sequence(keys).unwrap_or_default();
    chords
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_meaning_and_no_key_hides_a_longer_one() {
        let map = Keymap::default();
        assert_eq!(
            map.sequences.len(),
            TABLE.iter().map(|b| b.keys.len()).sum::<usize>(),
            "every name is read"
        );
        for (i, (keys, binding)) in map.sequences.iter().enumerate() {
            for (other, rival) in map.sequences.iter().skip(i + 1) {
                let meet = binding.context == rival.context
                    || binding.context == Context::Anywhere
                    || rival.context == Context::Anywhere;
                let clash = keys.starts_with(other) || other.starts_with(keys);
                assert!(
                    !(meet && clash),
                    "{keys:?} is {:?} and {:?}",
                    binding.action,
                    rival.action
                );
            }
        }
    }

    #[test]
    fn only_what_takes_risk_away_goes_without_being_asked() {
        let adds = [
            Action::Buy,
            Action::Sell,
            Action::BuyMarket,
            Action::SellMarket,
            Action::Modify,
            Action::Close,
            Action::FlattenAccount,
        ];
        for binding in TABLE.iter().filter(|binding| adds.contains(&binding.action)) {
            assert_eq!(binding.danger, Danger::Preview, "{:?}", binding.action);
        }
        let map = Keymap::default();
        let panic = Chord::parse_sequence("Ctrl-x f").unwrap();
        for context in [Context::Line, Context::Search, Context::Ticket, Context::Help] {
            assert_eq!(
                map.meaning(context, &panic),
                Meaning::Action(Action::FlattenSymbol)
            );
        }
        for taken in ["Ctrl-c", "Ctrl-s", "Ctrl-q", "Ctrl-b", "Ctrl-g", "Ctrl-o"] {
            let chord = [Chord::parse(taken).unwrap()];
            assert_eq!(
                map.meaning(Context::Desk, &chord),
                Meaning::Nothing,
                "{taken} belongs to others"
            );
        }
    }
}
