//! The keys: one table of action, keys, where they hold, what they do, and how dangerous that is. Dispatch, the help, the
//! hint row and the prefix popup all read it, so that none can say anything else than what happens. Resolving is a pure
//! function of the table, of what is open, and of the keys pressed.

use super::action::Action;
use super::chord::Chord;
use super::layout::Way;
use super::plan::Group;
use std::borrow::Cow;

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
    Desk Preview Action::Protect, ["p"], "put a stop under the position in this instrument, to complete in the order line";
    Desk Preview Action::Adopt, ["o"], "differences: take the broker's word on the selected line";
    Desk Preview Action::AdoptSplit, ["O"], "differences: record the split that the selected line looks like";
    Desk Preview Action::Ignore, ["I"], "differences: leave the line for a day; a number before it is hours";
    Desk Preview Action::FlattenRow, ["F"], "differences: flatten what the line is about";
    Desk None Action::Search, ["/"], "search for an instrument", "symbol";
    Desk None Action::CommandLine, [":"], "type an order or a command", "order";
    Desk None Action::AlertHere, ["a"], "an alert at the price under the cursor, to complete in the order line";
    Desk Preview Action::OpenStaged, ["A"], "the order that an alert staged, into the order line; nothing is sent";
    Desk Preview Action::OrderAgain, ["R"], "the order that was sent last, once more as a preview; nothing is sent";
    Desk None Action::Up, ["k", "Up"], "up";
    Desk None Action::Down, ["j", "Down"], "down";
    Desk None Action::Left, ["h", "Left"], "left; older bars on a chart";
    Desk None Action::Right, ["l", "Right"], "right; newer bars on a chart";
    Desk None Action::Top, ["g g", "Home"], "to the first row";
    Desk None Action::Bottom, ["G", "End"], "to the last row";
    Desk None Action::PageDown, ["Ctrl-d", "PageDown"], "half a page down";
    Desk None Action::PageUp, ["Ctrl-u", "PageUp"], "half a page up";
    Desk None Action::Enter, ["Enter"], "put the row on the desk; on a chart, a crosshair whose price orders begin with";
    Desk None Action::Escape, ["Esc"], "drop the count, the message, the zoom";
    Desk None Action::NextPane, ["Tab"], "next pane";
    Desk None Action::PreviousPane, ["Shift-Tab"], "previous pane";
    Desk None Action::ZoomPane, ["z"], "the pane alone, and back", "zoom";
    Desk None Action::TimeframeNext, ["t"], "longer bars";
    Desk None Action::TimeframePrevious, ["T"], "shorter bars";
    Desk None Action::ZoomIn, ["+"], "fewer, wider bars; ladder: fewer ticks in a row";
    Desk None Action::ZoomOut, ["-"], "more, narrower bars; ladder: more ticks in a row";
    Desk None Action::ScrollLive, ["."], "to the newest bar";
    Desk None Action::ChartStyle, ["w"], "another way to draw bars: candles, bars, Heikin-Ashi, line, area";
    Desk None Action::ChartGlyphs, ["W"], "other characters to draw bars with: lines, blocks, braille, ascii";
    Desk None Action::ToggleVolume, ["v"], "volume on or off";
    Desk None Action::ToggleStudy, ["i"], "choose studies for the chart";
    Desk None Action::Sort, ["="], "next order of rows";
    Desk None Action::Workspace(0), ["g t"], "Trade";
    Desk None Action::Workspace(1), ["g c"], "Chart";
    Desk None Action::Workspace(2), ["g p"], "Portfolio";
    Desk None Action::Workspace(3), ["g l"], "Log";
    Desk None Action::Workspace(4), ["g o"], "Overview";
    Desk None Action::Workspace(5), ["g r"], "Risk";
    Desk None Action::Timeframe(0), ["g 1"], "bars of 5 seconds";
    Desk None Action::Timeframe(1), ["g 2"], "bars of 1 minute";
    Desk None Action::Timeframe(2), ["g 3"], "bars of 5 minutes";
    Desk None Action::Timeframe(3), ["g 4"], "bars of 1 hour";
    Desk None Action::Timeframe(4), ["g 5"], "bars of 1 day";
    Desk None Action::Timeframe(5), ["g 6"], "bars of 15 minutes";
    Desk None Action::Timeframe(6), ["g 7"], "bars of 4 hours";
    Desk None Action::Timeframe(7), ["g 8"], "bars of 1 week";
    Desk None Action::Timeframe(8), ["g 9"], "bars of 1 month";
    Desk None Action::Pane(1), ["Space 1"], "first pane";
    Desk None Action::Pane(2), ["Space 2"], "second pane";
    Desk None Action::Pane(3), ["Space 3"], "third pane";
    Desk None Action::Pane(4), ["Space 4"], "fourth pane";
    Desk None Action::Pane(5), ["Space 5"], "fifth pane";
    Desk None Action::Pane(6), ["Space 6"], "sixth pane";
    Desk None Action::TakeToken, ["Space t"], "take the trading token here";
    Desk None Action::Focus(Way::Left), ["Space w h", "Space w Left"], "focus the pane to the left";
    Desk None Action::Focus(Way::Down), ["Space w j", "Space w Down"], "focus the pane below";
    Desk None Action::Focus(Way::Up), ["Space w k", "Space w Up"], "focus the pane above";
    Desk None Action::Focus(Way::Right), ["Space w l", "Space w Right"], "focus the pane to the right";
    Desk None Action::SplitRight, ["Space w v"], "split: this tab, or a pane not shown yet, to the right";
    Desk None Action::SplitBelow, ["Space w s"], "split: this tab, or a pane not shown yet, below";
    Desk None Action::AddPane, ["Space w a"], "add a pane that is not shown yet, as a tab";
    Desk None Action::MovePane, ["Space w m"], "move this pane to the next place, as a tab";
    Desk None Action::ClosePane, ["Space w x"], "close this pane; the last one stays";
    Desk None Action::Swap(Way::Left), ["Space w H"], "change places with the left";
    Desk None Action::Swap(Way::Down), ["Space w J"], "change places with what is below";
    Desk None Action::Swap(Way::Up), ["Space w K"], "change places with what is above";
    Desk None Action::Swap(Way::Right), ["Space w L"], "change places with the right";
    Desk None Action::Resize(Way::Left), ["Space w <"], "border to the left; a number before it repeats";
    Desk None Action::Resize(Way::Right), ["Space w >"], "border to the right";
    Desk None Action::Resize(Way::Up), ["Space w -"], "border up";
    Desk None Action::Resize(Way::Down), ["Space w +"], "border down";
    Desk None Action::EvenPanes, ["Space w ="], "every split in halves";
    Desk None Action::ResetLayout, ["Space w r"], "this workspace as it was made";
    Desk None Action::Undo, ["u"], "take the last change of layout or list back; never an order";
    Desk None Action::Follow(Some(Group::A)), ["Space l a"], "this pane follows link group A";
    Desk None Action::Follow(Some(Group::B)), ["Space l b"], "this pane follows link group B";
    Desk None Action::Follow(Some(Group::C)), ["Space l c"], "this pane follows link group C";
    Desk None Action::Follow(Some(Group::D)), ["Space l d"], "this pane follows link group D";
    Desk None Action::Follow(None), ["Space l x"], "this pane follows the desk again";
    Desk None Action::CopyRow, ["y y", "Y"], "copy the selected row as it is shown; hidden numbers stay hidden";
    Desk None Action::NextZone, ["Space z"], "times of the exchange, of this machine, UTC";
    Desk None Action::ThemeNext, ["Space c"], "next theme";
    Desk None Action::Freeze, ["Space f"], "FROZEN: prices stand still and nothing is sent but panic keys; and back";
    Desk None Action::Mask, ["Space p"], "hide amounts and account names";
    Desk Preview Action::OrderUp, ["K", "Shift-Up"], "ladder, chart: the order at the cursor one tick up; asks where that adds risk";
    Desk Preview Action::OrderDown, ["J", "Shift-Down"], "ladder, chart: the order at the cursor one tick down";
    Desk Preview Action::MoveBracket, ["Space m"], "ladder: take the whole bracket in hand; arrows move it, Enter sends";
    Desk Panic Action::CancelSymbol, ["X"], "cancel this instrument's orders; stops stay";
    Desk Panic Action::Halt, ["!"], "halt: nothing leaves that adds risk; undone by typing :resume";
    Desk None Action::Quit, ["q"], "leave; the engine goes on";
    Anywhere Panic Action::CancelSymbol, ["Ctrl-x s"], "cancel this instrument's orders; stops stay";
    Anywhere Panic Action::CancelAll, ["Ctrl-x a"], "cancel all orders of the account; stops stay";
    Anywhere Panic Action::FlattenSymbol, ["Ctrl-x f"], "flatten this instrument: orders, then the position, the stop last";
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
    Ticket None Action::ToLineThen, ["n"], "into the order line, to go on with the order that leaves once this one has filled (OTO)", "then";
    Ticket None Action::ToLineOco, ["c"], "into the order line, to go on with the other order of a pair, one or the other (OCO)";
    Ticket None Action::ToLine, [":"], "into the order line as a sentence, to go on typing there";
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

/// What an action does in few words, for where its help has no room.
pub fn short(action: Action) -> Option<&'static str> {
    Some(match action {
        Action::SplitRight => "split to the right",
        Action::SplitBelow => "split below",
        Action::AddPane => "add a pane as a tab",
        Action::MovePane => "move to the next place",
        Action::ClosePane => "close this pane",
        Action::Swap(Way::Left) => "swap with the left",
        Action::Swap(Way::Down) => "swap with the one below",
        Action::Swap(Way::Up) => "swap with the one above",
        Action::Swap(Way::Right) => "swap with the right",
        Action::Focus(Way::Left) => "focus left",
        Action::Focus(Way::Down) => "focus below",
        Action::Focus(Way::Up) => "focus above",
        Action::Focus(Way::Right) => "focus right",
        Action::Resize(Way::Left) => "border to the left",
        Action::ResetLayout => "as it was made",
        Action::NextZone => "times: the next zone",
        Action::Freeze => "freeze prices, and back",
        Action::MoveBracket => "move a bracket on the ladder",
        Action::TakeToken => "take the trading token",
        Action::Mask => "hide amounts and names",
        _ => return None,
    })
}

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

/// One key sequence with what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The keys, one after the other.
    pub keys: Vec<Chord>,
    /// What they do.
    pub action: Action,
    /// Where.
    pub context: Context,
    /// In words.
    pub help: Cow<'static, str>,
    /// What it can cost.
    pub danger: Danger,
    /// The word in the hint row, where it is shown there.
    pub hint: Option<&'static str>,
}
impl Entry {
    /// The keys as the hint row and the help show them.
    pub fn shown(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        keys.join(" ")
    }
}

/// A line behind a key: it is put into the order line and previewed there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hotkey {
    /// The line, without its colon.
    pub line: String,
    /// Sent at once where this terminal is armed.
    pub send: bool,
}

/// The table with its key names read, as a person may have changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    /// Every key sequence, in the order of the table.
    pub(super) entries: Vec<Entry>,
    /// Lines behind keys, by the number of [`Action::Hotkey`].
    pub hotkeys: Vec<Hotkey>,
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
            binding.keys.iter().filter_map(move |keys| {
                Some(Entry {
                    keys: Chord::parse_sequence(keys)?,
                    action: binding.action,
                    context: binding.context,
                    help: Cow::Borrowed(binding.help),
                    danger: binding.danger,
                    hint: binding.hint,
                })
            })
        };
        Self {
            entries: table.iter().flat_map(read).collect(),
            hotkeys: Vec::new(),
        }
    }
    /// Every key sequence, in the order of the table.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
    /// What `pressed` means where `context` is open. The panic prefix comes first: it is never text.
    pub fn meaning(&self, context: Context, pressed: &[Chord]) -> Meaning {
        for place in [Context::Anywhere, context] {
            let here = || self.entries.iter().filter(move |entry| entry.context == place);
            if let Some(entry) = here().find(|entry| entry.keys == pressed) {
                return Meaning::Action(entry.action);
            }
            if here().any(|entry| entry.keys.len() > pressed.len() && entry.keys.starts_with(pressed)) {
                return Meaning::Prefix;
            }
        }
        Meaning::Nothing
    }
    /// What may follow `pressed`, in the order of the table.
    pub fn continuations(&self, context: Context, pressed: &[Chord]) -> Vec<&Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.context == Context::Anywhere || entry.context == context)
            .filter(|entry| entry.keys.len() > pressed.len() && entry.keys.starts_with(pressed))
            .collect()
    }
    /// The hint row of a context: key and word, each action once.
    pub fn hints(&self, context: Context) -> Vec<(String, &'static str, Danger)> {
        let mut seen = Vec::new();
        self.entries
            .iter()
            .filter(|entry| entry.context == context)
            .filter_map(|entry| {
                let word = entry.hint?;
                let is_new = !seen.contains(&entry.action);
                seen.push(entry.action);
                is_new.then(|| (entry.shown(), word, entry.danger))
            })
            .collect()
    }
    /// The keys that do something in a context, the first of them first.
    pub fn keys_of(&self, context: Context, action: Action) -> Vec<String> {
        let here = |entry: &&Entry| entry.context == context && entry.action == action;
        self.entries.iter().filter(here).map(Entry::shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_meaning_and_no_key_hides_a_longer_one() {
        let map = Keymap::default();
        assert_eq!(
            map.entries.len(),
            TABLE.iter().map(|b| b.keys.len()).sum::<usize>(),
            "every name is read"
        );
        for (i, binding) in map.entries.iter().enumerate() {
            for rival in map.entries.iter().skip(i + 1) {
                let (keys, other) = (&binding.keys, &rival.keys);
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
            Action::OrderUp,
            Action::OrderDown,
            Action::MoveBracket,
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
