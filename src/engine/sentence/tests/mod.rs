//! What sentences mean, what is refused and where, and what they come to on a state and a market.

mod meaning;
mod wording;
