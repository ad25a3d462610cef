//! How far a run is, on stderr: a bar on a terminal, elsewhere a plain line now and then.

use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use crate::experiment::Experiment;

/// Least time between two plain lines.
const PAUSE: Duration = Duration::from_secs(15);

/// How far a run is.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
    lines: Lines,
}

impl Progress {
    pub(super) fn new(experiment: &Experiment) -> Self {
        let rounds = experiment.run.rounds;
        let all = u64::from(rounds) * experiment.seeds.len() as u64;
        let bar = ProgressBar::new(all);
        let template = "{msg:24} {wide_bar} {pos}/{len} rounds, {eta} to go";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            bar,
            began: Instant::now(),
            lines: Lines {
                rounds,
                done: 0,
                left: all,
                last: Duration::ZERO,
            },
        }
    }

    /// A whole seed was finished before.
    pub(super) fn skip_seed(&mut self) {
        self.bar.inc(u64::from(self.lines.rounds));
        self.lines.left -= u64::from(self.lines.rounds);
    }

    /// A round is closed.
    pub(super) fn closed(&mut self, seed: u32, round: u32) {
        self.bar.inc(1);
        self.bar.set_message(format!("seed {seed}, round {round}"));
        let line = self.lines.closed(seed, round, self.began.elapsed());
        if let (true, Some(line)) = (self.bar.is_hidden(), line) {
            eprintln!("{line}");
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// What the plain lines say, and when.
struct Lines {
    /// Rounds of a seed.
    rounds: u32,
    /// Rounds of all seeds that were run, and that are to be run.
    done: u64,
    left: u64,
    /// When the last line was, counted from the beginning.
    last: Duration,
}

impl Lines {
    /// A line on a round that is closed so long after the beginning; `None` if the last line was a moment ago.
    fn closed(&mut self, seed: u32, round: u32, elapsed: Duration) -> Option<String> {
        (self.done, self.left) = (self.done + 1, self.left.saturating_sub(1));
        if elapsed < self.last + PAUSE {
            return None;
        }
        self.last = elapsed;
        let rest = elapsed.mul_f64(self.left as f64 / self.done as f64);
        Some(format!(
            "seed {seed}, round {round} of {}: {} so far, about {} to go",
            self.rounds,
            HumanDuration(elapsed),
            HumanDuration(rest)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_long_it_will_take_and_not_too_often() {
        let mut lines = Lines {
            rounds: 10,
            done: 0,
            left: 20,
            last: Duration::ZERO,
        };
        let mut at = |round, seconds| lines.closed(7, round, Duration::from_secs(seconds));
        assert_eq!(at(1, 14), None);
        assert_eq!(
            at(2, 20).as_deref(),
            Some("seed 7, round 2 of 10: 20 seconds so far, about 3 minutes to go")
        );
        assert_eq!(at(3, 34), None);
        assert_eq!(
            at(4, 35).as_deref(),
            Some("seed 7, round 4 of 10: 35 seconds so far, about 2 minutes to go")
        );
    }
}
