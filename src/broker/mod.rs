//! One folder an adapter. Each turns the engine's requests into a broker's own words and what the broker says into
//! `BrokerEvent`s; none of them decides anything. Today: the exchange in the box.

pub mod sim;
