//! The ambassador programme.
