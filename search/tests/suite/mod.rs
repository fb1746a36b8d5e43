//! The contract of an index of posts and people, a function for each sentence. Every backend runs all of them, each
//! with an index of its own that was just built and is empty: see `contract!`.
//!
//! What a backend cannot do is a flag in `Abilities`, with the reason; the sentence then holds without that part.

#![expect(unreachable_pub, reason = "shared by several test programs")]

pub mod building;
pub mod people;
pub mod posts;
pub mod ranking;

use std::any::Any;

use madang_core::ids::{PostId, TickerId, UserId};
use madang_search::{
    SearchIndex,
    documents::{Batch, Mark, PersonDoc, PostDoc},
    query::{PeopleQuery, PostFilter, PostQuery, Words},
};

/// What not every backend can do.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    /// Finds a word inside another, as 실적 in 삼성전자실적; what splits Korean by a dictionary depends on that.
    pub inside_words: bool,
    /// Finds one wrong letter in a Korean word of any length from two syllables.
    pub korean_typos: bool,
    /// Finds posts by most of many words.
    pub most_words: bool,
    /// Orders equal matches of a person by followers.
    pub followers: bool,
}

impl Abilities {
    /// All.
    pub const ALL: Self = Self { inside_words: true, korean_typos: true, most_words: true, followers: true };
}

/// An index for one test, and what must live as long.
pub struct Fresh {
    /// The index.
    pub index: SearchIndex,
    /// The database it is made from.
    pub database: String,
    /// What it can do.
    pub abilities: Abilities,
    /// Dropped last.
    pub _keep: Box<dyn Any + Send + Sync>,
}

impl Fresh {
    /// Builds an empty index that answers, and leads.
    pub async fn built(self) -> Self {
        self.index.begin_build(self.mark(0), false).await.unwrap();
        self.index.finish_build().await.unwrap();
        assert!(self.index.lead().await.unwrap());
        self
    }

    /// A mark of its database.
    pub fn mark(&self, position: i64) -> Mark {
        Mark { database: self.database.clone(), position, building: None }
    }

    /// Takes a batch in, on from wherever it stands.
    pub async fn apply(&self, batch: Batch, position: i64) {
        let from = self.index.mark().await.unwrap().unwrap().position;
        self.index.apply(batch, from, self.mark(position)).await.unwrap();
    }

    /// Takes posts in.
    pub async fn post(&self, posts: Vec<PostDoc>) {
        self.apply(Batch { posts, ..Batch::default() }, 1).await;
    }

    /// Takes people in.
    pub async fn join(&self, people: Vec<PersonDoc>) {
        self.apply(Batch { people, ..Batch::default() }, 1).await;
    }

    /// Posts found by what was typed.
    pub async fn find(&self, text: &str) -> Vec<i64> {
        self.find_where(text, PostFilter::default()).await
    }

    /// Posts found by what was typed that pass a filter.
    pub async fn find_where(&self, text: &str, filter: PostFilter) -> Vec<i64> {
        self.ask(PostQuery { words: typed(text), filter, limit: 100 }).await
    }

    /// Posts found.
    pub async fn ask(&self, query: PostQuery) -> Vec<i64> {
        self.index.posts(&query).await.unwrap().into_iter().map(PostId::get).collect()
    }

    /// People found by what was typed.
    pub async fn meet(&self, text: &str) -> Vec<i64> {
        self.index
            .people(&PeopleQuery { words: typed(text), verified: false, limit: 100 })
            .await
            .unwrap()
            .into_iter()
            .map(UserId::get)
            .collect()
    }
}

/// A post; more is set where a test needs it.
pub fn post(id: i64, body: &str) -> PostDoc {
    PostDoc {
        id: PostId::new(id),
        body: body.into(),
        tickers: Vec::new(),
        ticker_names: Vec::new(),
        author: UserId::new(1),
        verified: false,
        stance: 0,
        created_at: 1_700_000_000 + id,
        rank: 437_695_200,
    }
}

/// A person; more is set where a test needs it.
pub fn person(id: i64, handle: &str, name: &str) -> PersonDoc {
    PersonDoc { id: UserId::new(id), handle: handle.into(), name: name.into(), verified: false, followers: 0 }
}

/// What was typed, naming no instruments.
pub fn typed(text: &str) -> Words {
    Words::parse(text, &|_| Vec::new())
}

/// What was typed, one word of it naming an instrument.
pub fn naming(text: &str, ticker: i32) -> Words {
    Words::parse(text, &|name| if name == text { vec![TickerId::new(ticker)] } else { Vec::new() })
}

/// What was typed, a name in it that of an instrument.
pub fn naming_among(text: &str, known: &str, ticker: i32) -> Words {
    Words::parse(text, &|name| if name == known { vec![TickerId::new(ticker)] } else { Vec::new() })
}

/// In any order.
pub fn sorted(mut ids: Vec<i64>) -> Vec<i64> {
    ids.sort_unstable();
    ids
}

/// Makes a test of each sentence. `$fresh` makes an index; `None` skips the test.
#[macro_export]
macro_rules! contract {
    ($fresh:path) => {
        $crate::contract!(@ $fresh, posts: a_post_is_found_by_its_words_once_it_was_taken_in
            a_post_put_in_anew_is_found_by_its_new_words_only
            a_post_taken_out_is_not_found
            a_post_in_both_lists_is_in
            spacing_does_not_matter_in_korean
            particles_do_not_hide_a_word
            compounds_are_found_by_their_parts
            mixed_words_stay_whole
            one_syllable_is_a_word
            wide_letters_and_capitals_do_not_matter
            a_word_still_being_typed_is_found_by_its_beginning
            a_mistyped_word_is_found_when_nothing_else_is
            another_digit_is_another_thing
            half_a_sentence_finds_it
            a_name_of_an_instrument_finds_posts_about_it
            a_nickname_of_today_finds_posts_of_before_it
            a_search_of_many_long_words_ends
            a_quote_is_found_as_it_stands
            every_filter_holds_alone_and_with_the_others
            among_nobody_is_nothing
            among_thousands_is_exact
            nothing_to_look_for_finds_nothing
            long_and_hostile_text_is_only_text
            any_row_of_fragments_can_be_asked
            ids_of_posts_are_listed_in_order);
        $crate::contract!(@ $fresh, ranking: all_words_come_before_some
            a_whole_word_comes_before_a_part_of_one
            words_side_by_side_come_before_words_apart
            of_equal_matches_the_higher_rank_comes_first
            a_clearly_better_match_beats_a_week
            equals_stand_in_the_same_order_each_time
            no_more_than_the_limit_and_the_best_of_them);
        $crate::contract!(@ $fresh, people: a_person_is_found_by_handle_and_name
            the_exact_handle_comes_first_then_the_name_then_beginnings
            a_person_is_found_by_initial_consonants
            a_name_with_a_wrong_letter_is_found
            spaces_do_not_matter_in_names
            of_equals_who_has_more_followers_comes_first
            only_people_who_were_checked_where_asked
            a_renamed_person_is_found_by_the_new_name_only_and_one_who_left_not
            ids_of_people_are_listed_in_order
            posts_and_people_do_not_mix);
        $crate::contract!(@ $fresh, building: the_mark_comes_back_as_it_was_stored
            another_index_is_built_beside_the_one_that_answers
            building_goes_on_where_it_stopped
            a_new_index_replaces_the_old_one_and_can_be_written_to
            an_empty_batch_moves_the_mark
            a_batch_goes_on_from_where_the_index_is_or_not_at_all
            a_build_begun_anew_has_nothing_of_the_one_before);
    };
    (@ $fresh:path, $module:ident: $($name:ident)+) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(fresh) = $fresh().await {
                    $crate::suite::$module::$name(&fresh.built().await).await;
                }
            })+
        }
    };
}
