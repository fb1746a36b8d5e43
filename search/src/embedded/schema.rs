//! The fields of the embedded index. Posts and people share one index; nothing is kept of them but what is looked for.
//!
//! | field | of | holds |
//! |---|---|---|
//! | `key` | both | `p<id>` or `u<id>`, to replace and remove |
//! | `post`, `person` | one each | the id, read back |
//! | `body` | posts | units of the text, with positions |
//! | `word` | posts | words of the text in single letters |
//! | `ticker`, `author`, `stance`, `verified`, `created`, `rank` | posts (`verified` both) | filters and order |
//! | `handle`, `name`, `part`, `initials` | people | whole handle and name, words of the name, initial consonants |
//! | `called` | people | units of name and handle, with positions |
//! | `followers` | people | order |

use tantivy::{
    Index, TantivyDocument, TantivyError, Term,
    schema::{
        FAST, Field, INDEXED, IndexRecordOption, NumericOptions, STRING, Schema, TextFieldIndexing,
        TextOptions,
    },
};

use super::analysis::{Analyzer, fold, squeeze, words};
use crate::{
    documents::{PersonDoc, PostDoc},
    hangul::{initials, jamo},
};

/// Raised with each change of the fields or of how texts are taken apart. An index of an older format counts as none
/// and is replaced; one of a newer format is left alone.
pub(super) const FORMAT: u32 = 1;

/// Fields of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) key: Field,
    pub(super) post: Field,
    pub(super) person: Field,
    pub(super) body: Field,
    pub(super) word: Field,
    pub(super) ticker: Field,
    pub(super) author: Field,
    pub(super) stance: Field,
    pub(super) verified: Field,
    pub(super) created: Field,
    pub(super) rank: Field,
    pub(super) handle: Field,
    pub(super) name: Field,
    pub(super) part: Field,
    pub(super) initials: Field,
    pub(super) called: Field,
    pub(super) followers: Field,
}

fn text(tokenizer: &str, option: IndexRecordOption, norms: bool) -> TextOptions {
    let indexing =
        TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(option).set_fieldnorms(norms);
    TextOptions::default().set_indexing_options(indexing)
}

/// The schema, and its fields.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let positions = IndexRecordOption::WithFreqsAndPositions;
    let filter = || NumericOptions::default().set_indexed();
    let fields = Fields {
        key: builder.add_text_field("key", STRING),
        post: builder.add_i64_field("post", FAST),
        person: builder.add_i64_field("person", FAST),
        body: builder.add_text_field("body", text("units", positions, true)),
        word: builder.add_text_field("word", text("words", IndexRecordOption::Basic, false)),
        ticker: builder.add_i64_field("ticker", filter()),
        author: builder.add_i64_field("author", filter()),
        stance: builder.add_i64_field("stance", filter()),
        verified: builder.add_bool_field("verified", INDEXED),
        created: builder.add_i64_field("created", FAST),
        rank: builder.add_i64_field("rank", FAST),
        handle: builder.add_text_field("handle", STRING),
        name: builder.add_text_field("name", STRING),
        part: builder.add_text_field("part", STRING),
        initials: builder.add_text_field("initials", STRING),
        called: builder.add_text_field("called", text("units", positions, false)),
        followers: builder.add_i64_field("followers", FAST),
    };
    (builder.build(), fields)
}

/// Gives an index that was opened its tokenizers, and returns its fields; an error where it has other fields.
pub(super) fn prepare(index: &Index) -> Result<Fields, TantivyError> {
    let (schema, fields) = schema();
    if index.schema() != schema {
        return Err(TantivyError::SchemaError("other fields".into()));
    }
    index.tokenizers().register("units", Analyzer::Units);
    index.tokenizers().register("words", Analyzer::Words);
    Ok(fields)
}

impl Fields {
    /// The term that stands for a post.
    pub(super) fn post_key(&self, id: i64) -> Term {
        Term::from_field_text(self.key, &format!("p{id}"))
    }

    /// The term that stands for a person.
    pub(super) fn person_key(&self, id: i64) -> Term {
        Term::from_field_text(self.key, &format!("u{id}"))
    }

    /// A post as the index takes it.
    pub(super) fn post_document(&self, post: &PostDoc) -> TantivyDocument {
        let mut doc = TantivyDocument::default();
        doc.add_text(self.key, format!("p{}", post.id));
        doc.add_i64(self.post, post.id.get());
        doc.add_text(self.body, &post.body);
        doc.add_text(self.word, &post.body);
        for ticker in &post.tickers {
            doc.add_i64(self.ticker, ticker.get().into());
        }
        doc.add_i64(self.author, post.author.get());
        doc.add_i64(self.stance, post.stance.into());
        doc.add_bool(self.verified, post.verified);
        doc.add_i64(self.created, post.created_at);
        doc.add_i64(self.rank, post.rank);
        doc
    }

    /// A person as the index takes them.
    pub(super) fn person_document(&self, person: &PersonDoc) -> TantivyDocument {
        let mut doc = TantivyDocument::default();
        let name = squeeze(&person.name);
        doc.add_text(self.key, format!("u{}", person.id));
        doc.add_i64(self.person, person.id.get());
        doc.add_text(self.handle, jamo(&squeeze(&person.handle)));
        doc.add_text(self.name, jamo(&name));
        for part in words(&fold(&person.name)) {
            doc.add_text(self.part, part);
        }
        doc.add_text(self.initials, initials(&name));
        doc.add_text(self.called, name);
        doc.add_text(self.called, squeeze(&person.handle));
        doc.add_bool(self.verified, person.verified);
        doc.add_i64(self.followers, person.followers.into());
        doc
    }
}
