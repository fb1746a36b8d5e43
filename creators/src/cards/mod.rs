//! Profit cards.
