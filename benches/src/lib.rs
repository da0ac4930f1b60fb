//! Measuring several implementations of one job in one run.
//!
//! These machines are noisy, so implementations are sampled in turn, rates are per second of this thread's CPU time,
//! and the median of the rounds is what counts; ratios within a run say more than the figures themselves.

pub mod alloc;
pub mod goodput;
mod report;
pub mod sctp;
pub mod stack;

pub use report::{Figure, Metric, Report};

use cpu_time::ThreadTime;
use std::cell::Cell;
use std::time::Duration;

/// How much CPU time one sample should take at least.
pub const SAMPLE: Duration = Duration::from_millis(150);
/// The same with `-- --quick`, which runs everything once, to see that it runs.
const QUICK_SAMPLE: Duration = Duration::from_millis(10);

thread_local! {
    static UNCOUNTED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// One implementation of a job: runs a portion of it and says how many units (bytes, packets, …) that was.
pub struct Contender<'a> {
    /// Its name in the table, e.g. `sendrecv-rustcrypto`.
    pub name: String,
    /// Runs a portion of the job.
    pub run: Box<dyn FnMut() -> u64 + 'a>,
}

impl<'a> Contender<'a> {
    /// A contender called `name`.
    pub fn new(name: &str, run: impl FnMut() -> u64 + 'a) -> Self {
        Self { name: name.to_owned(), run: Box::new(run) }
    }
}

/// Whether the command line has `--quick`.
pub fn is_quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}

/// Runs what a contender must do and is not measured by, such as the other end.
pub fn uncounted<T>(work: impl FnOnce() -> T) -> T {
    let start = ThreadTime::now();
    let result = work();
    UNCOUNTED.set(UNCOUNTED.get() + start.elapsed());
    result
}

/// Samples all contenders in turn for `rounds` rounds (after one that does not count) and reports each one's median
/// rate in units per second of CPU time, divided by `scale`.
pub fn compare(
    report: &mut Report,
    case: &str,
    metric: Metric,
    scale: f64,
    rounds: usize,
    contenders: Vec<Contender<'_>>,
) {
    compare_as(report, case, &[(metric, scale)], rounds, contenders);
}

/// As [`compare`], reporting one rate as several metrics, each with the number that the rate is divided by. Returns the
/// undivided rates.
pub fn compare_as(
    report: &mut Report,
    case: &str,
    metrics: &[(Metric, f64)],
    rounds: usize,
    mut contenders: Vec<Contender<'_>>,
) -> Vec<f64> {
    let rounds = if is_quick() { 1 } else { rounds };
    let mut rates = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..=rounds {
        for (contender, rates) in contenders.iter_mut().zip(&mut rates) {
            let rate = sample(&mut contender.run);
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    let rates: Vec<_> = rates.iter_mut().map(|rates| median(rates)).collect();
    for &(metric, scale) in metrics {
        for (contender, rate) in contenders.iter().zip(&rates) {
            let value = rate / scale;
            report.add(Figure { case: case.to_owned(), implementation: contender.name.clone(), metric, value });
        }
    }
    rates
}

fn sample(run: &mut dyn FnMut() -> u64) -> f64 {
    let enough = if is_quick() { QUICK_SAMPLE } else { SAMPLE };
    UNCOUNTED.set(Duration::ZERO);
    let (start, mut units) = (ThreadTime::now(), 0);
    loop {
        units += run();
        let elapsed = start.elapsed().saturating_sub(UNCOUNTED.get());
        if elapsed >= enough {
            return units as f64 / elapsed.as_secs_f64();
        }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
