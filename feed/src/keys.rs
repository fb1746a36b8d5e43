//! Every Redis key, with its type and lifetime.
//!
//! | key | type | what | lives |
//! | --- | --- | --- | --- |
//! | `{p}tl:{reader}` | string | packed timeline, see `timeline` | 13 days after the last read |
//! | `{p}rb:{reader}` | string | who rebuilds that timeline now | 10 s |
//! | `{p}chg` | string | `epoch:number` of the last published change | for ever |
//! | `{p}vt:{viewer}` | string | random token, renewed by each act of the viewer | 13 days |
//! | `{p}bd:{epoch}:{ticker}:id` | sorted set | a board by id | 13 days |
//! | `{p}bd:{epoch}:{ticker}:top` | sorted set | the same posts by score | 13 days |
//! | `{p}bd:{epoch}:{ticker}:ok` | string | floor of a complete board, or a builder's token | 13 days or 10 s |
//! | `{p}snap:{name}` | string | frozen list of ids, 8 bytes each | 15 minutes |
//! | `{p}live` | channel | published posts | |

use madang_core::ids::{TickerId, UserId};

/// Makes keys with the deployment's prefix.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// All keys begin with `prefix`.
    pub const fn new(prefix: String) -> Self {
        Self { prefix }
    }

    pub(crate) fn timeline(&self, reader: i64) -> String {
        // Made for every delivery, so without the machinery of format!.
        let mut number = itoa::Buffer::new();
        [self.prefix.as_str(), "tl:", number.format(reader)].concat()
    }

    pub(crate) fn rebuild_lock(&self, reader: UserId) -> String {
        format!("{}rb:{reader}", self.prefix)
    }

    pub(crate) fn change(&self) -> String {
        format!("{}chg", self.prefix)
    }

    pub(crate) fn viewer_token(&self, viewer: UserId) -> String {
        format!("{}vt:{viewer}", self.prefix)
    }

    /// The three keys of a board share a slot.
    pub(crate) fn board(&self, epoch: i32, ticker: TickerId) -> [String; 3] {
        let base = format!("{}bd:{epoch}:{{{}}}", self.prefix, ticker.get());
        [format!("{base}:id"), format!("{base}:top"), format!("{base}:ok")]
    }

    pub(crate) fn snapshot(&self, name: &str) -> String {
        format!("{}snap:{name}", self.prefix)
    }

    pub(crate) fn live(&self) -> String {
        format!("{}live", self.prefix)
    }
}
