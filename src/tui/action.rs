//! What a key or a click means on this screen. An action is not yet a [`Command`](crate::engine::Command): it may move a
//! cursor, open a ticket, or become a command once a person has seen its preview. Which key means what stands in
//! `keymap.rs` alone.

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
    /// Volume on or off.
    ToggleVolume,
    /// The next study on or off.
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
    /// Take the trading token.
    TakeToken,
    /// Hide amounts and account names.
    Mask,
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
    /// Complete the word that is being typed.
    Complete,
    /// Leave, and stop the engine.
    StopEngine,
    /// Stop this program as a shell's job.
    Suspend,
}
