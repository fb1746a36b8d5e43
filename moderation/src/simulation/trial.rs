//! One seed: which rules meet which people and which attackers, and what that proves.

use super::{
    Extent,
    attack::{AGED, AGED_HALF, FRESH, Front, RINGS, Share},
    follow::Contender,
    line_up::{CAMPAIGNS, ROTATING_AGED, ROTATING_SLEEPERS, ablated, plain, proposed},
    parameters::{Parameters, Spread},
    peace::{Peace, live},
    records::Records,
    table::{Cell, Line, Table, Trial},
    world::World,
};
use crate::rule::{Mode, RuleSettings, Standing};

const STANDINGS: [Standing; 2] = [Standing::Ordinary, Standing::Good];
const RING_SIZES: [u32; 6] = [5, 8, 10, 15, 20, 30];
fn shares(of: impl Fn(Standing) -> Share) -> [Share; 2] {
    STANDINGS.map(of)
}

fn worst(shares: [Share; 2]) -> f64 {
    shares.iter().map(|share| share.blocked).fold(0.0, f64::max)
}

fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// One seed in hand.
pub(super) struct Bench<'a> {
    seed: u64,
    parameters: &'a Parameters,
    world: World,
    rule: Contender,
    peace: Peace,
    plain5: Peace,
    records: Records,
    trial: Trial,
}

/// Runs one seed.
pub(super) fn trial(parameters: &Parameters, extent: Extent, seed: u64, progress: &dyn Fn(&str)) -> Trial {
    let world = World::draw(parameters, seed);
    let rule = proposed();
    let (peace, records) = live(&world, &rule);
    let (plain5, _) = live(&world, &plain(5));
    let trial = Trial { tables: Vec::new(), lines: Vec::new() };
    let mut bench = Bench { seed, parameters, world, rule, peace, plain5, records, trial };
    bench.peace(extent);
    progress("no attack");
    bench.one_shot_lines();
    progress("one-shot attacks");
    bench.campaigns(extent);
    progress("campaigns");
    bench.shield();
    if extent == Extent::Full {
        bench.one_shot_table();
        progress("one-shot attacks of all sizes");
        bench.sensitivity();
        progress("sensitivity");
        bench.ablations();
        progress("ablations");
    }
    bench.trial
}

impl Bench<'_> {
    fn front<'b>(&'b self, contender: &'b Contender) -> Front<'b> {
        Front { world: &self.world, records: &self.records, contender, seed: self.seed }
    }

    fn least(&mut self, name: &str, value: f64, bound: f64) {
        self.trial.lines.push(Line::least(name, value, bound));
    }

    fn most(&mut self, name: &str, value: f64, bound: f64) {
        self.trial.lines.push(Line::most(name, value, bound));
    }

    fn peace(&mut self, extent: Extent) {
        let mut rows = Vec::new();
        if extent == Extent::Full {
            let mut six = Contender::new("6 in 48 h", RuleSettings::plain(6));
            (six.settings.fast_window_hours, six.settings.window_hours) = (48, 48);
            for contender in [plain(3), plain(10), six] {
                rows.push((contender.name.clone(), peace_cells(&live(&self.world, &contender).0)));
            }
        }
        rows.insert(rows.len().min(1), (plain(5).name, peace_cells(&self.plain5)));
        rows.push((self.rule.name.clone(), peace_cells(&self.peace)));
        let names = [
            "rule",
            "precision",
            "recall, blocked",
            "recall, limited or blocked",
            "saved",
            "median min to block",
            "wrong blocks/day",
            "good posts ≥ 20k viewers blocked",
            "of",
        ];
        self.trial.tables.push(Table { title: "No attack", head: head(&names), rows });
        let (ours, theirs) = (self.peace.clone(), self.plain5.clone());
        self.least("precision", ours.precision, 0.95);
        self.least("recall, limited or blocked, over plain ≥ 5", ours.recall_limit - theirs.recall, -0.03);
        self.least("saved over plain ≥ 5", ours.saved - theirs.saved, -0.03);
        self.most("good posts with 20,000 viewers blocked", ours.viral_blocked, 1.0);
    }

    fn one_shot_lines(&mut self) {
        for (ring, size) in [(AGED, 10), (AGED_HALF, 15), (FRESH, 30)] {
            let attacked = shares(|standing| self.front(&self.rule).one_shot(ring, size, standing));
            self.most(&format!("one-shot {size} {}", ring.name), worst(attacked), 0.05);
        }
    }

    fn one_shot_table(&mut self) {
        let mut rows = Vec::new();
        for size in RING_SIZES {
            let mut cells = Vec::new();
            for n in [5, 10] {
                let bare = plain(n);
                let share = self.front(&bare).one_shot(AGED, size, Standing::Ordinary);
                cells.push(Cell::Number(share.blocked, 2));
            }
            for ring in RINGS {
                let attacked = shares(|standing| self.front(&self.rule).one_shot(ring, size, standing));
                cells.push(Cell::Shares(attacked));
            }
            rows.push((size.to_string(), cells));
        }
        let mut names = head(&["N", "plain ≥ 5", "plain ≥ 10"]);
        names.extend(RINGS.map(|ring| ring.name.to_owned()));
        let title = "One-shot attack: blocked (limited or blocked), ordinary author / good standing";
        self.trial.tables.push(Table { title, head: names, rows });
    }

    fn campaigns(&mut self, extent: Extent) {
        let mut rows = Vec::new();
        for campaign in CAMPAIGNS {
            if extent == Extent::Short && ![ROTATING_AGED, ROTATING_SLEEPERS].contains(&campaign.name) {
                continue;
            }
            let days = STANDINGS.map(|standing| self.front(&self.rule).campaign(&campaign, standing));
            let bare = self.front(&plain(5)).campaign(&campaign, Standing::Ordinary);
            let overall = days.each_ref().map(|days| mean(days));
            let day = |of: fn(&[Share]) -> Option<&Share>| {
                days.each_ref().map(|days| of(days).copied().unwrap_or_default())
            };
            let (first, last) = (day(<[Share]>::first), day(<[Share]>::last));
            if campaign.name == ROTATING_AGED {
                self.most(&format!("campaign {ROTATING_AGED}"), worst(overall), 0.03);
            }
            if campaign.name == ROTATING_SLEEPERS {
                self.most(&format!("campaign {ROTATING_SLEEPERS}, last day"), worst(last), 0.20);
            }
            let cells = [overall, first, last].map(Cell::Shares);
            let cells = [Cell::Number(mean(&bare).blocked, 2)].into_iter().chain(cells).collect();
            rows.push((campaign.name.to_owned(), cells));
        }
        self.trial.tables.push(Table {
            title: "Campaign: blocked (limited or blocked), ordinary author / good standing",
            head: head(&["ring", "plain ≥ 5", "all days", "first day", "last day"]),
            rows,
        });
    }

    fn shield(&mut self) {
        let stopping = Contender { brigade_stops: true, ..proposed() };
        let none = self.front(&self.rule).shield(0);
        let shielded = self.front(&self.rule).shield(20);
        let stopped = self.front(&stopping).shield(20);
        let row = |name: &str, share: Share| {
            (name.to_owned(), vec![Cell::Number(share.blocked, 2), Cell::Number(share.limited, 2)])
        };
        self.trial.tables.push(Table {
            title: "Shield: a scammer's 20 linked accounts report his posts with ≥ 1,000 viewers",
            head: head(&["case", "blocked", "limited or blocked"]),
            rows: vec![
                row("no shield", none),
                row("shield", shielded),
                row("shield, if the alarm stopped blocks", stopped),
            ],
        });
        self.least("shielded scams blocked", shielded.blocked, 0.85);
    }

    fn sensitivity(&mut self) {
        let (usual, mut rows) = (self.parameters.clone(), Vec::new());
        let cases = [
            (
                "controversial × 2",
                Parameters { controversial_rate: 2.0 * usual.controversial_rate, ..usual.clone() },
            ),
            (
                "honest reports of bad posts / 2",
                Parameters { bad_rate: usual.bad_rate / 2.0, ..usual.clone() },
            ),
            (
                "reports of disputed posts judged wrong",
                Parameters { disputes_ignored: false, ..usual.clone() },
            ),
            ("active people err more", Parameters { wrong_reports: Spread::ByActivity, ..usual.clone() }),
            ("bad authors like others", Parameters { bad_authors: usual.good_authors, ..usual.clone() }),
        ];
        for (name, parameters) in cases {
            let world = World::draw(&parameters, self.seed);
            for contender in [proposed(), plain(5)] {
                let peace = live(&world, &contender).0;
                rows.push((format!("{name}: {}", contender.name), peace_cells(&peace)));
                if name.starts_with("controversial") && contender.settings.mode == Mode::Weighted {
                    self.least("precision, controversial × 2", peace.precision, 0.95);
                }
            }
        }
        let names = self.trial.tables.first().map(|table| table.head.clone()).unwrap_or_default();
        self.trial.tables.push(Table { title: "Sensitivity", head: names, rows });
    }

    fn ablations(&mut self) {
        let mut rows = Vec::new();
        for contender in ablated() {
            let (peace, records) = live(&self.world, &contender);
            let front = Front { records: &records, ..self.front(&contender) };
            let attacked = shares(|standing| front.one_shot(AGED_HALF, 20, standing));
            let cells = vec![
                Cell::Shares(attacked),
                Cell::Number(peace.precision, 3),
                Cell::Number(peace.recall_limit, 2),
                Cell::Number(peace.saved, 2),
                Cell::Number(peace.viral_blocked, 1),
            ];
            rows.push((contender.name, cells));
        }
        let names = [
            "without",
            "one-shot 20 aged, 50 % linked",
            "precision",
            "recall, limited",
            "saved",
            "viral blocked",
        ];
        self.trial.tables.push(Table { title: "Ablation", head: head(&names), rows });
    }
}

fn mean(shares: &[Share]) -> Share {
    let days = shares.len().max(1) as f64;
    Share {
        blocked: shares.iter().map(|share| share.blocked).sum::<f64>() / days,
        limited: shares.iter().map(|share| share.limited).sum::<f64>() / days,
    }
}

fn peace_cells(peace: &Peace) -> Vec<Cell> {
    vec![
        Cell::Number(peace.precision, 3),
        Cell::Number(peace.recall, 2),
        Cell::Number(peace.recall_limit, 2),
        Cell::Number(peace.saved, 3),
        Cell::Number(peace.minutes, 0),
        Cell::Number(peace.wrong_per_day, 1),
        Cell::Number(peace.viral_blocked, 1),
        Cell::Number(peace.viral, 1),
    ]
}
