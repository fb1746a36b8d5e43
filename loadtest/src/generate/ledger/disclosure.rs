//! What people agreed to show. Those with something to show agree more often.

use super::Account;
use super::floor::{Floor, RATIO};
use super::shape::Shape;
use crate::generate::dice::{Dice, Purpose};

/// Accounts that disclose, in hundredths.
const DISCLOSING_PERCENT: usize = 70;
/// Winners and gamblers who do, in thousandths.
const PROUD_PERMILLE: u64 = 900;
/// Days before the end in which people agreed.
const DAYS: u64 = 200;
/// How many show amounts.
const WITH_AMOUNTS: usize = 2;

/// One person's consent for the whole account or one share.
#[derive(Clone, Copy)]
pub(crate) struct Disclosure {
    pub(super) author: u32,
    /// By position in the market; `None` is the whole account.
    pub(super) listing: Option<usize>,
    pub(super) holdings: bool,
    /// Market days after which trades are shown.
    pub(super) trade_delay: Option<u8>,
    pub(super) amounts: bool,
    /// Unix seconds.
    pub(super) granted_at: i64,
}

/// The disclosures of `accounts`. Half show holdings, a quarter trades, one in ten single shares only.
pub(super) fn draw(seed: u64, floor: &Floor, accounts: &[Account]) -> Vec<Disclosure> {
    let mut dice = Dice::new(seed, Purpose::Disclosures, 0);
    let mut disclosures = Vec::new();
    for (turn, account) in disclosing(&mut dice, accounts).into_iter().enumerate() {
        let whole = Disclosure {
            author: account.author,
            listing: None,
            holdings: turn % 2 == 0,
            trade_delay: match account.shape {
                // Whose words and deeds differ is seen of those only who show their trades.
                Shape::WordBreaker => Some(1),
                _ => [0, 1, 20].get(turn / 4 % 3).copied().filter(|_| turn % 4 == 2),
            },
            amounts: turn / 4 < WITH_AMOUNTS && turn % 4 == 2,
            granted_at: granted_at(&mut dice, floor, account),
        };
        // A first cherry-picker shows the one share; that is what picking is.
        let picks = account.shape == Shape::CherryPicker && turn == 0;
        if picks || (turn % 10 == 9 && account.shape != Shape::WordBreaker) {
            let shares = shares(floor, account, if picks { 1 } else { 2 });
            disclosures
                .extend(shares.into_iter().map(|listing| Disclosure { listing: Some(listing), ..whole }));
        } else {
            disclosures.push(whole);
        }
    }
    disclosures
}

/// Those who disclose: cherry-pickers and word-breakers all, the proud mostly, of the others as many as are wanted.
fn disclosing<'a>(dice: &mut Dice, accounts: &'a [Account]) -> Vec<&'a Account> {
    let wanted = accounts.len() * DISCLOSING_PERCENT / 100;
    let mut ranked: Vec<(u64, &Account)> = accounts
        .iter()
        .map(|account| {
            let rank = match account.shape {
                Shape::CherryPicker => 0,
                Shape::WordBreaker => 1,
                Shape::Skilled | Shape::Lucky if dice.chance(PROUD_PERMILLE) => 2,
                Shape::Skilled | Shape::Lucky => 4,
                _ => 3,
            };
            (rank << 32 | dice.below(1 << 32), account)
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut chosen: Vec<&Account> = ranked.into_iter().take(wanted).map(|(_, account)| account).collect();
    // So that what is shown goes with no shape; the flagged stay in front.
    let flagged = |account: &&Account| matches!(account.shape, Shape::CherryPicker | Shape::WordBreaker);
    let front = chosen.iter().filter(|account| flagged(account)).count();
    if let Some(others) = chosen.get_mut(front..) {
        dice.shuffle(others);
    }
    chosen
}

/// After the first entry and before the last price.
fn granted_at(dice: &mut Dice, floor: &Floor, account: &Account) -> i64 {
    let last = floor.at(0, floor.span.saturating_sub(1), 0).unwrap_or(0);
    let first = account.entries.first().map_or(last, |entry| entry.at).min(last);
    let back = dice.below(DAYS * 86_400).cast_signed();
    (last - back).max(first + 60)
}

/// The shares that did best for the account, by what came out of them over what went in.
fn shares(floor: &Floor, account: &Account, most: usize) -> Vec<usize> {
    let mut listings: Vec<usize> = account.entries.iter().filter_map(|entry| entry.listing).collect();
    listings.sort_unstable();
    listings.dedup();
    listings.sort_by_key(|listing| -gain_permille(floor, account, *listing));
    listings.truncate(most);
    listings
}

fn gain_permille(floor: &Floor, account: &Account, listing: usize) -> i64 {
    use super::book::{Kind, PARTS};
    let (mut paid, mut got, mut held) = (0, 0, 0);
    for entry in account.entries.iter().filter(|entry| entry.listing == Some(listing)) {
        let worth = entry.quantity / 100 * entry.price / (PARTS / 100);
        match entry.kind {
            Kind::Buy | Kind::SharesIn => (paid, held) = (paid + worth, held + entry.quantity),
            Kind::Sell | Kind::SharesOut => (got, held) = (got + worth, held - entry.quantity),
            Kind::Split => held *= RATIO,
            _ => {}
        }
    }
    let last = floor.bar(listing, floor.span.saturating_sub(1)).map_or(0, |bar| bar.close);
    (got + held / 100 * last / (PARTS / 100) - paid) * 1_000 / paid.max(1)
}
