//! Measuring several implementations of one job in one run.
//!
//! These machines are noisy, so implementations are sampled in turn, rates are per second of this thread's CPU time,
//! and the median of the rounds is what counts; ratios within a run say more than the figures themselves.

pub mod alloc;
mod report;

pub use report::{Figure, Metric, Report};

use cpu_time::ThreadTime;
use std::time::Duration;

/// How much CPU time one sample should take at least.
pub const SAMPLE: Duration = Duration::from_millis(150);

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

/// Samples all contenders in turn for `rounds` rounds (after one that does not count) and reports each one's median
/// rate in units per second of CPU time, divided by `scale`.
pub fn compare(report: &mut Report, case: &str, metric: Metric, scale: f64, rounds: usize, mut contenders: Vec<Contender<'_>>) {
    let mut rates = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..=rounds {
        for (contender, rates) in contenders.iter_mut().zip(&mut rates) {
            let rate = sample(&mut contender.run);
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    for (contender, rates) in contenders.iter().zip(&mut rates) {
        report.add(Figure { case: case.to_owned(), implementation: contender.name.clone(), metric, value: median(rates) / scale });
    }
}

fn sample(run: &mut dyn FnMut() -> u64) -> f64 {
    let (start, mut units) = (ThreadTime::now(), 0);
    loop {
        units += run();
        let elapsed = start.elapsed();
        if elapsed >= SAMPLE {
            return units as f64 / elapsed.as_secs_f64();
        }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
