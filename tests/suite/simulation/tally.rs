//! What happened in a world, in numbers, and a hash of everything that could be observed.

use serde::Serialize;

/// Counts by name: variant of the struct, and how many seeds in a thousand must show it at least for the run to prove
/// anything of it.
macro_rules! tally {
    ($($(#[doc = $doc:literal])* $field:ident $least:literal;)*) => {
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Tally {
            $($(#[doc = $doc])* pub $field: u64,)*
            /// Processes that died as a flatten came to each of its steps.
            pub killed_in: [u64; 6],
            /// Of everything observable.
            pub trace: u64,
        }
        impl Tally {
            pub fn add(&mut self, other: &Self) {
                $(self.$field += other.$field;)*
                for (sum, more) in self.killed_in.iter_mut().zip(other.killed_in) {
                    *sum += more;
                }
            }
            /// What was to happen more often, of so many seeds.
            pub fn missing(&self, seeds: u64) -> Vec<String> {
                let rows = [$((stringify!($field), self.$field, $least),)*];
                let few = rows.iter().filter(|(_, count, least)| *count < seeds * least / 1_000);
                few.map(|(name, count, _)| format!("{name}: only {count}")).collect()
            }
        }
    };
}
tally! {
    events 1_000;
    deeds 1_000;
    executions 1_000;
    placed 1_000;
    uncertain 100;
    absent 30;
    lost 0;
    engine_crashes 300;
    unsynced_lost 30;
    venue_crashes 100;
    books_failed 30;
    cuts 300;
    half_open 50;
    away 50;
    dropped 500;
    repeated 500;
    short_reads 200;
    disk_full 20;
    disk_failed 10;
    clock_steps 20;
    sleeps 20;
    breaches 50;
    /// Orders that left because the one that they waited for had filled.
    chained 20;
    /// Exits of a part that stops gave way to.
    parts 20;
    stale_repeats 100;
    corrections 50;
    busts 10;
    late_fees 50;
    children 50;
    families 20;
    mad_orders 1_000;
    denied 100;
    flattened 20;
    /// Flattens that ended NOT FLAT.
    not_flat 0;
    accounts_flattened 10;
    /// Exits that left, and those of them in whose step a stop ended.
    exits 20;
    swaps 2;
    halts 100;
    /// Orders that were parked, and those of them that left.
    parked 20;
    unparked 2;
    withheld 20;
    replicas_compared 1_000;
    journals_recovered 10;
}

/// FNV-1a over everything observable, written as it happens.
#[derive(Clone, Copy, Debug)]
pub struct Trace(u64);

impl Default for Trace {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}
impl Trace {
    pub fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    pub fn add(&mut self, what: &impl Serialize) {
        rmp_serde::encode::write(&mut *self, what).unwrap();
    }
    pub fn value(self) -> u64 {
        self.0
    }
}
impl std::io::Write for Trace {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
