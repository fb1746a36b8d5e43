//! Series of measured values: median and spread, one series over another, and the report they end in.

use serde_json::{Map, Value, json};

/// One value a round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Round by round: both values of a pair met the same noise.
    pub(crate) fn over(&self, base: &Self) -> Self {
        let pairs = self.0.iter().zip(&base.0);
        Self(pairs.filter(|(_, base)| **base > 0.0).map(|(value, base)| value / base).collect())
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// The middle value; of an even number the mean of the two.
    pub(crate) fn median(&self) -> Option<f64> {
        let sorted = self.sorted();
        let upper = sorted.get(sorted.len() / 2)?;
        let lower = sorted.get(sorted.len().saturating_sub(1) / 2)?;
        Some(f64::midpoint(*lower, *upper))
    }

    /// The value that `permille` of a thousand do not exceed (nearest rank).
    pub(crate) fn quantile(&self, permille: usize) -> Option<f64> {
        let rank = (self.0.len() * permille).div_ceil(1000);
        self.sorted().get(rank.saturating_sub(1)).copied()
    }

    /// `median [min–max]`
    pub(crate) fn show(&self) -> String {
        let sorted = self.sorted();
        match (self.median(), sorted.first(), sorted.last()) {
            (Some(median), Some(low), Some(high)) => {
                format!("{} [{}–{}]", short(median), short(*low), short(*high))
            }
            _ => "-".to_owned(),
        }
    }

    fn json(&self) -> Value {
        let sorted = self.sorted();
        json!({"median": self.median(), "min": sorted.first(), "max": sorted.last(), "rounds": sorted.len()})
    }
}

/// Three digits are enough.
pub(crate) fn short(value: f64) -> String {
    match value {
        v if v >= 1_000_000.0 => format!("{:.2}M", v / 1_000_000.0),
        v if v >= 100_000.0 => format!("{:.0}k", v / 1_000.0),
        v if v >= 1_000.0 => format!("{:.1}k", v / 1_000.0),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

/// All that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pairs: Vec<String>,
    singles: Vec<String>,
    words: Vec<(&'static str, String)>,
    json: Map<String, Value>,
}

impl Report {
    /// Ours beside something else of the same run.
    pub(crate) fn pair(
        &mut self,
        key: &str,
        (ours_name, ours): (&str, &Series),
        (base_name, base): (&str, &Series),
        aim: &str,
    ) {
        let ratio = ours.over(base);
        self.pairs.push(format!(
            "| {ours_name} | {} | {base_name} | {} | {} | {aim} |",
            ours.show(),
            base.show(),
            ratio.show()
        ));
        let value = json!({"ours": ours.json(), "base": base.json(), "ratio": ratio.json()});
        self.json.insert(key.to_owned(), value);
    }

    /// Ours alone.
    pub(crate) fn single(&mut self, key: &str, name: &str, series: &Series, note: &str) {
        self.singles.push(format!("| {name} | {} | {note} |", series.show()));
        self.json.insert(key.to_owned(), series.json());
    }

    /// One number.
    pub(crate) fn number(&mut self, key: &str, name: &str, value: f64, note: &str) {
        self.singles.push(format!("| {name} | {} | {note} |", short(value)));
        self.json.insert(key.to_owned(), json!(value));
    }

    /// How something was measured, told with the conditions.
    pub(crate) fn say(&mut self, name: &'static str, what: &str) {
        self.words.push((name, what.to_owned()));
    }

    /// Prints the tables, and for programs the same as one last line of JSON.
    pub(crate) fn print(mut self, conditions: &[(&'static str, String)]) {
        println!("\n# Madang bench\n");
        for (name, value) in conditions.iter().chain(&self.words) {
            println!("- {name}: {value}");
            self.json.insert((*name).to_owned(), json!(value));
        }
        println!("\nMedian [min–max] of the rounds; both sides of a row took turns in this one run.\n");
        println!("| measured | ours | beside | theirs | ours over theirs | aim |");
        println!("| --- | --- | --- | --- | --- | --- |");
        self.pairs.iter().for_each(|line| println!("{line}"));
        println!("\n| measured | value | note |");
        println!("| --- | --- | --- |");
        self.singles.iter().for_each(|line| println!("{line}"));
        println!("\n{}", Value::Object(self.json));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_spread_of_odd_and_even_numbers_of_rounds() {
        assert_eq!(Series(vec![3.0, 1.0, 2.0]).show(), "2.00 [1.00–3.00]");
        assert_eq!(Series(vec![4.0, 1.0, 2.0, 3.0]).median(), Some(2.5));
        assert_eq!(Series::default().show(), "-");
    }

    #[test]
    fn quantiles_are_measured_values() {
        let hundred = Series((1..=100).map(f64::from).collect());
        assert_eq!(hundred.quantile(500), Some(50.0));
        assert_eq!(hundred.quantile(990), Some(99.0));
        assert_eq!(hundred.quantile(1000), Some(100.0));
    }

    #[test]
    fn ratios_pair_the_rounds() {
        let ratio = Series(vec![2.0, 9.0]).over(&Series(vec![1.0, 3.0]));
        assert_eq!(ratio.0, [2.0, 3.0]);
    }

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [0.456, 12.34, 214.4, 4_821.0, 214_400.0, 1_482_000.0].map(short);
        assert_eq!(shown, ["0.46", "12.3", "214", "4.8k", "214k", "1.48M"]);
    }
}
