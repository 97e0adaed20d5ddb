//! The limits an order is held against, and their names. They come from config.toml, which is the ceiling at start, and
//! live in the journal as a fact; some can be changed while the engine runs. Who compares an order with them is
//! `engine::risk`; which control each belongs to stands there in one table.

use super::id::InstrumentId;
use super::instrument::InstrumentKind;
use super::number::{Money, Quantity};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The default, and what a fact that does not say means.
fn first_option_limit() -> Quantity {
    Quantity::from_raw(20 * Quantity::ONE.raw())
}

/// What happens when a limit is breached. Exits and cancels pass in every case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breach {
    /// The order that would breach it is refused, and nothing else.
    Refuse,
    /// Only what reduces passes, until the limit's own end.
    ReduceOnly,
    /// The same, and entries that work are cancelled.
    CancelEntries,
    /// The same, and nobody can end it before the next session begins.
    #[default]
    Lock,
    /// The same, and what is held is flattened. Never unless somebody chose it.
    Liquidate,
}
impl Breach {
    /// As people and settings write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::ReduceOnly => "reduce_only",
            Self::CancelEntries => "cancel_entries",
            Self::Lock => "lock",
            Self::Liquidate => "liquidate",
        }
    }
}

/// Names what the market can breach with no order of ours, once: variant of its name, field, default, and what is looked at.
macro_rules! on_breach {
    ($($variant:ident $field:ident $default:ident $doc:literal;)*) => {
        /// What a breach does of those limits that the market can breach with no order of ours. What would add to it is
        /// refused in every case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct OnBreach { $(#[doc = $doc] pub $field: Breach,)* }
        impl OnBreach {
            /// The limits that have one.
            pub const NAMES: &[LimitName] = &[$(LimitName::$variant,)*];
            /// What there was before these were known: nothing happens. Never changed.
            pub const NONE: Self = Self { $($field: Breach::Refuse,)* };
            /// Of one limit; nothing where only an order can breach it.
            pub fn get(&self, name: LimitName) -> Option<Breach> {
                match name { $(LimitName::$variant => Some(self.$field),)* _ => None }
            }
        }
        impl Default for OnBreach {
            fn default() -> Self {
                Self { $($field: Breach::$default,)* }
            }
        }
    };
}
on_breach! {
    MaxPositionValue max_position_value ReduceOnly "One position is worth more than it may be: of that instrument.";
    MaxLiveOrders max_live_orders ReduceOnly "More orders of one side work in an instrument than may: of that instrument.";
    MaxTotalOrders max_total_orders ReduceOnly "More orders work in the account than may.";
    MaxGrossBps max_gross_bps ReduceOnly "Gross exposure is larger than it may be.";
    MaxNameBps max_name_bps ReduceOnly "One name is a larger part of the account than it may be: of that instrument.";
    MaxIssuerBps max_issuer_bps ReduceOnly "One issuer is: of what it issued, and of options on that.";
    MinExcessBps min_excess_bps CancelEntries "Less excess liquidity is left than has to be.";
    MaxDrawdown max_drawdown Lock "The account fell further from its highest worth than it may.";
    MaxContracts max_contracts ReduceOnly "More contracts are held or worked than may.";
    MaxSlippageBps max_slippage_bps ReduceOnly "The session's executions cost more than they may against the market they were sent at.";
    KeepHours keep_hours CancelEntries "Something is held while the account's rule pack wants it flat.";
}

/// The limits of every account, from config.toml. Values of one order and of one position are in the instrument's currency;
/// shares (`_bps`, 100 are 1 %) are of what the account was worth when its session began and what it made of it since,
/// in its base currency. Zero switches a limit off where its words say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest quantity in one order of shares.
    pub max_quantity_equity: Quantity,
    /// Largest number of contracts in one order.
    pub max_quantity_future: Quantity,
    /// Largest quantity of base currency in one order.
    pub max_quantity_forex: Quantity,
    /// Largest quantity of coins in one order.
    pub max_quantity_crypto: Quantity,
    /// Largest number of option contracts in one order. Absent from a stored fact it is 20, for ever: facts from before
    /// options were known lack it.
    #[serde(default = "first_option_limit")]
    pub max_quantity_option: Quantity,
    /// Largest order of shares as a part of what an average day trades, in basis points, where its days are known. 0 is off.
    pub max_volume_bps: u32,
    /// Largest value of one order.
    pub max_order_value: Money,
    /// Largest value of one order of shares, options or coins, in the account's base currency. 0 is off.
    pub max_order_cost: Money,
    /// The same as a share of what the account is worth. 0 is off.
    pub max_order_bps: u32,
    /// Largest value of the position that could result, working orders counted in full.
    pub max_position_value: Money,
    /// Live orders per instrument and side.
    pub max_live_orders: u32,
    /// How far beyond the other side of the market a limit price may reach, in basis points (1 is 0.01 %).
    pub collar_bps: u32,
    /// The same of futures; the smaller of both holds.
    pub collar_future_bps: u32,
    /// The same of currencies; the smaller of both holds.
    pub collar_forex_bps: u32,
    /// The same of shares in funds; the smaller of both holds.
    pub collar_fund_bps: u32,
    /// The same of options, which have this one alone, and five ticks at least.
    pub collar_option_bps: u32,
    /// Equal orders closer together than this are duplicates, in milliseconds.
    pub duplicate_window_ms: u64,
    /// Orders that may come at once.
    pub rate_burst: u32,
    /// Orders a second, sustained.
    pub rate_per_second: u32,
    /// Whether a position may be sold short at all.
    pub allow_short: bool,
    /// Whether shares, options and coins may be; contracts of futures and currencies are not borrowed.
    pub allow_short_sale: bool,
    /// Whether a position is closed at the market where the stop of its bracket was refused or lost; otherwise it is only
    /// shown, loudly.
    pub close_unprotected: bool,
    /// Loss of a session, realised, open and fees, from which on people are warned. 0 is off.
    pub daily_loss_warn_bps: u32,
    /// From which on only what reduces passes, until the next session. 0 is off.
    pub daily_loss_reduce_bps: u32,
    /// From which on happens what `daily_loss_does` says, until the next session. 0 is off.
    pub daily_loss_lock_bps: u32,
    /// The same in the account's base currency; the warning comes at half of it, reducing at three quarters. 0 is off.
    pub max_daily_loss: Money,
    /// What the largest loss of a session does.
    pub daily_loss_does: Breach,
    /// Value of all positions that could result, longs and shorts added. 0 is off.
    pub max_gross_bps: u32,
    /// Value of one position of shares, options or coins that could result. 0 is off.
    pub max_name_bps: u32,
    /// The same of all that one issuer's shares and the options on them could come to. 0 is off.
    pub max_issuer_bps: u32,
    /// Value of one sector, longs and shorts added, from which on people are warned; funds and what has no sector don't count. 0 is off.
    pub warn_sector_bps: u32,
    /// The same that may result at most. 0 is off.
    pub max_sector_bps: u32,
    /// Excess liquidity that has to be left, where the broker tells it. 0 is off.
    pub min_excess_bps: u32,
    /// Live orders of an account. 0 is off.
    pub max_total_orders: u32,
    /// Whether an entry that would trade with an order of the same account is refused.
    pub deny_self_cross: bool,
    /// Instruments, by name, root or underlying, in which nothing is opened.
    pub restricted: Vec<InstrumentId>,
    /// Whether entries at the market wait for the instrument's hours.
    pub keep_hours: bool,
    /// Whether shares that no exchange lists are opened.
    pub allow_otc: bool,
    /// Minutes before a future stops trading in which nothing is opened in it. 0 is off.
    pub pause_before_halt_minutes: u32,
    /// How old what is known of the market may be for an entry at the market, in seconds of our clock. 0 is off.
    pub max_price_age_seconds: u32,
    /// Widest spread that an entry at the market may cross, of the middle. 0 is off.
    pub max_spread_bps: u32,
    /// How far beyond the previous close an entry's price may lie. 0 is off.
    pub close_band_bps: u32,
    /// Entries that may fill in one instrument within five minutes; one more and nothing is opened until a person resumes.
    /// 0 is off.
    pub max_entries_5m: u32,
    /// Losing exits within an hour after which nothing is opened for a while. 0 is off.
    pub loss_streak: u32,
    /// For how long, in minutes.
    pub loss_streak_pause_minutes: u32,
    /// What a session's executions may cost against the market as it was when their orders were sent. 0 is off.
    pub max_slippage_bps: u32,
    /// How far an account may fall from its highest worth at the beginning of a session, in its base currency. 0 is off.
    pub max_drawdown: Money,
    /// Contracts of futures in all that could be held. 0 is off.
    pub max_contracts: u32,
    /// Contracts of one future that could be held, either way. 0 is off.
    pub max_contracts_each: u32,
    /// Round trips, from flat to flat, that may end in one instrument within a minute; one more and nothing is opened until a
    /// person resumes. 0 is off.
    pub max_round_trips_1m: u32,
    /// What a breach does that comes with no order of ours.
    pub on_breach: OnBreach,
}

impl Default for Limits {
    fn default() -> Self {
        let whole = |count| Quantity::whole(count).unwrap_or(Quantity::ZERO);
        Self {
            max_quantity_equity: whole(10_000),
            max_quantity_future: whole(20),
            max_quantity_forex: whole(1_000_000),
            max_quantity_crypto: whole(10),
            max_quantity_option: first_option_limit(),
            max_volume_bps: 0,
            max_order_value: Money::whole(1_000_000),
            max_order_cost: Money::ZERO,
            max_order_bps: 0,
            max_position_value: Money::whole(2_500_000),
            max_live_orders: 20,
            collar_bps: 300,
            collar_future_bps: 100,
            collar_forex_bps: 50,
            collar_fund_bps: 200,
            collar_option_bps: 2_500,
            duplicate_window_ms: 500,
            rate_burst: 10,
            rate_per_second: 5,
            allow_short: true,
            allow_short_sale: true,
            close_unprotected: false,
            daily_loss_warn_bps: 100,
            daily_loss_reduce_bps: 150,
            daily_loss_lock_bps: 200,
            max_daily_loss: Money::ZERO,
            daily_loss_does: Breach::Lock,
            max_gross_bps: 20_000,
            max_name_bps: 2_000,
            max_issuer_bps: 2_500,
            warn_sector_bps: 3_000,
            max_sector_bps: 4_000,
            min_excess_bps: 1_000,
            max_total_orders: 200,
            deny_self_cross: true,
            restricted: Vec::new(),
            keep_hours: true,
            allow_otc: true,
            pause_before_halt_minutes: 0,
            max_price_age_seconds: 0,
            max_spread_bps: 100,
            close_band_bps: 2_000,
            max_entries_5m: 30,
            loss_streak: 4,
            loss_streak_pause_minutes: 60,
            max_slippage_bps: 50,
            max_drawdown: Money::ZERO,
            max_contracts: 0,
            max_contracts_each: 0,
            max_round_trips_1m: 5,
            on_breach: OnBreach::default(),
        }
    }
}

impl Limits {
    /// The largest quantity of one order in this kind of instrument.
    pub fn max_quantity(&self, kind: InstrumentKind) -> Quantity {
        match kind {
            InstrumentKind::Equity => self.max_quantity_equity,
            InstrumentKind::Future => self.max_quantity_future,
            InstrumentKind::Forex => self.max_quantity_forex,
            InstrumentKind::Crypto => self.max_quantity_crypto,
            InstrumentKind::Option => self.max_quantity_option,
            InstrumentKind::Index => Quantity::ZERO,
        }
    }

    /// How far a price may reach in this kind of instrument, in basis points.
    pub fn collar(&self, kind: InstrumentKind, is_fund: bool) -> u32 {
        match kind {
            InstrumentKind::Equity if is_fund => self.collar_bps.min(self.collar_fund_bps),
            InstrumentKind::Future => self.collar_bps.min(self.collar_future_bps),
            InstrumentKind::Forex => self.collar_bps.min(self.collar_forex_bps),
            InstrumentKind::Option => self.collar_option_bps,
            InstrumentKind::Equity | InstrumentKind::Crypto | InstrumentKind::Index => self.collar_bps,
        }
    }

    /// The same without any limit that came after the first ones: what a fact from before them meant, which says nothing
    /// of them. Never changed.
    #[must_use]
    pub fn without_later_ones(self) -> Self {
        Self {
            max_volume_bps: 0,
            max_order_cost: Money::ZERO,
            max_order_bps: 0,
            // One collar held for all.
            collar_future_bps: 10_000,
            collar_forex_bps: 10_000,
            collar_fund_bps: 10_000,
            collar_option_bps: self.collar_bps,
            allow_short_sale: true,
            daily_loss_warn_bps: 0,
            daily_loss_reduce_bps: 0,
            daily_loss_lock_bps: 0,
            max_daily_loss: Money::ZERO,
            daily_loss_does: Breach::Refuse,
            max_gross_bps: 0,
            max_name_bps: 0,
            max_issuer_bps: 0,
            warn_sector_bps: 0,
            max_sector_bps: 0,
            min_excess_bps: 0,
            max_total_orders: 0,
            deny_self_cross: false,
            restricted: Vec::new(),
            keep_hours: false,
            allow_otc: true,
            pause_before_halt_minutes: 0,
            max_price_age_seconds: 0,
            max_spread_bps: 0,
            close_band_bps: 0,
            max_entries_5m: 0,
            loss_streak: 0,
            loss_streak_pause_minutes: 60,
            max_slippage_bps: 0,
            max_drawdown: Money::ZERO,
            max_contracts: 0,
            max_contracts_each: 0,
            max_round_trips_1m: 0,
            on_breach: OnBreach::NONE,
            ..self
        }
    }
}

/// What a limit is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitValue {
    /// Shares, contracts, units or coins.
    Quantity(Quantity),
    /// An amount.
    Money(Money),
    /// A count, basis points, or minutes.
    Count(u32),
    /// Milliseconds.
    Millis(u64),
    /// Allowed or not, kept or not.
    Flag(bool),
}
impl fmt::Display for LimitValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(value) => value.fmt(f),
            Self::Money(value) => value.fmt(f),
            Self::Count(value) => value.fmt(f),
            Self::Millis(value) => value.fmt(f),
            Self::Flag(value) => value.fmt(f),
        }
    }
}

/// Which values of a limit are stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stricter {
    /// The smaller.
    Smaller,
    /// The smaller, and zero is none at all.
    SmallerButZero,
    /// The larger.
    Larger,
    /// False.
    No,
    /// True.
    Yes,
}

/// Names what can be changed while the engine runs, once: variant, field and name, kind of value, range (of a number), which
/// values are stricter, and what it is.
macro_rules! limit_names {
    ($($variant:ident $field:ident $text:literal $kind:ident $least:literal $most:literal $stricter:ident $doc:literal;)*) => {
        /// A limit that can be changed while the engine runs, by the name that it has in config.toml.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum LimitName { $(#[doc = $doc] #[serde(rename = $text)] $variant,)* }
        impl LimitName {
            /// All of them, as config.toml has them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
            /// Its key in the settings.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => concat!("limits.", $text),)* }
            }
            /// What it is, in words.
            pub fn what(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
            fn stricter(self) -> Stricter {
                match self { $(Self::$variant => Stricter::$stricter,)* }
            }
            fn range(self) -> (u64, u64) {
                match self { $(Self::$variant => ($least, $most),)* }
            }
        }
        impl Limits {
            /// What a limit is set to.
            pub fn get(&self, name: LimitName) -> LimitValue {
                match name { $(LimitName::$variant => LimitValue::$kind(self.$field),)* }
            }
            /// Sets it; false where the value is of another kind, and then nothing is changed.
            pub fn set(&mut self, name: LimitName, value: LimitValue) -> bool {
                match (name, value) {
                    $((LimitName::$variant, LimitValue::$kind(value)) => self.$field = value,)*
                    _ => return false,
                }
                true
            }
        }
    };
}
limit_names! {
    MaxQuantityEquity max_quantity_equity "max_quantity_equity" Quantity 1 0 Smaller "shares in one order";
    MaxQuantityFuture max_quantity_future "max_quantity_future" Quantity 1 0 Smaller "contracts in one order";
    MaxQuantityForex max_quantity_forex "max_quantity_forex" Quantity 1 0 Smaller "units of currency in one order";
    MaxQuantityCrypto max_quantity_crypto "max_quantity_crypto" Quantity 1 0 Smaller "coins in one order";
    MaxQuantityOption max_quantity_option "max_quantity_option" Quantity 1 0 Smaller "option contracts in one order";
    MaxVolumeBps max_volume_bps "max_volume_bps" Count 0 10_000 SmallerButZero "shares in one order, in basis points of an average day's volume";
    MaxOrderValue max_order_value "max_order_value" Money 1 0 Smaller "value of one order";
    MaxOrderCost max_order_cost "max_order_cost" Money 0 0 SmallerButZero "value of one order of shares, options or coins, in base currency";
    MaxOrderBps max_order_bps "max_order_bps" Count 0 1_000_000 SmallerButZero "value of one order of shares, options or coins, in basis points of worth";
    MaxPositionValue max_position_value "max_position_value" Money 1 0 Smaller "value of one position that could result";
    MaxLiveOrders max_live_orders "max_live_orders" Count 1 10_000 Smaller "live orders in one instrument and side";
    CollarBps collar_bps "collar_bps" Count 1 10_000 Smaller "reach of a price through the market, in basis points";
    CollarFutureBps collar_future_bps "collar_future_bps" Count 1 10_000 Smaller "reach of a price of futures, where it is less, in basis points";
    CollarForexBps collar_forex_bps "collar_forex_bps" Count 1 10_000 Smaller "reach of a price of currencies, where it is less, in basis points";
    CollarFundBps collar_fund_bps "collar_fund_bps" Count 1 10_000 Smaller "reach of a price of funds, where it is less, in basis points";
    CollarOptionBps collar_option_bps "collar_option_bps" Count 1 10_000 Smaller "reach of a price of options, five ticks at least, in basis points";
    DuplicateWindowMs duplicate_window_ms "duplicate_window_ms" Millis 0 60_000 Larger "milliseconds between equal orders";
    RateBurst rate_burst "rate_burst" Count 1 10_000 Smaller "orders at once";
    RatePerSecond rate_per_second "rate_per_second" Count 1 10_000 Smaller "orders a second";
    AllowShort allow_short "allow_short" Flag 0 1 No "whether shorts are allowed";
    AllowShortSale allow_short_sale "allow_short_sale" Flag 0 1 No "whether shorts of shares, options and coins are allowed";
    DailyLossWarnBps daily_loss_warn_bps "daily_loss_warn_bps" Count 0 10_000 SmallerButZero "loss of a session that warns, in basis points of its beginning";
    DailyLossReduceBps daily_loss_reduce_bps "daily_loss_reduce_bps" Count 0 10_000 SmallerButZero "loss of a session after which only reducing passes, in basis points";
    DailyLossLockBps daily_loss_lock_bps "daily_loss_lock_bps" Count 0 10_000 SmallerButZero "loss of a session that locks, in basis points";
    MaxDailyLoss max_daily_loss "max_daily_loss" Money 0 0 SmallerButZero "loss of a session that locks, in base currency";
    MaxGrossBps max_gross_bps "max_gross_bps" Count 0 1_000_000 SmallerButZero "gross exposure, in basis points of worth";
    MaxNameBps max_name_bps "max_name_bps" Count 0 1_000_000 SmallerButZero "value of one position, in basis points of worth";
    MaxIssuerBps max_issuer_bps "max_issuer_bps" Count 0 1_000_000 SmallerButZero "value of one issuer, in basis points of worth";
    WarnSectorBps warn_sector_bps "warn_sector_bps" Count 0 1_000_000 SmallerButZero "value of one sector that warns, in basis points of worth";
    MaxSectorBps max_sector_bps "max_sector_bps" Count 0 1_000_000 SmallerButZero "value of one sector, in basis points of worth";
    MinExcessBps min_excess_bps "min_excess_bps" Count 0 10_000 Larger "excess liquidity that stays, in basis points of worth";
    MaxTotalOrders max_total_orders "max_total_orders" Count 0 1_000_000 SmallerButZero "live orders of the account";
    DenySelfCross deny_self_cross "deny_self_cross" Flag 0 1 Yes "whether entries against own orders are refused";
    KeepHours keep_hours "keep_hours" Flag 0 1 Yes "whether entries at the market wait for the hours";
    AllowOtc allow_otc "allow_otc" Flag 0 1 No "whether shares that no exchange lists are opened";
    PauseBeforeHaltMinutes pause_before_halt_minutes "pause_before_halt_minutes" Count 0 240 Larger "minutes before trading in a future ends in which nothing is opened";
    MaxPriceAgeSeconds max_price_age_seconds "max_price_age_seconds" Count 0 86_400 SmallerButZero "seconds that an entry at the market relies on a price";
    MaxSpreadBps max_spread_bps "max_spread_bps" Count 0 10_000 SmallerButZero "spread that an entry at the market may cross, in basis points";
    CloseBandBps close_band_bps "close_band_bps" Count 0 100_000 SmallerButZero "distance from the previous close, in basis points";
    MaxEntries5m max_entries_5m "max_entries_5m" Count 0 1_000_000 SmallerButZero "entries filled in one instrument within five minutes";
    LossStreak loss_streak "loss_streak" Count 0 10_000 SmallerButZero "losing exits within an hour before a pause";
    MaxSlippageBps max_slippage_bps "max_slippage_bps" Count 0 10_000 SmallerButZero "cost of a session's executions against the market, in basis points";
    MaxDrawdown max_drawdown "max_drawdown" Money 0 0 SmallerButZero "fall from the highest worth, in base currency";
    MaxContracts max_contracts "max_contracts" Count 0 1_000_000 SmallerButZero "contracts of futures in all";
    MaxContractsEach max_contracts_each "max_contracts_each" Count 0 1_000_000 SmallerButZero "contracts of one future";
    MaxRoundTrips1m max_round_trips_1m "max_round_trips_1m" Count 0 1_000_000 SmallerButZero "round trips ended in one instrument within a minute";
    LossStreakPauseMinutes loss_streak_pause_minutes "loss_streak_pause_minutes" Count 1 1_440 Larger "minutes of that pause";
}

impl LimitName {
    /// The limit of this name, with or without `limits.` before it.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase();
        let name = name.strip_prefix("limits.").unwrap_or(&name);
        Self::ALL.iter().copied().find(|known| known.as_str() == name)
    }

    /// True where zero switches it off.
    pub fn zero_is_off(self) -> bool {
        self.stricter() == Stricter::SmallerButZero
    }

    /// True where `value` allows more than `than`.
    pub fn is_looser(self, value: LimitValue, than: LimitValue) -> bool {
        let (value, than) = (value.measure(), than.measure());
        match self.stricter() {
            Stricter::Smaller | Stricter::No => value > than,
            Stricter::SmallerButZero => value != than && than != 0 && (value == 0 || value > than),
            Stricter::Larger | Stricter::Yes => value < than,
        }
    }

    /// The stricter of two values.
    #[must_use]
    pub fn stricter_of(self, a: LimitValue, b: LimitValue) -> LimitValue {
        if self.is_looser(a, b) { b } else { a }
    }

    /// Whether a value is in the limit's range.
    ///
    /// # Errors
    /// In words, with what would be right.
    pub fn check(self, value: LimitValue) -> Result<(), String> {
        let (least, most) = self.range();
        match value {
            LimitValue::Count(_) | LimitValue::Millis(_) => {
                let count = u64::try_from(value.measure()).unwrap_or(u64::MAX);
                if (least..=most).contains(&count) {
                    return Ok(());
                }
                Err(format!("{value} is out of range; {least} to {most}"))
            }
            LimitValue::Quantity(_) | LimitValue::Money(_) if least > 0 && value.measure() <= 0 => {
                Err("must be above zero".into())
            }
            LimitValue::Quantity(_) | LimitValue::Money(_) if value.measure() < 0 => {
                Err("must not be below zero".into())
            }
            _ => Ok(()),
        }
    }

    /// Reads a value as it stands in config.toml.
    ///
    /// # Errors
    /// It is none of this limit: in words, with an example.
    pub fn read(self, text: &str) -> Result<LimitValue, String> {
        let text = text.trim().replace('_', "");
        let bad = |example: &str| format!("{} is {example}, not '{}'", self.as_str(), text.escape_default());
        let value = match Limits::default().get(self) {
            LimitValue::Quantity(_) => text
                .parse()
                .map(LimitValue::Quantity)
                .map_err(|_| bad("a quantity such as 100")),
            LimitValue::Money(_) => text
                .parse()
                .map(LimitValue::Money)
                .map_err(|_| bad("an amount such as 5000")),
            LimitValue::Count(_) => text
                .parse()
                .map(LimitValue::Count)
                .map_err(|_| bad("a whole number such as 100")),
            LimitValue::Millis(_) => text
                .parse()
                .map(LimitValue::Millis)
                .map_err(|_| bad("milliseconds such as 500")),
            LimitValue::Flag(_) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Ok(LimitValue::Flag(true)),
                "false" | "no" | "off" => Ok(LimitValue::Flag(false)),
                _ => Err(bad("true or false")),
            },
        }?;
        self.check(value)
            .map_err(|what| format!("{}: {what}", self.as_str()))?;
        Ok(value)
    }
}
impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl LimitValue {
    /// The value as a number, to compare two of one limit.
    fn measure(self) -> i128 {
        match self {
            Self::Quantity(value) => value.raw().into(),
            Self::Money(value) => value.raw(),
            Self::Count(value) => value.into(),
            Self::Millis(value) => value.into(),
            Self::Flag(value) => value.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_the_loosest_where_it_means_off_and_the_larger_is_stricter_where_it_holds_back() {
        let looser =
            |name: LimitName, a: &str, b: &str| name.is_looser(name.read(a).unwrap(), name.read(b).unwrap());
        assert!(looser(LimitName::MaxGrossBps, "0", "20000"));
        assert!(!looser(LimitName::MaxGrossBps, "10000", "0"));
        assert!(looser(LimitName::MaxGrossBps, "20001", "20000"));
        assert!(looser(LimitName::DuplicateWindowMs, "0", "500"));
        assert!(looser(LimitName::MaxOrderValue, "1000001", "1_000_000"));
        assert!(looser(LimitName::AllowShort, "yes", "no") && looser(LimitName::KeepHours, "no", "yes"));
        for name in LimitName::ALL.iter().copied() {
            let default = Limits::default().get(name);
            assert!(!name.is_looser(default, default), "{name}");
            assert_eq!(name.check(default), Ok(()), "{name}");
            assert_eq!(LimitName::parse(name.key()), Some(name));
            assert_eq!(name.read(&default.to_string()), Ok(default), "{name}");
            assert!(Limits::default().set(name, default), "{name}");
        }
    }

    #[test]
    fn what_is_no_value_of_a_limit_is_refused_in_words() {
        for (name, text, says) in [
            (LimitName::MaxOrderValue, "0", "above zero"),
            (LimitName::MaxOrderValue, "NaN", "an amount such as"),
            (LimitName::MaxDailyLoss, "-1", "below zero"),
            (LimitName::MaxLiveOrders, "0", "1 to 10000"),
            (LimitName::DailyLossLockBps, "10001", "0 to 10000"),
            (LimitName::AllowShort, "2", "true or false"),
        ] {
            let error = name.read(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
