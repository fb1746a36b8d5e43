//! Ids in order, page after page.
//!
//! A segment never changes but for what is deleted from it, so its documents are sorted by id once and kept as long as
//! it is part of the index: four bytes a document. A page then costs a search in each segment, and commits meanwhile
//! cost no more than their own segments.

use std::collections::HashMap;

use tantivy::{DocId, Searcher, SegmentReader, TantivyError, columnar::Column, index::SegmentId};

/// The documents of segments, sorted.
#[derive(Default)]
pub(super) struct Listing {
    orders: HashMap<(SegmentId, &'static str), Vec<DocId>>,
}

impl Listing {
    /// The lowest ids above one, ascending.
    pub(super) fn page(
        &mut self,
        searcher: &Searcher,
        field: &'static str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<i64>, TantivyError> {
        let segments = searcher.segment_readers();
        self.orders.retain(|(id, _), _| segments.iter().any(|segment| segment.segment_id() == *id));
        let mut ids = Vec::new();
        for segment in segments {
            let column = segment.fast_fields().i64(field)?;
            let id_of = |doc: &DocId| column.first(*doc).unwrap_or(i64::MIN);
            let order =
                self.orders.entry((segment.segment_id(), field)).or_insert_with(|| sorted(segment, &column));
            let from = order.partition_point(|doc| id_of(doc) <= after);
            let rest = order.get(from..).unwrap_or_default().iter();
            ids.extend(rest.filter(|doc| !segment.is_deleted(**doc)).take(limit).map(id_of));
        }
        ids.sort_unstable();
        ids.truncate(limit);
        Ok(ids)
    }
}

/// The documents that have the field, by its value.
fn sorted(segment: &SegmentReader, column: &Column<i64>) -> Vec<DocId> {
    let mut docs: Vec<DocId> = (0..segment.max_doc()).filter(|doc| column.first(*doc).is_some()).collect();
    docs.sort_by_cached_key(|doc| column.first(*doc));
    docs
}
