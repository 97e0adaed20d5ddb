//! One file a pane. Each draws itself at any size from what a [`View`](super::pane::View) shows, says `--` for what is not
//! known, and answers actions with wishes; sending, asking and the title line are the frame's.

pub mod account;
pub mod activity;
pub mod alerts;
pub mod chart;
pub mod connections;
pub mod curve;
pub mod depth;
pub mod depth_chart;
pub mod detail;
pub mod differences;
pub mod executions;
#[cfg(test)]
pub mod fixture;
pub mod log;
pub mod orders;
pub mod overview;
pub(super) mod pages;
pub mod positions;
pub(super) mod read;
pub mod risk;
pub mod tape;
#[cfg(test)]
mod tests;
pub mod watchlist;

pub use account::AccountPane;
pub use activity::Activity;
pub use alerts::AlertsPane;
pub use chart::Chart;
pub use connections::Connections;
pub use curve::CurvePane;
pub use depth::DepthPane;
pub use depth_chart::DepthChart;
pub use detail::PositionDetail;
pub use differences::Differences;
pub use executions::Executions;
pub use log::LogPane;
pub use orders::Orders;
pub use overview::Overview;
pub use positions::Positions;
pub use risk::{AtRisk, CorrelationPane, ExposurePane, LimitsPane};
pub use tape::TapePane;
pub use watchlist::Watchlist;
