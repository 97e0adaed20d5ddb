//! What can go wrong in a world. Each seed switches a random part of it on (swarm testing): a fault that is always on hides
//! what only happens without it. A fault can be left out by name, to find which of them a failure needs.

use super::chance::Chance;

/// Names the faults once: variant, name, how many seeds in a thousand have it, and what it is.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $often:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($(#[doc = $doc])+ $variant,)* }
        impl Fault {
            pub const ALL: &[(Self, &str, u64)] = &[$((Self::$variant, $name, $often),)*];
        }
    };
}
faults! {
    /// Messages vanish.
    Drop "drop" 450;
    /// Messages come twice.
    Repeat "repeat" 450;
    /// Messages are late, and overtake each other.
    Delay "delay" 500;
    /// They are up to 45 seconds late.
    FarDelay "far-delay" 300;
    /// Each direction keeps its order, as TCP does: what is late holds up what comes behind it.
    InOrder "in-order" 250;
    /// The line is cut, told at once or after a silence.
    Cut "cut" 600;
    /// One direction is dead and the other is not.
    HalfOpen "half-open" 300;
    /// Part of the broker is away while it is connected, or away by plan.
    Away "away" 300;
    /// A commit of the journal takes up to six seconds.
    SlowDisk "slow-disk" 300;
    /// The engine's process dies at any moment; what is not synced is lost in part.
    Crash "crash" 500;
    /// It dies in the steps of a flatten.
    CrashInFlatten "crash-in-flatten" 400;
    /// The exchange's process dies.
    VenueCrash "venue-crash" 400;
    /// The exchange can't write its books for a while.
    BooksFail "books-fail" 300;
    /// The engine's disk is full for a while (ENOSPC).
    DiskFull "disk-full" 200;
    /// The engine's disk fails for a while (EIO).
    DiskFails "disk-fails" 200;
    /// Reads of the broker are cut short.
    ShortReads "short-reads" 400;
    /// The broker's list of executions lags behind what it holds.
    SlowBooks "slow-books" 250;
    /// Executions are told seconds after everything else, and after the cancel's acknowledgement too.
    LateFills "late-fills" 300;
    /// Old reports come once more, minutes later.
    StaleRepeats "stale-repeats" 300;
    /// Executions are corrected in price and quantity, and busted.
    Corrections "corrections" 350;
    /// Fees come late, or never.
    LateFees "late-fees" 350;
    /// Orders are made at the broker's own screens.
    Elsewhere "elsewhere" 500;
    /// The wall clock steps by minutes and hours, both ways.
    ClockSteps "clock-steps" 250;
    /// The machine sleeps.
    Suspend "suspend" 200;
    /// The broker has the habits of TWS: it counts orders, holds families and groups, and foreign orders are only shown.
    Tws "tws" 350;
    /// A program that has gone mad: a thousand orders a second.
    Mad "mad" 150;
    /// A tired person: everything twice, halts, flattens, cancels what just filled, changes the wrong way.
    Tired "tired" 400;
    /// A trading day ends on the way.
    Dusk "dusk" 200;
    /// The exchange's own traders are there.
    Crowd "crowd" 60;
    /// Limits that bind.
    Tight "tight" 300;
    /// The journal is a real file, and the process recovers from it.
    RealJournal "real-journal" 60;
    /// Every control of the account is in force, as it is without settings.
    Strict "strict" 150;
    /// People park what they may while the broker is away, and say the second word when they are asked.
    Park "park" 300;
    /// Limits that a price, a fee or somebody else breaches, each with what that does.
    Breached "breached" 200;
    /// People place orders that wait for another one.
    Chained "chained" 250;
    /// People close parts of what their own stops cover.
    Parts "parts" 300;
}

/// Which are switched on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Faults(u64);

impl Faults {
    /// Those of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::stream(seed, u64::MAX);
        let mut on = Self(0);
        for (fault, _, often) in Fault::ALL {
            if chance.permille(*often) {
                on.0 |= 1 << (*fault as u64);
            }
        }
        on
    }
    pub fn has(self, fault: Fault) -> bool {
        self.0 & (1 << (fault as u64)) != 0
    }
    pub fn without(self, fault: Fault) -> Self {
        Self(self.0 & !(1 << (fault as u64)))
    }
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL
            .iter()
            .map(|(fault, ..)| *fault)
            .filter(move |fault| self.has(*fault))
    }
    /// By their names, separated by commas; `none` for none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut on = Self(0);
        for name in text.split(',').filter(|name| !matches!(*name, "" | "none")) {
            let known = Fault::ALL.iter().find(|(_, known, _)| *known == name);
            let (fault, ..) = known.ok_or_else(|| format!("no fault is called {name}"))?;
            on.0 |= 1 << (*fault as u64);
        }
        Ok(on)
    }
}

impl std::fmt::Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = Fault::ALL
            .iter()
            .filter(|(fault, ..)| self.has(*fault))
            .map(|(_, name, _)| *name)
            .collect();
        f.write_str(if names.is_empty() { "none" } else { "" })?;
        f.write_str(&names.join(","))
    }
}
impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}
