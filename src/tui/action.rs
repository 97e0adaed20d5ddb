//! What a key or a click means on this screen. An action is not yet a [`Command`](crate::engine::Command): it may move a
//! cursor, open a ticket, or become a command once a person has seen its preview. Which key means what stands in
//! `keymap.rs` alone.

use super::layout::{WORKSPACES, Way};
use super::panes::chart::settings::SHORTCUTS;
use super::plan::Group;

/// One thing a person may want from the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// Half a page up.
    PageUp,
    /// Half a page down.
    PageDown,
    /// The first row.
    Top,
    /// The last row.
    Bottom,
    /// To the left: older bars on a chart.
    Left,
    /// To the right: newer bars on a chart.
    Right,
    /// Focus the next pane.
    NextPane,
    /// Focus the previous pane.
    PreviousPane,
    /// Focus pane `n`, counted from one.
    Pane(u8),
    /// Let the focused pane have the whole body, or give it back.
    ZoomPane,
    /// Accept what is open; on a row, put it on the desk.
    Enter,
    /// Drop what is open.
    Escape,
    /// Open a buy limit at the touch.
    Buy,
    /// Open a sell limit at the touch.
    Sell,
    /// Open a buy at the market.
    BuyMarket,
    /// Open a sell at the market.
    SellMarket,
    /// Cancel the selected order.
    Cancel,
    /// Cancel every order of the account; protective stops stay.
    CancelAll,
    /// Cancel every order on the desk's instrument; protective stops stay.
    CancelSymbol,
    /// Cancel every order on the desk's instrument, then close its position.
    FlattenSymbol,
    /// Cancel every order of the account, then close every position; asks first.
    FlattenAccount,
    /// Let nothing leave that adds risk.
    Halt,
    /// Allow risk again.
    Resume,
    /// Change the selected order.
    Modify,
    /// Close the position in the desk's instrument at the market.
    Close,
    /// Search for an instrument.
    Search,
    /// Type an order or a command.
    CommandLine,
    /// Show the keys.
    Help,
    /// Leave.
    Quit,
    /// The next longer timeframe.
    TimeframeNext,
    /// The next shorter timeframe.
    TimeframePrevious,
    /// Timeframe `n`, counted from zero.
    Timeframe(u8),
    /// Fewer, wider bars.
    ZoomIn,
    /// More, narrower bars.
    ZoomOut,
    /// The next way to draw bars.
    ChartStyle,
    /// The next characters to draw bars with.
    ChartGlyphs,
    /// Volume on or off.
    ToggleVolume,
    /// Choose studies, or be done with it.
    ToggleStudy,
    /// Back to the newest bar.
    ScrollLive,
    /// Draw the whole screen again.
    Redraw,
    /// The next theme.
    ThemeNext,
    /// The next order of rows.
    Sort,
    /// Workspace `n`, counted from zero.
    Workspace(u8),
    /// The open ticket's price one tick up.
    PriceUp,
    /// The open ticket's price one tick down.
    PriceDown,
    /// The open ticket's quantity one step up.
    QuantityUp,
    /// The open ticket's quantity one step down.
    QuantityDown,
    /// The order at the ladder's cursor one tick up.
    OrderUp,
    /// The order at the ladder's cursor one tick down.
    OrderDown,
    /// Take a whole bracket in hand, to move it.
    MoveBracket,
    /// Take the trading token.
    TakeToken,
    /// Hide amounts and account names.
    Mask,
    /// Let prices stand still and nothing be sent, or end that.
    Freeze,
    /// The open ticket's next time in force.
    NextTimeInForce,
    /// The open ticket's next way to execute.
    NextStyle,
    /// The open ticket outside the regular session too, or not.
    ToggleOutside,
    /// The exits of the next template.
    NextTemplate,
    /// The open ticket's next field.
    NextField,
    /// The open ticket's previous field.
    PreviousField,
    /// The open ticket at the market, or with a limit.
    ToggleMarket,
    /// The open ticket may open a short, or not.
    ToggleShort,
    /// The open ticket into the order line, as its sentence.
    ToLine,
    /// The same, to go on with the order that follows once this one has filled.
    ToLineThen,
    /// The same, to go on with the other order of a pair.
    ToLineOco,
    /// Complete the word that is being typed.
    Complete,
    /// Leave, and stop the engine.
    StopEngine,
    /// Stop this program as a shell's job.
    Suspend,
    /// Begin an alert at the price under the cursor.
    AlertHere,
    /// Put the order that an alert staged into the order line.
    OpenStaged,
    /// The order that was sent last, anew.
    OrderAgain,
    /// Focus the pane that way.
    Focus(Way),
    /// Let the focused place and the one that way change.
    Swap(Way),
    /// Move the nearest border that way.
    Resize(Way),
    /// Give the focused tab (or a pane that is not shown) a place to the right.
    SplitRight,
    /// Give the focused tab (or a pane that is not shown) a place below.
    SplitBelow,
    /// Take the focused pane off the workspace.
    ClosePane,
    /// Take the focused pane into the next place, as a tab.
    MovePane,
    /// Show the next pane that is not shown, as a tab.
    AddPane,
    /// Every split in two halves.
    EvenPanes,
    /// The workspace as it was made.
    ResetLayout,
    /// Take the last change of layout or list back.
    Undo,
    /// Let the focused pane follow a link group, or the desk.
    Follow(Option<Group>),
    /// Another clock: the exchange's, this machine's, UTC.
    NextZone,
    /// Copy the selected row as text.
    CopyRow,
    /// Begin a stop under the position in the desk's instrument.
    Protect,
    /// Take the broker's word on the selected difference.
    Adopt,
    /// Record the split that the selected difference looks like.
    AdoptSplit,
    /// Leave the selected difference as it is for a time.
    Ignore,
    /// Flatten what the selected difference is about.
    FlattenRow,
    /// A line of the settings, by its number.
    Hotkey(u8),
}

impl Action {
    /// True where it changes nothing but what is looked at: on a terminal that is too small for previews these hold.
    pub fn only_looks(self) -> bool {
        matches!(
            self,
            Self::Up
                | Self::Down
                | Self::PageUp
                | Self::PageDown
                | Self::Top
                | Self::Bottom
                | Self::Left
                | Self::Right
                | Self::NextPane
                | Self::PreviousPane
                | Self::ZoomIn
                | Self::ZoomOut
                | Self::ScrollLive
                | Self::TimeframeNext
                | Self::TimeframePrevious
        )
    }
    /// The action's word, which settings, palette and papers use: `buy-market`, `workspace-trade`, `focus-left`. It is
    /// made from the name in this list, so that no action can be without one; a test holds the list of them.
    pub fn name(self) -> String {
        let lower = |name: &str| name.to_ascii_lowercase();
        match self {
            Self::Workspace(n) => {
                let name = WORKSPACES.get(usize::from(n)).map_or("none", |(name, _)| *name);
                format!("workspace-{}", lower(name))
            }
            Self::Timeframe(n) => {
                let name = SHORTCUTS
                    .get(usize::from(n))
                    .map_or("none".to_owned(), ToString::to_string);
                format!("timeframe-{}", lower(&name))
            }
            Self::Follow(None) => "follow-desk".to_owned(),
            Self::Follow(Some(group)) => format!("follow-{}", lower(&group.to_string())),
            _ => words(&format!("{self:?}")),
        }
    }
}

/// `SplitRight` as `split-right`, `Focus(Left)` as `focus-left`.
fn words(name: &str) -> String {
    let mut word = String::new();
    for c in name.chars() {
        match c {
            '(' | ')' => {}
            c if c.is_ascii_uppercase()
                || (c.is_ascii_digit() && !word.ends_with(|c: char| c.is_ascii_digit())) =>
            {
                if !word.is_empty() {
                    word.push('-');
                }
                word.push(c.to_ascii_lowercase());
            }
            c => word.push(c),
        }
    }
    word
}
