//! Bursts at more than the present rate, to see whether they arrive as fast.

use super::rate::hundredths;
use alloc::collections::VecDeque;
use core::time::Duration;
use sendrecv_core::Instant;

/// What a probe takes at least.
const MIN_PACKETS: u64 = 5;
const MIN_LENGTH: Duration = Duration::from_millis(15);
/// A probe that found nothing to send for so long ends.
const PATIENCE: Duration = Duration::from_secs(1);
/// Probes that wait or are waited for.
const MAX_CLUSTERS: usize = 4;
/// The first probes, in hundredths of the rate to begin with.
const FIRST: [u64; 2] = [300, 600];
/// Probes later, in hundredths of the estimate.
const FURTHER: u64 = 200;
/// So much of a probe's rate, in hundredths, must have arrived for the next to follow at once.
const SUCCESS: u64 = 70;
/// When less arrives than was sent, in hundredths, that is the capacity, of which so many hundredths are used.
const SATURATED: u64 = 90;
const UTILISATION: u64 = 95;
/// Time between probes while there may be more.
const INTERVAL: Duration = Duration::from_secs(5);

/// A burst at one rate.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    id: u64,
    bps: u64,
    begun: Option<Instant>,
    sent_packets: u64,
    sent_bytes: u64,
    first_sent: Instant,
    last_sent: Instant,
    last_sent_bytes: u64,
    received_packets: u64,
    received_bytes: u64,
    first_arrival: i64,
    last_arrival: i64,
    first_bytes: u64,
}

impl Cluster {
    const fn new(id: u64, bps: u64) -> Self {
        Self {
            id,
            bps,
            begun: None,
            sent_packets: 0,
            sent_bytes: 0,
            first_sent: Instant::ZERO,
            last_sent: Instant::ZERO,
            last_sent_bytes: 0,
            received_packets: 0,
            received_bytes: 0,
            first_arrival: 0,
            last_arrival: 0,
            first_bytes: 0,
        }
    }

    fn note_sent(&mut self, now: Instant, bytes: u64) {
        if self.sent_packets == 0 {
            self.first_sent = now;
        }
        self.sent_packets += 1;
        self.sent_bytes = self.sent_bytes.saturating_add(bytes);
        (self.last_sent, self.last_sent_bytes) = (now, bytes);
    }

    fn is_sent(&self) -> bool {
        let length = u64::try_from(MIN_LENGTH.as_micros()).unwrap_or(0);
        let wanted = self.bps.saturating_mul(length) / 8_000_000;
        self.sent_packets >= MIN_PACKETS && self.sent_bytes >= wanted
    }

    fn note_received(&mut self, arrival: i64, bytes: u64) {
        if self.received_packets == 0 || arrival < self.first_arrival {
            (self.first_arrival, self.first_bytes) = (arrival, bytes);
        }
        self.last_arrival = if self.received_packets == 0 { arrival } else { self.last_arrival.max(arrival) };
        self.received_packets += 1;
        self.received_bytes = self.received_bytes.saturating_add(bytes);
    }

    /// The bitrate that it shows; `None` while too little has arrived, or when it makes no sense.
    fn result(&self) -> Option<u64> {
        let enough = self.received_packets * 5 >= self.sent_packets * 4;
        let sending = micros_u64(self.last_sent.saturating_since(self.first_sent));
        let arriving = u64::try_from(self.last_arrival.saturating_sub(self.first_arrival)).unwrap_or(0);
        if !enough || sending == 0 || arriving == 0 || sending.max(arriving) > 1_000_000 {
            return None;
        }
        let rate = |bytes: u64, micros: u64| bytes.saturating_mul(8_000_000) / micros;
        // Of n packets, n - 1 fill the time between the first and the last.
        let sent = rate(self.sent_bytes.saturating_sub(self.last_sent_bytes), sending);
        let arrived = rate(self.received_bytes.saturating_sub(self.first_bytes), arriving);
        if arrived > sent.saturating_mul(2) {
            return None;
        }
        let saturated = arrived < hundredths(sent, SATURATED);
        Some(if saturated { hundredths(arrived, UTILISATION) } else { sent.min(arrived) })
    }
}

/// Decides when to probe, and measures what arrives.
#[derive(Clone, Debug)]
pub(super) struct Probes {
    enabled: bool,
    next_id: u64,
    /// Those to be sent; the first may be under way.
    waiting: VecDeque<Cluster>,
    /// Those that were sent.
    sent: VecDeque<Cluster>,
    begun: bool,
    last: Instant,
}

impl Probes {
    pub(super) fn new(now: Instant, enabled: bool) -> Self {
        Self {
            enabled,
            next_id: 0,
            waiting: VecDeque::with_capacity(MAX_CLUSTERS),
            sent: VecDeque::with_capacity(MAX_CLUSTERS + 1),
            begun: false,
            last: now,
        }
    }

    /// Probes for the first time.
    pub(super) fn begin(&mut self, now: Instant, start: u64, most: u64) {
        if !core::mem::replace(&mut self.begun, true) {
            FIRST.into_iter().for_each(|factor| self.ask(now, hundredths(start, factor).min(most)));
        }
    }

    /// Probes again when it is time.
    pub(super) fn again(&mut self, now: Instant, estimate: u64, most: u64) {
        if self.begun
            && self.waiting.is_empty()
            && estimate < most
            && now.saturating_since(self.last) >= INTERVAL
        {
            self.ask(now, hundredths(estimate, FURTHER).min(most));
        }
    }

    fn ask(&mut self, now: Instant, bps: u64) {
        let known = self.waiting.back().is_some_and(|cluster| cluster.bps >= bps);
        if self.enabled && !known && self.waiting.len() < MAX_CLUSTERS {
            self.next_id += 1;
            self.waiting.push_back(Cluster::new(self.next_id, bps));
            self.last = now;
        }
    }

    /// Gives up what is not sent yet.
    pub(super) fn cancel(&mut self) {
        self.waiting.clear();
    }

    /// The rate of the probe under way, in bits per second.
    pub(super) fn rate(&self) -> Option<u64> {
        self.waiting.front().map(|cluster| cluster.bps)
    }

    /// Takes a packet that is being sent into the probe under way.
    pub(super) fn packet_sent(&mut self, now: Instant, bytes: u64) -> Option<u64> {
        let cluster = self.waiting.front_mut()?;
        let begun = *cluster.begun.get_or_insert(now);
        cluster.note_sent(now, bytes);
        let id = cluster.id;
        if cluster.is_sent() {
            if self.sent.len() >= MAX_CLUSTERS {
                self.sent.pop_front();
            }
            self.sent.extend(self.waiting.pop_front());
        } else if now.saturating_since(begun) > PATIENCE {
            self.waiting.pop_front();
        }
        Some(id)
    }

    /// Takes a packet of a probe that arrived, in microseconds of the receiver's clock. Says what the probe shows, once it
    /// shows something, and the rate it was sent at.
    pub(super) fn packet_received(&mut self, id: u64, arrival: i64, bytes: u64) -> Option<u64> {
        let of_sent = self.sent.iter_mut();
        let cluster = of_sent.chain(self.waiting.front_mut()).find(|cluster| cluster.id == id)?;
        cluster.note_received(arrival, bytes);
        self.sent.iter().find(|cluster| cluster.id == id)?.result()
    }

    /// A probe led to an estimate: if nearly all of it arrived, there may be more.
    pub(super) fn succeeded(&mut self, now: Instant, id: u64, bps: u64, most: u64) {
        let Some(cluster) = self.sent.iter().find(|cluster| cluster.id == id) else { return };
        if bps >= hundredths(cluster.bps, SUCCESS)
            && cluster.received_packets == cluster.sent_packets
            && bps < most
        {
            self.ask(now, hundredths(bps, FURTHER).min(most));
        }
    }
}

fn micros_u64(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Sends the probe under way at its rate over a link, and returns what it shows.
    fn run(probes: &mut Probes, at: &mut Instant, link_bps: u64) -> Option<u64> {
        let rate = probes.rate()?;
        let mut free = i64::try_from(at.as_micros()).unwrap();
        let mut packets = Vec::new();
        while probes.rate() == Some(rate) {
            let id = probes.packet_sent(*at, 1200)?;
            free = free.max(i64::try_from(at.as_micros()).unwrap())
                + i64::try_from(9_600_000_000 / link_bps).unwrap();
            packets.push((id, free));
            *at += Duration::from_micros(9_600_000_000 / rate);
        }
        packets.iter().filter_map(|(id, arrival)| probes.packet_received(*id, *arrival, 1200)).last()
    }

    #[test]
    fn a_probe_shows_its_own_rate_or_the_capacity() {
        let mut at = Instant::ZERO;
        let mut probes = Probes::new(at, true);
        probes.begin(at, 300_000, 10_000_000);
        let first = run(&mut probes, &mut at, 1_000_000).unwrap();
        assert!((890_000..=910_000).contains(&first), "{first}");
        let second = run(&mut probes, &mut at, 1_000_000).unwrap();
        assert!((940_000..=960_000).contains(&second), "{second}");
    }

    #[test]
    fn success_is_followed_by_the_next_and_time_by_another() {
        let mut at = Instant::ZERO;
        let mut probes = Probes::new(at, true);
        probes.begin(at, 300_000, 3_000_000);
        run(&mut probes, &mut at, 50_000_000);
        let shown = run(&mut probes, &mut at, 50_000_000).unwrap();
        probes.succeeded(at, 2, shown, 3_000_000);
        assert_eq!(probes.rate(), Some(3_000_000), "no more than is of use");
        probes.cancel();
        probes.again(at, 1_000_000, 3_000_000);
        assert_eq!(probes.rate(), None);
        probes.again(at + INTERVAL, 1_000_000, 3_000_000);
        assert_eq!(probes.rate(), Some(2_000_000));
    }

    #[test]
    fn a_probe_without_packets_to_send_ends() {
        let mut probes = Probes::new(Instant::ZERO, true);
        probes.begin(Instant::ZERO, 300_000, 3_000_000);
        probes.packet_sent(Instant::ZERO, 100);
        probes.packet_sent(Instant::from_millis(1500), 100);
        assert_eq!(probes.rate(), Some(1_800_000));
    }
}
