//! An end to searches: what has been found by a time is what there is.

use std::time::Instant;

use tantivy::{
    DocSet as _, Score, SegmentOrdinal, SegmentReader, TERMINATED, TantivyError,
    collector::{Collector, SegmentCollector},
    query::Weight,
    schema::Schema,
};

/// Documents between looks at the clock.
const LOOK: u32 = 256;

/// Collects until a time, nothing after it.
pub(super) struct Until<C> {
    /// What collects.
    pub(super) inner: C,
    /// When it ends.
    pub(super) end: Instant,
}

impl<C: Collector> Collector for Until<C> {
    type Fruit = C::Fruit;
    type Child = C::Child;

    fn check_schema(&self, schema: &Schema) -> Result<(), TantivyError> {
        self.inner.check_schema(schema)
    }

    fn for_segment(&self, number: SegmentOrdinal, segment: &SegmentReader) -> Result<C::Child, TantivyError> {
        self.inner.for_segment(number, segment)
    }

    fn requires_scoring(&self) -> bool {
        self.inner.requires_scoring()
    }

    fn merge_fruits(
        &self,
        fruits: Vec<<C::Child as SegmentCollector>::Fruit>,
    ) -> Result<C::Fruit, TantivyError> {
        self.inner.merge_fruits(fruits)
    }

    fn collect_segment(
        &self,
        weight: &dyn Weight,
        number: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> Result<<C::Child as SegmentCollector>::Fruit, TantivyError> {
        let mut child = self.inner.for_segment(number, segment)?;
        if Instant::now() >= self.end {
            return Ok(child.harvest());
        }
        let unscored: Score = 0.0;
        let mut scorer = weight.scorer(segment, 1.0)?;
        let (mut doc, mut seen) = (scorer.doc(), 0_u32);
        while doc != TERMINATED {
            if !segment.is_deleted(doc) {
                let score = if self.requires_scoring() { scorer.score() } else { unscored };
                child.collect(doc, score);
            }
            seen = seen.wrapping_add(1);
            if seen.is_multiple_of(LOOK) && Instant::now() >= self.end {
                break;
            }
            doc = scorer.advance();
        }
        Ok(child.harvest())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::time::Duration;

    use tantivy::{
        Index, IndexWriter, TantivyDocument,
        collector::Count,
        query::AllQuery,
        schema::{STRING, Schema},
    };

    use super::*;

    #[test]
    fn after_its_end_nothing_is_collected_and_before_it_all_that_is_not_deleted() {
        let mut schema = Schema::builder();
        let field = schema.add_text_field("text", STRING);
        let index = Index::create_in_ram(schema.build());
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
        for number in 0..1_000 {
            let mut document = TantivyDocument::default();
            document.add_text(field, (number % 10).to_string());
            writer.add_document(document).unwrap();
        }
        writer.commit().unwrap();
        writer.delete_term(tantivy::Term::from_field_text(field, "3"));
        writer.commit().unwrap();
        let searcher = index.reader().unwrap().searcher();
        let count = |end| searcher.search(&AllQuery, &Until { inner: Count, end }).unwrap();
        let now = Instant::now();
        assert_eq!(count(now + Duration::from_secs(600)), 900);
        assert_eq!(count(now), 0);
    }
}
