//! Two sides by turns, so that both meet the same machine in the same mood.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

/// How often each side has its turn.
const TURNS: usize = 3;
/// Columns that names take in the tables of most benches.
pub(super) const NAMES: usize = 44;

/// What both sides printed in each turn.
pub(super) struct Turns(Vec<[Rows; 2]>);

/// Numbers behind a name.
pub(super) type Rows = BTreeMap<String, Vec<f64>>;

impl Turns {
    /// Has both print their tables, in which names take so many columns.
    pub(super) fn take(
        names: usize,
        ours: impl Fn() -> Result<String>,
        theirs: impl Fn() -> Result<String>,
    ) -> Result<Self> {
        let turn = |_| {
            let (ours, theirs) = (rows(&ours()?, names), rows(&theirs()?, names));
            ensure!(!theirs.is_empty(), "the other program printed no numbers");
            Ok([ours, theirs])
        };
        Ok(Self((0..TURNS).map(turn).collect::<Result<_>>()?))
    }

    /// The median over the turns of something about both sides; nothing if it is missing in one of them.
    pub(super) fn median(&self, of: impl Fn(&Rows, &Rows) -> Option<f64>) -> Option<f64> {
        let values = self.0.iter().map(|[ours, theirs]| of(ours, theirs));
        let mut values: Vec<f64> = values.collect::<Option<_>>()?;
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// A table of the first number of each row, and of how much better ours is.
    pub(super) fn table(
        &self,
        peer: &str,
        names: &[&str],
        advantage: fn(f64, f64) -> f64,
    ) -> Result<String> {
        let mut table = format!("{:NAMES$} {:>10} {peer:>14} {:>8}", "", "ours", "ratio");
        for name in names {
            let first = |rows: &Rows| rows.get(*name)?.first().copied();
            let ours = self.median(|ours, _| first(ours));
            let ours = ours.with_context(|| format!("our bench printed no row {name:?}"))?;
            table += &format!("\n{name:NAMES$} {ours:10.1}");
            let ratio = self.median(|ours, theirs| Some(advantage(first(ours)?, first(theirs)?)));
            table += &match self.median(|_, theirs| first(theirs)).zip(ratio) {
                Some((theirs, ratio)) => format!(" {theirs:14.1} {ratio:8.2}"),
                None => format!(" {:>14}", "cannot"),
            };
        }
        Ok(table)
    }
}

/// The rows of a printed table: a name, and the numbers behind it up to the first that is none.
fn rows(printed: &str, names: usize) -> Rows {
    let row = |line: &str| {
        let (name, numbers) = line.split_at_checked(names)?;
        let numbers: Vec<f64> = numbers
            .split_whitespace()
            .map_while(|number| number.parse().ok())
            .collect();
        (!numbers.is_empty()).then(|| (name.trim().to_owned(), numbers))
    };
    printed.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(ours: [f64; TURNS], theirs: [f64; TURNS]) -> Turns {
        let turn = |(ours, theirs): (f64, f64)| {
            [ours, theirs].map(|number| rows(&format!("round    {number}  ms"), 8))
        };
        Turns(ours.into_iter().zip(theirs).map(turn).collect())
    }

    #[test]
    fn ratios_are_taken_within_each_turn() {
        // The machine is twice as slow in the second turn. The ratio of medians would be 10 / 3.
        let turns = turns([10.0, 20.0, 10.0], [3.0, 5.0, 2.0]);
        let table = turns.table("other", &["round"], |ours, theirs| ours / theirs);
        let line = table.unwrap().lines().last().unwrap().to_owned();
        assert!(line.ends_with("10.0            3.0     4.00"), "{line}");
    }

    #[test]
    fn what_the_other_side_cannot_is_said_and_what_ours_lacks_is_an_error() {
        let mut turns = turns([10.0; TURNS], [3.0; TURNS]);
        turns.0[1][1].clear();
        let ratio = |ours, theirs| ours / theirs;
        let table = turns.table("other", &["round"], ratio).unwrap();
        assert!(table.ends_with("cannot"), "{table}");
        assert!(turns.table("other", &["another"], ratio).is_err());
    }

    #[test]
    fn rows_end_where_their_numbers_do() {
        let rows = rows("name    1.5   2  (goal 3)\nshort\nother   cannot 4", 8);
        assert_eq!(rows, Rows::from([("name".to_owned(), vec![1.5, 2.0])]));
    }
}
