//! DTMF: tones sent as telephone events.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     event     |E|R| volume    |          duration             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//! RFC 4733, section 2.3; when which tone is sent is W3C webrtc-pc, section 7.

use crate::discard::MediaError;
use crate::parameters::CodecParameters;
use crate::receive::units;
use alloc::string::String;
use core::time::Duration;
use sendrecv_core::Instant;

/// The time between reports on a tone.
const INTERVAL: Duration = Duration::from_millis(20);
/// How often the end of a tone is reported (section 2.5.1.4).
const LAST_REPORTS: u8 = 3;
/// The longest duration that a report can tell, in units of the clock.
const LONGEST: u64 = 0xffff;
/// A pause of `,`.
const PAUSE: Duration = Duration::from_secs(2);
/// How loud tones are: dB below full scale.
const VOLUME: u8 = 10;

/// How long tones are, and how far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToneTiming {
    /// The duration of a tone: 40 to 6000 ms, what is outside is brought inside.
    pub duration: Duration,
    /// The time between two tones: 30 to 6000 ms, what is outside is brought inside.
    pub inter_tone_gap: Duration,
}

impl Default for ToneTiming {
    /// 100 ms, 70 ms apart.
    fn default() -> Self {
        Self { duration: Duration::from_millis(100), inter_tone_gap: Duration::from_millis(70) }
    }
}

impl ToneTiming {
    fn clamped(self) -> Self {
        let most = Duration::from_millis(6000);
        Self {
            duration: self.duration.clamp(Duration::from_millis(40), most),
            inter_tone_gap: self.inter_tone_gap.clamp(Duration::from_millis(30), most),
        }
    }
}

/// Whether a codec is that of telephone events.
pub(crate) fn is_event(codec: &CodecParameters) -> bool {
    codec.name.eq_ignore_ascii_case("telephone-event")
}

/// The number of a tone's event (section 3.2).
const fn event(tone: char) -> Option<u8> {
    Some(match tone {
        '0' => 0,
        '1' => 1,
        '2' => 2,
        '3' => 3,
        '4' => 4,
        '5' => 5,
        '6' => 6,
        '7' => 7,
        '8' => 8,
        '9' => 9,
        '*' => 10,
        '#' => 11,
        'A' => 12,
        'B' => 13,
        'C' => 14,
        'D' => 15,
        _ => return None,
    })
}

/// The tones to be sent, and the one that sounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tones {
    buffer: String,
    timing: ToneTiming,
    /// When the next tone begins, or it is said that there is none.
    next_at: Option<Instant>,
    playing: Option<Tone>,
}

/// In which units a tone is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    pub(crate) payload_type: u8,
    /// Of durations, in Hz.
    pub(crate) clock_rate: u32,
    /// The stream's timestamp, and its rate in Hz.
    pub(crate) timestamp: u32,
    pub(crate) stream_rate: u32,
}

/// A tone that sounds, or whose end is still being reported.
#[derive(Clone, Copy, Debug)]
struct Tone {
    event: u8,
    clocks: Clocks,
    begun: Instant,
    end: Instant,
    /// The time between reports.
    interval: Duration,
    due: Instant,
    first: bool,
    /// Units before the present segment of a long tone.
    told: u64,
    last_reports: u8,
}

/// A packet about a tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) payload_type: u8,
    pub(crate) clock_rate: u32,
    pub(crate) timestamp: u32,
    pub(crate) begun: Instant,
    /// Whether it is the tone's first.
    pub(crate) first: bool,
    event: u8,
    end: bool,
    duration: u16,
}

impl Report {
    pub(crate) fn payload(&self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, VOLUME | if self.end { 0x80 } else { 0 }, high, low]
    }
}

impl Tones {
    pub(crate) fn buffer(&self) -> &str {
        &self.buffer
    }

    /// Whether a tone sounds at `now`.
    pub(crate) fn sounds(&self, now: Instant) -> bool {
        self.playing.is_some_and(|tone| now < tone.end)
    }

    /// Replaces the tones to come; the one that sounds goes on.
    pub(crate) fn insert(&mut self, now: Instant, tones: &str, timing: ToneTiming) -> Result<(), MediaError> {
        let tones = tones.to_ascii_uppercase();
        if !tones.chars().all(|tone| tone == ',' || event(tone).is_some()) {
            return Err(MediaError::UnknownTone);
        }
        self.buffer = tones;
        self.timing = timing.clamped();
        if !self.buffer.is_empty() && self.next_at.is_none() {
            self.next_at = Some(now);
        }
        Ok(())
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        sendrecv_core::earliest(self.next_at, self.playing.map(|tone| tone.due))
    }

    /// The report that is due on the tone that sounds.
    pub(crate) fn report(&mut self, now: Instant) -> Option<Report> {
        let tone = self.playing.as_mut().filter(|tone| tone.due <= now)?;
        let report = tone.report(now);
        if tone.last_reports == 0 {
            self.playing = None;
        }
        Some(report)
    }

    /// Goes on to the next tone if that is due, and returns it; `None` when there are no more.
    pub(crate) fn next(&mut self, now: Instant, clocks: Clocks) -> Option<Option<char>> {
        self.next_at.filter(|at| *at <= now)?;
        let mut rest = self.buffer.chars();
        let tone = rest.next();
        self.buffer = rest.as_str().into();
        let ToneTiming { duration, inter_tone_gap } = self.timing;
        self.next_at = tone.map(|tone| now + if tone == ',' { PAUSE } else { duration + inter_tone_gap });
        if let Some(event) = tone.and_then(event) {
            // Close enough that the last report is out before the next tone begins.
            let interval = INTERVAL.min(inter_tone_gap / 3);
            let (begun, end, due) = (now, now + duration, now + interval);
            let (first, told, last_reports) = (true, 0, LAST_REPORTS);
            self.playing = Some(Tone { event, clocks, begun, end, interval, due, first, told, last_reports });
        }
        Some(tone)
    }
}

impl Tone {
    fn report(&mut self, now: Instant) -> Report {
        let Clocks { payload_type, clock_rate, timestamp, stream_rate } = self.clocks;
        let sounded = units(now.min(self.end).saturating_since(self.begun), clock_rate);
        let units_of_segment = u64::try_from(sounded).unwrap_or(0).saturating_sub(self.told);
        // A longer tone goes on in another segment, once this one is told to its end (section 2.5.1.3).
        let full = units_of_segment > LONGEST;
        let end = now >= self.end && !full;
        let begun_at = self.told.saturating_mul(stream_rate.into()) / u64::from(clock_rate.max(1));
        let [.., a, b, c, d] = begun_at.to_be_bytes();
        let report = Report {
            payload_type,
            clock_rate,
            timestamp: timestamp.wrapping_add(u32::from_be_bytes([a, b, c, d])),
            begun: self.begun,
            first: core::mem::take(&mut self.first),
            event: self.event,
            end,
            duration: u16::try_from(units_of_segment).unwrap_or(u16::MAX),
        };
        if full {
            self.told += LONGEST;
            return report;
        }
        self.last_reports -= u8::from(end);
        self.due = if end { now + self.interval } else { (now + self.interval).min(self.end) };
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(1000 + millis)
    }

    fn clocks(clock_rate: u32) -> Clocks {
        Clocks { payload_type: 110, clock_rate, timestamp: 7000, stream_rate: 48_000 }
    }

    /// What came, and after how many milliseconds.
    type Timed<T> = Vec<(u64, T)>;

    /// Plays until nothing is left.
    fn play(tones: &mut Tones, clocks: Clocks) -> (Timed<Report>, Timed<Option<char>>) {
        let (mut reports, mut changes) = (Vec::new(), Vec::new());
        while let Some(now) = tones.deadline() {
            let millis = now.saturating_since(at(0)).as_millis().try_into().unwrap_or(0);
            match tones.report(now) {
                Some(report) => reports.push((millis, report)),
                None => changes.extend(tones.next(now, clocks).map(|tone| (millis, tone))),
            }
        }
        (reports, changes)
    }

    #[test]
    fn a_tone_is_reported_while_it_sounds_and_its_end_three_times() {
        let mut tones = Tones::default();
        assert_eq!(tones.insert(at(0), "1", ToneTiming::default()), Ok(()));
        let (reports, changes) = play(&mut tones, clocks(48_000));
        assert_eq!(changes, [(0, Some('1')), (170, None)]);
        let told: Vec<_> = reports.iter().map(|(at, report)| (*at, report.first, report.payload())).collect();
        let payload = |end: u8, duration: u16| {
            let [high, low] = duration.to_be_bytes();
            [1, 10 | end, high, low]
        };
        assert_eq!(
            told,
            [
                (20, true, payload(0, 960)),
                (40, false, payload(0, 1920)),
                (60, false, payload(0, 2880)),
                (80, false, payload(0, 3840)),
                (100, false, payload(0x80, 4800)),
                (120, false, payload(0x80, 4800)),
                (140, false, payload(0x80, 4800)),
            ]
        );
        assert!(reports.iter().all(|(_, report)| report.timestamp == 7000));
    }

    #[test]
    fn a_long_tone_goes_on_in_another_segment() {
        let mut tones = Tones::default();
        let timing = ToneTiming { duration: Duration::from_secs(60), ..ToneTiming::default() };
        assert_eq!(tones.insert(at(0), "#", timing), Ok(()));
        let (reports, changes) = play(&mut tones, clocks(48_000));
        assert_eq!(changes, [(0, Some('#')), (6070, None)], "6 s is the longest");
        assert_eq!(reports.iter().filter(|(_, report)| report.first).count(), 1);
        let ends: Vec<_> = reports.iter().filter(|(_, report)| report.end).collect();
        assert_eq!(ends.len(), 3);
        // 6 s are 288,000 units: four whole segments and the rest.
        assert_eq!((ends[0].1.timestamp, ends[0].1.duration), (7000 + 4 * 65_535, 25_860));
        let full = reports.iter().filter(|(_, report)| report.duration == u16::MAX);
        assert_eq!(full.map(|(_, report)| report.end).collect::<Vec<_>>(), [false; 4]);
    }

    #[test]
    fn the_shortest_gap_has_room_for_the_last_reports() {
        let mut tones = Tones::default();
        let timing = ToneTiming { duration: Duration::ZERO, inter_tone_gap: Duration::ZERO };
        assert_eq!(tones.insert(at(0), "a,D", timing), Ok(()));
        let (reports, changes) = play(&mut tones, clocks(8000));
        assert_eq!(changes, [(0, Some('A')), (70, Some(',')), (2070, Some('D')), (2140, None)]);
        let of_a: Vec<_> = reports.iter().filter(|(_, report)| report.event == 12).collect();
        assert_eq!(of_a.last().map(|(at, report)| (*at, report.end)), Some((60, true)));
        assert_eq!(of_a.last().map(|(_, report)| report.duration), Some(320), "40 ms at 8000 Hz");
    }

    #[test]
    fn an_unknown_tone_changes_nothing_and_none_at_all_cancels() {
        let mut tones = Tones::default();
        assert_eq!(tones.insert(at(0), "123", ToneTiming::default()), Ok(()));
        assert_eq!(tones.insert(at(0), "1x", ToneTiming::default()), Err(MediaError::UnknownTone));
        assert_eq!(tones.buffer(), "123");
        assert_eq!(tones.next(at(0), clocks(8000)), Some(Some('1')));
        assert!(tones.sounds(at(50)) && !tones.sounds(at(100)));
        assert_eq!(tones.insert(at(10), "", ToneTiming::default()), Ok(()));
        let (reports, changes) = play(&mut tones, clocks(8000));
        assert_eq!(changes, [(170, None)], "the one that sounds is played to its end");
        assert!(reports.last().is_some_and(|(_, report)| report.end));
    }
}
