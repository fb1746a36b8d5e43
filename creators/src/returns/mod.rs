//! Returns: pure functions, no clock and no database.
