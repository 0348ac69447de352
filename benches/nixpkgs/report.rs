//! Samples to lines of a table, printed as they come and kept for the record.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::contender::{Contender, Sample};

/// How a workload ended.
#[derive(PartialEq)]
pub(crate) enum Verdict {
    /// All outputs were the same bytes.
    Equal,
    /// Every contender finished, with outputs that differ.
    Different,
    /// One did not finish well; the text names it.
    Failed(String),
}

/// One workload's samples, by contender, and its verdict.
pub(crate) struct Outcome {
    pub(crate) samples: Vec<Vec<Sample>>,
    pub(crate) verdict: Verdict,
}

/// The table so far.
pub(crate) struct Report {
    names: Vec<&'static str>,
    markdown: String,
}

const HEAD: &str = "\
| workload | contender | user s | system s | CPU s | wall s | peak MB |
| --- | --- | --- | --- | --- | --- | --- |
";

impl Report {
    /// An empty table; its head is printed at once.
    pub(crate) fn new(runs: u32, contenders: &[Contender]) -> Report {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let markdown = format!(
            "\n{}: {runs} runs of each in turn, each figure as minimum / median, CPU being user and system; \
             `oracle : frazil` is the quotient of the medians.\n\n{HEAD}",
            date(seconds)
        );
        print!("{markdown}");
        Report { names: contenders.iter().map(|contender| contender.name).collect(), markdown }
    }

    /// Adds and prints one workload.
    pub(crate) fn add(&mut self, workload: &str, outcome: &Outcome) {
        let mut rows = String::new();
        match &outcome.verdict {
            Verdict::Failed(complaint) => {
                let complaint = complaint.replace('\n', " ").replace('|', "\\|");
                let _ = writeln!(rows, "| {workload} | FAILED: {complaint} | | | | | |");
            }
            verdict => {
                let stats: Vec<Stats> = outcome.samples.iter().map(|samples| Stats::of(samples)).collect();
                for (name, stats) in self.names.iter().zip(&stats) {
                    let _ = writeln!(rows, "| {workload} | {name} | {stats} |");
                }
                for (name, other) in self.names.iter().zip(&stats).skip(1) {
                    let mine = &stats[0];
                    let equal = if *verdict == Verdict::Equal { "outputs equal" } else { "OUTPUTS DIFFER" };
                    let _ = writeln!(
                        rows,
                        "| {workload} | **{name} : frazil**, {equal} | {} | {} | **{}** | {} | **{}** |",
                        ratio(other.user, mine.user),
                        ratio(other.system, mine.system),
                        ratio(other.cpu, mine.cpu),
                        ratio(other.wall, mine.wall),
                        ratio(other.peak, mine.peak),
                    );
                }
            }
        }
        print!("{rows}");
        // A reader of a pipe that has gone away loses lines, not the record.
        let _ = io::stdout().flush();
        self.markdown.push_str(&rows);
    }

    /// Appends the whole table to a file.
    pub(crate) fn append_to(&self, path: &Path) -> io::Result<()> {
        std::fs::File::options().create(true).append(true).open(path)?.write_all(self.markdown.as_bytes())
    }
}

/// Minimum and median of one quantity, in seconds or megabytes.
#[derive(Clone, Copy)]
struct Pair {
    least: f64,
    median: f64,
}

struct Stats {
    user: Pair,
    system: Pair,
    cpu: Pair,
    wall: Pair,
    peak: Pair,
}

impl Stats {
    /// Of at least one sample: `--runs` is positive, and a failed workload is not asked.
    fn of(samples: &[Sample]) -> Stats {
        let over = |quantity: &dyn Fn(&Sample) -> f64| -> Pair {
            let mut all: Vec<f64> = samples.iter().map(quantity).collect();
            all.sort_by(f64::total_cmp);
            let middle = all.len() / 2;
            let median =
                if all.len() % 2 == 1 { all[middle] } else { f64::midpoint(all[middle - 1], all[middle]) };
            Pair { least: all[0], median }
        };
        Stats {
            user: over(&|s| s.user.as_secs_f64()),
            system: over(&|s| s.system.as_secs_f64()),
            cpu: over(&|s| Duration::as_secs_f64(&(s.user + s.system))),
            wall: over(&|s| s.wall.as_secs_f64()),
            peak: over(&|s| s.peak as f64 / 1e6),
        }
    }
}

impl std::fmt::Display for Stats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for pair in [self.user, self.system, self.cpu, self.wall] {
            write!(f, "{:.3} / {:.3} | ", pair.least, pair.median)?;
        }
        write!(f, "{:.1} / {:.1}", self.peak.least, self.peak.median)
    }
}

/// How often the second goes into the first, by their medians.
fn ratio(other: Pair, mine: Pair) -> String {
    if mine.median > 0.0 { format!("{:.2}", other.median / mine.median) } else { "-".to_owned() }
}

/// A day of the Gregorian calendar, as ISO 8601 writes it, from seconds since 1970 (days to civil, by Hinnant's rule).
fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(1_795_305_600), "2026-11-22");
    }

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        let sample = |ms| Sample {
            user: Duration::from_millis(ms),
            system: Duration::ZERO,
            wall: Duration::from_millis(ms),
            peak: 1_000_000,
        };
        let stats = Stats::of(&[sample(40), sample(10), sample(20), sample(30)]);
        assert_eq!((stats.user.least, stats.user.median), (0.010, 0.025));
    }
}
