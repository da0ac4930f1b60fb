//! Figures, as a table for people or as lines for programs (`-- --lines`).

use std::collections::BTreeMap;

/// What was measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// MB (10⁶ bytes) per second of CPU time.
    Throughput,
    /// Messages per second of CPU time.
    Messages,
    /// Packets per second of CPU time.
    Packets,
    /// CPU time per packet.
    PacketTime,
    /// Full mutual handshakes per second of CPU time.
    Handshakes,
    /// Connection set-ups per second of CPU time.
    Setups,
    /// Operations per second of CPU time.
    Ops,
    /// Seconds that agents, sessions or the like could spend, per second of CPU time: how many one core can keep.
    AgentSeconds,
    /// Bytes on the heap.
    HeapBytes,
    /// Allocations per unit of work.
    Allocations,
    /// Datagrams, both ways.
    Datagrams,
    /// Simulated time in round trips.
    RoundTrips,
    /// Application bytes as a percentage of what the bottleneck carries.
    LinkShare,
    /// Simulated time until the bottleneck is nearly full.
    Ramp,
    /// Mean time in the bottleneck's queue.
    MeanQueue,
    /// Longest time in the bottleneck's queue.
    LongestQueue,
}

impl Metric {
    const fn name_and_unit(self) -> (&'static str, &'static str) {
        match self {
            Self::Throughput => ("throughput", "MB/s"),
            Self::Messages => ("messages", "1/s"),
            Self::Packets => ("packets", "1/s"),
            Self::PacketTime => ("packet_time", "ns"),
            Self::Handshakes => ("handshakes", "1/s"),
            Self::Setups => ("setups", "1/s"),
            Self::Ops => ("ops", "1/s"),
            Self::AgentSeconds => ("agent_seconds", "s/s"),
            Self::HeapBytes => ("heap_bytes", "B"),
            Self::Allocations => ("allocations", "1"),
            Self::Datagrams => ("datagrams", "1"),
            Self::RoundTrips => ("round_trips", "RTT"),
            Self::LinkShare => ("link_share", "%"),
            Self::Ramp => ("ramp", "ms"),
            Self::MeanQueue => ("mean_queue", "ms"),
            Self::LongestQueue => ("longest_queue", "ms"),
        }
    }

    const fn less_is_better(self) -> bool {
        matches!(
            self,
            Self::PacketTime
                | Self::HeapBytes
                | Self::Allocations
                | Self::Datagrams
                | Self::RoundTrips
                | Self::Ramp
                | Self::MeanQueue
                | Self::LongestQueue
        )
    }
}

/// One number.
pub struct Figure {
    /// The case within the bench, e.g. `1KiB/128KiB`.
    pub case: String,
    /// Who did it.
    pub implementation: String,
    /// What was measured.
    pub metric: Metric,
    /// The median.
    pub value: f64,
}

/// All figures of a bench; prints itself as it grows (`--lines`) or at the end.
pub struct Report {
    bench: &'static str,
    lines: bool,
    figures: Vec<Figure>,
}

impl Report {
    /// The report of the bench called `bench`, in the form the command line asks for.
    pub fn from_arguments(bench: &'static str) -> Self {
        Self { bench, lines: std::env::args().any(|argument| argument == "--lines"), figures: Vec::new() }
    }

    /// Adds a figure.
    pub fn add(&mut self, figure: Figure) {
        if self.lines {
            let (metric, unit) = figure.metric.name_and_unit();
            println!(
                "bench={}/{} impl={} metric={metric} value={:.3} unit={unit}",
                self.bench, figure.case, figure.implementation, figure.value
            );
        }
        self.figures.push(figure);
    }

    /// Prints the table: a row per case, a column per implementation, and ours against the best of the others.
    pub fn finish(self) {
        if self.lines {
            return;
        }
        let mut columns: Vec<&str> = Vec::new();
        let mut rows: Vec<(&str, Metric)> = Vec::new();
        for figure in &self.figures {
            if !columns.contains(&figure.implementation.as_str()) {
                columns.push(&figure.implementation);
            }
            if !rows.contains(&(&figure.case, figure.metric)) {
                rows.push((&figure.case, figure.metric));
            }
        }
        print!("{:<28} {:<12}", self.bench, "metric");
        columns.iter().for_each(|column| print!(" {column:>20}"));
        println!("  ours / best other");
        for (case, metric) in rows {
            let values = self.values(case, metric);
            print!("{case:<28} {:<12}", metric.name_and_unit().0);
            for column in &columns {
                match values.get(column) {
                    Some(value) => print!(" {value:>20.1}"),
                    None => print!(" {:>20}", "-"),
                }
            }
            println!("  {}", ratio(&values, metric));
        }
    }

    fn values(&self, case: &str, metric: Metric) -> BTreeMap<&str, f64> {
        let of_row = self.figures.iter().filter(|figure| figure.case == case && figure.metric == metric);
        of_row.map(|figure| (figure.implementation.as_str(), figure.value)).collect()
    }
}

fn ratio(values: &BTreeMap<&str, f64>, metric: Metric) -> String {
    let best = |ours: bool| {
        let better = if metric.less_is_better() { f64::min } else { f64::max };
        values
            .iter()
            .filter(|(name, _)| name.starts_with("sendrecv-") == ours && !name.starts_with("limit-"))
            .map(|(_, value)| *value)
            .fold(f64::NAN, better)
    };
    format!("{:.2}", best(true) / best(false))
}
