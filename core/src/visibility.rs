//! Who may see what: one table of state × viewer × surface, used by every surface.

/// What became of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PostState {
    /// As published.
    Visible,
    /// Kept out of ranking, search and recommendation.
    Limited,
    /// Hidden by the rule until somebody looks.
    AutoBlocked,
    /// Taken down by a moderator.
    Removed,
    /// Under a temporary measure on a rights claim.
    TempMeasure,
    /// Held at submission, seen by nobody yet.
    Held,
    /// Deleted by its author; leaves a tombstone.
    Deleted,
}

impl PostState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Visible,
        Self::Limited,
        Self::AutoBlocked,
        Self::Removed,
        Self::TempMeasure,
        Self::Held,
        Self::Deleted,
    ];

    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Limited => "limited",
            Self::AutoBlocked => "auto_blocked",
            Self::Removed => "removed",
            Self::TempMeasure => "temporary_measure",
            Self::Held => "held",
            Self::Deleted => "deleted",
        }
    }

    /// To the column `moderation_state`; a deletion stands in a column of its own.
    pub const fn column(self) -> i16 {
        match self {
            Self::Visible | Self::Deleted => 0,
            Self::Limited => 1,
            Self::AutoBlocked => 2,
            Self::Removed => 3,
            Self::TempMeasure => 4,
            Self::Held => 5,
        }
    }

    /// From the columns `moderation_state` and `deleted_at`.
    pub const fn from_columns(moderation_state: i16, deleted: bool) -> Self {
        match (deleted, moderation_state) {
            (true, _) => Self::Deleted,
            (_, 0) => Self::Visible,
            (_, 1) => Self::Limited,
            (_, 2) => Self::AutoBlocked,
            (_, 4) => Self::TempMeasure,
            (_, 5) => Self::Held,
            // 3, and whatever a newer release may add: not shown
            _ => Self::Removed,
        }
    }
}

/// Who looks, as seen from the post's author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Onlooker {
    /// Nobody logged in.
    Anonymous,
    /// Somebody logged in.
    Other,
    /// The author.
    Author,
    /// Either side blocked the other.
    Blocked,
    /// A moderator or admin; user blocks do not bind them.
    Staff,
}

impl Onlooker {
    /// All kinds of onlookers.
    pub const ALL: [Self; 5] = [Self::Anonymous, Self::Other, Self::Author, Self::Blocked, Self::Staff];
}

/// Where it would appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surface {
    /// Home, boards, watchlist, trending, search, live, notifications, RSS.
    Feed,
    /// The author's own list.
    Profile,
    /// The list of posts one marked.
    Bookmarks,
    /// Among the replies of a thread.
    Thread,
    /// Inside a quote.
    Quote,
    /// Asked for by id.
    Direct,
}

impl Surface {
    /// All surfaces.
    pub const ALL: [Self; 6] =
        [Self::Feed, Self::Profile, Self::Bookmarks, Self::Thread, Self::Quote, Self::Direct];
}

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sight {
    /// The post.
    Show,
    /// That something was here, without text and author.
    Placeholder,
    /// Nothing, not even that it exists.
    Hide,
}

/// The table.
pub const fn sight(state: PostState, onlooker: Onlooker, surface: Surface) -> Sight {
    use Onlooker as O;
    use PostState as P;
    use Surface as S;
    match (state, onlooker, surface) {
        (P::Deleted, O::Blocked, S::Direct) => Sight::Hide,
        (P::Deleted, _, S::Thread | S::Quote | S::Direct) => Sight::Placeholder,
        (P::Deleted, _, _) => Sight::Hide,
        (_, O::Blocked, S::Thread | S::Quote) => Sight::Placeholder,
        (_, O::Blocked, _) => Sight::Hide,
        (P::Visible, _, _) => Sight::Show,
        // The author sees their own on their own page, with the notice.
        (_, O::Author, S::Profile | S::Direct) => Sight::Show,
        (_, O::Staff, S::Direct | S::Thread | S::Profile) => Sight::Show,
        // Limited: own page and profile only, behind a notice.
        (P::Limited, _, S::Profile | S::Direct) => Sight::Show,
        (_, _, S::Thread | S::Quote) => Sight::Placeholder,
        (_, _, _) => Sight::Hide,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_show_visible_posts_only_and_never_across_a_block() {
        for state in PostState::ALL {
            for onlooker in Onlooker::ALL {
                let shows = sight(state, onlooker, Surface::Feed) == Sight::Show;
                assert_eq!(
                    shows,
                    state == PostState::Visible && onlooker != Onlooker::Blocked,
                    "{state:?} {onlooker:?}"
                );
            }
        }
    }

    #[test]
    fn a_blocked_onlooker_is_shown_nothing_anywhere() {
        for state in PostState::ALL {
            for surface in Surface::ALL {
                assert_ne!(sight(state, Onlooker::Blocked, surface), Sight::Show, "{state:?} {surface:?}");
            }
        }
    }

    #[test]
    fn hidden_posts_show_to_their_author_and_to_staff_on_request_only() {
        for state in [PostState::AutoBlocked, PostState::Removed, PostState::TempMeasure, PostState::Held] {
            assert_eq!(sight(state, Onlooker::Author, Surface::Direct), Sight::Show);
            assert_eq!(sight(state, Onlooker::Staff, Surface::Direct), Sight::Show);
            for onlooker in [Onlooker::Anonymous, Onlooker::Other] {
                for surface in Surface::ALL {
                    assert_ne!(sight(state, onlooker, surface), Sight::Show, "{state:?} {surface:?}");
                }
            }
        }
    }
}
