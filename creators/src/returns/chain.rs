//! A time-weighted return as it grows: sub-periods end at each flow and at each day's close; what cannot be valued
//! is bridged by one Modified Dietz period.

use super::rates::{DUST, modified_dietz, ratio};

/// The state between two closes.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    /// Value at the start of the running sub-period, after its flow.
    opening: f64,
    /// What the finished sub-periods since the last valued close multiply by.
    factor: f64,
    peak: f64,
    /// Flows since the last valued close: day and amount.
    flows: Vec<(i32, f64)>,
    /// Something since the last valued close could not be valued.
    gap: bool,
    /// The last valued close: day and value.
    last: Option<(i32, f64)>,
}

/// What a valued close says.
pub(super) struct Closed {
    /// What the time since the last valued close multiplies by.
    pub(super) factor: f64,
    /// Whether it was bridged.
    pub(super) bridged: bool,
}

/// A chain on its way through closes without flows.
pub(super) struct Walk {
    opening: f64,
    peak: f64,
}

impl Walk {
    /// What the day multiplies by.
    #[inline]
    pub(super) fn step(&mut self, value: f64) -> f64 {
        let factor = ratio(value, self.opening, self.peak);
        self.opening = value;
        self.peak = if value > self.peak { value } else { self.peak };
        factor
    }
}

impl Chain {
    pub(super) fn new() -> Self {
        Self { factor: 1.0, ..Self::default() }
    }

    /// A flow at its own time: the value just before it, and the amount, positive when paid in.
    pub(super) fn flow(&mut self, day: i32, before: f64, amount: f64) {
        self.factor *= ratio(before, self.opening, self.peak);
        self.opening = before + amount;
        self.flows.push((day, amount));
        if self.opening.is_finite() {
            self.peak = self.peak.max(before).max(self.opening);
        } else {
            self.gap = true;
        }
    }

    /// Income that belongs to sub-periods already finished, and left at once.
    pub(super) fn amend(&mut self, day: i32, more: f64, amount: f64) {
        self.factor *= more;
        self.flows.push((day, amount));
    }

    /// A day's close without a value.
    pub(super) fn miss(&mut self) {
        self.gap = true;
    }

    /// Whether the days since the last valued close are not valued.
    pub(super) fn is_open_gap(&self) -> bool {
        self.gap
    }

    /// Whether nothing is pending since the last valued close.
    pub(super) fn is_calm(&self) -> bool {
        !self.gap && self.flows.is_empty() && self.factor == 1.0
    }

    /// Begins a walk through closes without flows; [`Self::arrive`] ends it.
    pub(super) fn walk(&self) -> Walk {
        Walk { opening: self.opening, peak: self.peak }
    }

    /// Ends a walk on a day.
    pub(super) fn arrive(&mut self, day: i32, walk: Walk) {
        (self.opening, self.peak) = (walk.opening, walk.peak);
        self.last = Some((day, walk.opening));
    }

    /// Whether nothing flowed since the last valued close.
    pub(super) fn is_idle(&self) -> bool {
        self.flows.is_empty()
    }

    /// Whether the present value is dust beside the peak.
    pub(super) fn is_dust(&self, value: f64) -> bool {
        value <= DUST * self.peak
    }

    /// A day's close with a value.
    #[inline]
    pub(super) fn close(&mut self, day: i32, value: f64) -> Closed {
        if self.gap || !self.flows.is_empty() || !value.is_finite() {
            return self.close_after_flows(day, value);
        }
        let factor = self.factor * ratio(value, self.opening, self.peak);
        self.factor = 1.0;
        self.opening = value;
        self.peak = self.peak.max(value);
        self.last = Some((day, value));
        Closed { factor, bridged: false }
    }

    fn close_after_flows(&mut self, day: i32, value: f64) -> Closed {
        let plain = self.factor * ratio(value, self.opening, self.peak);
        let bridged = self.gap || !plain.is_finite();
        let factor = if bridged { self.bridge(day, value) } else { plain };
        self.peak = self.peak.max(value);
        self.opening = value;
        self.factor = 1.0;
        self.flows.clear();
        self.gap = false;
        self.last = Some((day, value));
        Closed { factor, bridged }
    }

    /// One Modified Dietz period over the gap; 1 where it has no mean capital, never below 0.
    fn bridge(&self, day: i32, value: f64) -> f64 {
        let first = self.flows.first().map_or(day, |flow| flow.0);
        let (since, begin) = self.last.unwrap_or((first, 0.0));
        let time = |at: i32| f64::from(at.saturating_sub(since));
        let flows: Vec<(f64, f64)> = self.flows.iter().map(|&(at, amount)| (time(at), amount)).collect();
        let length = time(day).max(1.0);
        let mean = begin + flows.iter().map(|(at, amount)| (length - at) / length * amount).sum::<f64>();
        if mean <= DUST * self.peak {
            return 1.0;
        }
        modified_dietz(begin, value, &flows, length).map_or(1.0, |rate| (1.0 + rate).max(0.0))
    }
}
