//! The two rule books. `Reference` is the plain one that independent engines agree on; `Desk` is what people
//! trade on here and differs from it by the rows of [`DESK_DIFFERENCES`] and by nothing else.
//!
//! Self-trade prevention pulls the *resting* order. The newer order says what its owner wants now, and it may
//! be an elected protective stop: losing that to a forgotten limit order of one's own would be the costlier
//! surprise. Auctions, when there are some, will be a phase of the book and not a profile.

/// Which rule book a book follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The reference rules.
    #[default]
    Reference,
    /// The reference rules with [`DESK_DIFFERENCES`].
    Desk,
}

impl Profile {
    /// Whether pending stops can be changed.
    pub(super) const fn pending_modifiable(self) -> bool {
        matches!(self, Self::Desk)
    }

    /// Whether an owner's orders are kept from trading with each other.
    pub(super) const fn prevents_self_trade(self) -> bool {
        matches!(self, Self::Desk)
    }
}

/// One way in which the profile desk differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Short name; a test of this name proves the row.
    pub name: &'static str,
    /// What the reference does.
    pub reference: &'static str,
    /// What the desk does.
    pub desk: &'static str,
}

/// Every difference between the profiles.
pub const DESK_DIFFERENCES: [Difference; 5] = [
    Difference {
        name: "pending_stop_modify",
        reference: "a pending stop cannot be modified (not_modifiable)",
        desk: "size, stop and limit price of a pending stop can be modified; it keeps its rank of acceptance",
    },
    Difference {
        name: "modified_stop_elects",
        reference: "a stop is compared with the last print only when it is accepted",
        desk: "a modified stop that the last print already satisfies is elected at once",
    },
    Difference {
        name: "self_trade_pulls_resting",
        reference: "orders of one owner trade with each other",
        desk: "a resting order that would be next to trade with its owner's newer order is pulled (self_trade)",
    },
    Difference {
        name: "self_trade_pro_rata",
        reference: "an owner's resting orders share in a pro-rata allocation against the owner",
        desk: "the owner's orders at a level are pulled before that level is allocated",
    },
    Difference {
        name: "fok_counts_others",
        reference: "a fill-or-kill order counts every order at acceptable prices",
        desk: "a fill-or-kill order does not count its owner's own orders",
    },
];
