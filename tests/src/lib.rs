//! What the whole-service tests share: the built executable as a child process with stores of its own, a
//! client that keeps the whole answer, a proxy that can be severed, and waiting for a condition.
//!
//! Environment: `DATABASE_URL` (a role that may create databases), `REDIS_URL`, and `MADANG_BIN` for the
//! executable, by default the one built beside the tests.

pub mod beside;
pub mod broker;
pub mod client;
pub mod database;
pub mod proxy;
pub mod redis;
pub mod schema;
pub mod server;
pub mod trials;
pub mod wait;

pub use beside::Beside;
pub use broker::Broker;
pub use client::{Answer, Api, PASSWORD};
pub use server::{Service, Setup, Shared};
pub use trials::trials;
pub use wait::{all, until};
