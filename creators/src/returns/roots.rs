//! The roots of `f(s) = Σ aᵢ·e^(−s·tᵢ)`, the present value of flows `aᵢ` at times `tᵢ`, in `s = ln(1 + r)`.
//!
//! Wanted is the root nearest to zero. Where the flows change sign once there is exactly one (the rule of signs of
//! Descartes, which holds for real exponents too). Otherwise boxes of `s` are searched outwards from zero. A box is
//! left only when bounds show that it holds no root, or that `f` is monotone in it: no root is jumped over.

/// A flow: its time in periods, and its amount.
pub(super) type Term = (f64, f64);

/// The largest `s` whose rate `e^s − 1` is a finite number.
const HIGHEST: f64 = 709.7;
/// How far `|s|·T` may go before an exponential could overflow.
const REACH: f64 = 500.0;
/// Boxes looked at before the search gives up.
const MOST_BOXES: u32 = 20_000;
/// What counts as zero beside the sum of the sizes of all terms.
const TINY: f64 = 1e-13;

/// The root nearest to zero. `terms` are sorted by time, times differ, amounts are finite and not zero, and at least
/// one is positive and one negative.
pub(super) fn nearest(terms: &[Term]) -> Option<f64> {
    let (first, last) = (*terms.first()?, *terms.last()?);
    let root = match terms {
        [(t0, a0), (t1, a1)] => (-a1 / a0).ln() / (t1 - t0),
        _ if sign_changes(terms) == 1 => only_root(terms, first.1)?,
        _ if terms.iter().map(|term| term.1).sum::<f64>() == 0.0 => 0.0,
        _ => Search::new(terms, first.0, last.0)?.outwards()?,
    };
    (root.is_finite() && root <= HIGHEST).then_some(root)
}

fn sign_changes(terms: &[Term]) -> usize {
    terms.iter().zip(terms.iter().skip(1)).filter(|(one, next)| (one.1 > 0.0) != (next.1 > 0.0)).count()
}

/// No root lies beyond: there the first (last) term outweighs all others together. Cauchy's bound for polynomials,
/// for real exponents.
fn bounds(terms: &[Term]) -> Option<(f64, f64)> {
    let all: f64 = terms.iter().map(|term| term.1.abs()).sum();
    let (first, second) = (terms.first()?, terms.get(1)?);
    let (last, before) = (terms.last()?, terms.get(terms.len().checked_sub(2)?)?);
    let high = (all / first.1.abs()).ln() / (second.0 - first.0);
    let low = (all / last.1.abs()).ln() / (last.0 - before.0);
    let slack = 1.0 + 1e-9;
    Some((-low.abs() * slack - 1e-9, (high.abs() * slack + 1e-9).min(HIGHEST + 1.0)))
}

fn only_root(terms: &[Term], first: f64) -> Option<f64> {
    let (low, high) = bounds(terms)?;
    let (value, _) = balance(terms, 0.0);
    if value == 0.0 {
        return Some(0.0);
    }
    // Towards plus infinity the first flow decides the sign; if it already does at zero, the root is below.
    let (low, high) = if (value > 0.0) == (first > 0.0) { (low, 0.0) } else { (0.0, high) };
    Some(polish(terms, low, high, 0.0, first > 0.0))
}

/// `ln(P/N)` of the positive and the negative flows' present values, and its slope. It has the roots of `f` and is
/// almost a straight line, so that Newton's method needs few steps.
fn balance(terms: &[Term], s: f64) -> (f64, f64) {
    let edge = if s >= 0.0 { terms.first() } else { terms.last() };
    let origin = edge.map_or(0.0, |term| term.0);
    let (mut paid, mut paid_t, mut got, mut got_t) = (0.0, 0.0, 0.0, 0.0);
    for &(time, amount) in terms {
        let time = time - origin;
        let value = amount * (-s * time).exp();
        if amount > 0.0 {
            got += value;
            got_t += value * time;
        } else {
            paid += value;
            paid_t += value * time;
        }
    }
    ((got / -paid).ln(), paid_t / paid - got_t / got)
}

/// Newton's method kept within a bracket; halves the bracket where Newton would leave it. `above` says whether the
/// value is positive at the upper end.
fn polish(terms: &[Term], mut low: f64, mut high: f64, start: f64, above: bool) -> f64 {
    let mut s = start.clamp(low, high);
    for _ in 0..2_000 {
        let (value, slope) = balance(terms, s);
        if value == 0.0 {
            return s;
        }
        if (value > 0.0) == above {
            high = s
        } else {
            low = s
        }
        let newton = s - value / slope;
        let inside = newton > low && newton < high;
        let next = if inside { newton } else { low + (high - low) / 2.0 };
        let step = (next - s).abs();
        // Newton's error after a step is about the square of the step.
        let done = if inside { step <= 1e-9 * s.abs().max(1e-3) } else { step <= 4e-16 * s.abs() };
        s = next;
        if done || low >= high {
            break;
        }
    }
    s
}

/// Sums of terms at one `s`, by the sign of the coefficient and of the time: each such sum is monotone in `s`.
#[derive(Clone, Copy, Default)]
struct Sums {
    gain_late: f64,
    gain_early: f64,
    loss_late: f64,
    loss_early: f64,
}

impl Sums {
    fn add(&mut self, coefficient: f64, time: f64, discount: f64) {
        let sum = match (coefficient > 0.0, time > 0.0) {
            (true, true) => &mut self.gain_late,
            (true, false) => &mut self.gain_early,
            (false, true) => &mut self.loss_late,
            (false, false) => &mut self.loss_early,
        };
        *sum += coefficient * discount;
    }

    fn total(&self) -> f64 {
        self.gain_late + self.gain_early + self.loss_late + self.loss_early
    }

    fn size(&self) -> f64 {
        self.gain_late + self.gain_early - self.loss_late - self.loss_early
    }

    /// The least and the greatest that the total can be between two places.
    fn range(left: &Self, right: &Self) -> (f64, f64) {
        let least = right.gain_late + left.gain_early + left.loss_late + right.loss_early;
        let most = left.gain_late + right.gain_early + right.loss_late + left.loss_early;
        (least, most)
    }
}

/// `f` and its slope at one place, multiplied by `e^(s·origin)`.
#[derive(Clone, Copy)]
struct Place {
    s: f64,
    value: Sums,
    slope: Sums,
}

struct Search<'t> {
    terms: &'t [Term],
    span: f64,
    bounds: (f64, f64),
    boxes: u32,
}

impl<'t> Search<'t> {
    fn new(terms: &'t [Term], first: f64, last: f64) -> Option<Self> {
        Some(Self { terms, span: last - first, bounds: bounds(terms)?, boxes: 0 })
    }

    /// Multiplying `f` by an exponential keeps its roots; half-way between the times of what was paid and of what was
    /// received the terms of its slope mostly agree in sign.
    fn middle(&self) -> f64 {
        let mean = |positive: bool| {
            let chosen = self.terms.iter().filter(|term| (term.1 > 0.0) == positive);
            let (weight, moment) =
                chosen.fold((0.0, 0.0), |(w, m), &(time, amount)| (w + amount, m + amount * time));
            moment / weight
        };
        f64::midpoint(mean(true), mean(false))
    }

    fn origin(&self, s: f64) -> f64 {
        let edge = if s > 0.0 { self.terms.first() } else { self.terms.last() };
        if s.abs() * self.span <= REACH { self.middle() } else { edge.map_or(0.0, |term| term.0) }
    }

    fn place(&self, s: f64, origin: f64) -> Place {
        let (mut value, mut slope) = (Sums::default(), Sums::default());
        for &(time, amount) in self.terms {
            let time = time - origin;
            let discount = (-s * time).exp();
            value.add(amount, time, discount);
            slope.add(-amount * time, time, discount);
        }
        Place { s, value, slope }
    }

    /// Rings of doubling width; the first holds zero.
    fn outwards(&mut self) -> Option<f64> {
        let (low, high) = self.bounds;
        let (mut inner, mut outer) = (0.0, 1.0 / self.span);
        while inner < high.max(-low) {
            let up = self.ring(inner, outer.min(high));
            let limit = up.unwrap_or(outer);
            let down = self.ring(-inner, (-limit).max(low));
            match (up, down) {
                (Some(up), Some(down)) => return Some(if -down < up { down } else { up }),
                (Some(root), None) | (None, Some(root)) => return Some(root),
                (None, None) => (inner, outer) = (outer, outer * 2.0),
            }
        }
        None
    }

    fn ring(&mut self, near: f64, far: f64) -> Option<f64> {
        if near.abs() >= far.abs() {
            return None;
        }
        let origin = self.origin(far);
        let (near, far) = (self.place(near, origin), self.place(far, origin));
        self.within(&near, &far, origin)
    }

    /// The root nearest to `near` in the box.
    fn within(&mut self, near: &Place, far: &Place, origin: f64) -> Option<f64> {
        self.boxes += 1;
        if self.boxes > MOST_BOXES {
            return None;
        }
        let (left, right) = if near.s < far.s { (near, far) } else { (far, near) };
        let (least, most) = Sums::range(&left.value, &right.value);
        if least > 0.0 || most < 0.0 {
            return None;
        }
        let (falling, rising) = Sums::range(&left.slope, &right.slope);
        let zero = |place: &Place| place.value.total().abs() <= TINY * 1e-3 * place.value.size();
        let crosses = (left.value.total() > 0.0) != (right.value.total() > 0.0);
        let monotone = falling >= 0.0 || rising <= 0.0;
        let half = f64::midpoint(near.s, far.s);
        // Between neighbouring numbers there is no half-way.
        let narrow = right.s - left.s <= 1e-8 / self.span || half <= left.s || half >= right.s;
        if monotone || narrow {
            return if crosses {
                let start = f64::midpoint(left.s, right.s);
                Some(polish(self.terms, left.s, right.s, start, right.value.total() > 0.0))
            } else if zero(near) {
                Some(near.s)
            } else if zero(far) {
                Some(far.s)
            } else {
                self.touch(near, far, origin, narrow)
            };
        }
        let middle = self.place(half, origin);
        self.within(near, &middle, origin).or_else(|| self.within(&middle, far, origin))
    }

    /// A root where `f` touches zero without crossing it.
    fn touch(&self, near: &Place, far: &Place, origin: f64, narrow: bool) -> Option<f64> {
        let middle = self.place(f64::midpoint(near.s, far.s), origin);
        let touches = narrow && middle.value.total().abs() <= TINY * middle.value.size();
        touches.then_some(middle.s)
    }
}
