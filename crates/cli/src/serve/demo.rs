//! What our side does on the page: chat echo, throughput runs, media echo.

use crate::echo::Echo;
use bytes::Bytes;
use sendrecv::{
    DataChannelId, Event, IceCandidate, Message, PeerConnection, PeerConnectionState, ReceivedRtp,
};
use sendrecv_core::Instant;
use sendrecv_net::Application;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// How much may wait in the download channel, and how big its messages are.
const DOWNLOAD_BUFFER: usize = 4 << 20;
const DOWNLOAD_MESSAGE: usize = 64 << 10;
/// How often the page is told how many bytes have arrived.
const TALLY_INTERVAL: Duration = Duration::from_millis(200);

/// What the page is told outside of the connection.
pub(crate) enum Notice {
    Candidate(Option<IceCandidate>),
    Error(String),
}

/// Commands of the page on its `control` channel.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Control {
    /// An upload begins.
    Count,
    /// The upload is over: report it once everything is here.
    Report,
    /// Send for so long.
    Download { seconds: u64 },
}

/// The application behind one tab.
pub(crate) struct Demo {
    pub(crate) echo: Echo,
    notices: UnboundedSender<Notice>,
    control: Option<DataChannelId>,
    bulk: Option<DataChannelId>,
    upload: Option<Run>,
    download: Option<Download>,
    tally_at: Option<Instant>,
    block: Bytes,
}

struct Run {
    bytes: u64,
    began: Instant,
}

struct Download {
    run: Run,
    ends: Instant,
}

impl Demo {
    pub(crate) fn new(notices: UnboundedSender<Notice>) -> Self {
        let block = (0..DOWNLOAD_MESSAGE).map(|i| (i % 251) as u8).collect::<Vec<u8>>().into();
        Self {
            echo: Echo::default(),
            notices,
            control: None,
            bulk: None,
            upload: None,
            download: None,
            tally_at: None,
            block,
        }
    }

    fn tell(&self, notice: Notice) {
        let _ = self.notices.send(notice);
    }

    fn on_open(&mut self, pc: &PeerConnection, channel: DataChannelId) {
        match pc.data_channel(channel).map(|channel| channel.label().to_owned()).as_deref() {
            Some("control") => self.control = Some(channel),
            Some("throughput") => self.bulk = Some(channel),
            _ => {}
        }
    }

    fn on_message(
        &mut self,
        pc: &mut PeerConnection,
        now: Instant,
        channel: DataChannelId,
        message: Message,
    ) {
        if Some(channel) == self.bulk {
            let run = self.upload.get_or_insert(Run { bytes: 0, began: now });
            run.bytes += message.bytes().len() as u64;
            self.tally_at.get_or_insert(now + TALLY_INTERVAL);
        } else if Some(channel) == self.control {
            if let Some(Ok(control)) = message.as_text().map(serde_json::from_str) {
                self.on_control(pc, now, &control);
            }
        } else {
            self.echo.on_message(pc, now, channel, message);
        }
    }

    fn on_control(&mut self, pc: &mut PeerConnection, now: Instant, control: &Control) {
        match control {
            Control::Count => self.upload = Some(Run { bytes: 0, began: now }),
            Control::Report => {
                if let Some(run) = self.upload.take() {
                    self.tally_at = None;
                    self.report(pc, now, "upload", &run);
                }
            }
            Control::Download { seconds } => {
                let ends = now + Duration::from_secs((*seconds).min(60));
                self.download = Some(Download { run: Run { bytes: 0, began: now }, ends });
                if let Some(bulk) = self.bulk {
                    let _ = pc.set_buffered_amount_low_threshold(now, bulk, DOWNLOAD_BUFFER / 2);
                }
                self.fill(pc, now);
            }
        }
    }

    /// Keeps the download channel's buffer full until time is up.
    fn fill(&mut self, pc: &mut PeerConnection, now: Instant) {
        let (Some(bulk), Some(download)) = (self.bulk, &mut self.download) else { return };
        if now >= download.ends {
            if let Some(download) = self.download.take() {
                self.report(pc, now, "download", &download.run);
            }
            return;
        }
        while pc.data_channel(bulk).is_some_and(|channel| channel.buffered_amount() < DOWNLOAD_BUFFER) {
            if pc.send(now, bulk, Message::Binary(self.block.clone())).is_err() {
                break;
            }
            download.run.bytes += DOWNLOAD_MESSAGE as u64;
        }
    }

    fn report(&self, pc: &mut PeerConnection, now: Instant, done: &str, run: &Run) {
        let seconds = (now - run.began).as_secs_f64().max(0.001);
        self.say(pc, now, json!({ "done": done, "bytes": run.bytes, "seconds": seconds, "received": (done == "upload").then_some(run.bytes) }));
    }

    fn say(&self, pc: &mut PeerConnection, now: Instant, value: serde_json::Value) {
        if let Some(control) = self.control {
            let _ = pc.send(now, control, Message::from(value.to_string().as_str()));
        }
    }
}

impl Application for Demo {
    fn on_event(&mut self, pc: &mut PeerConnection, now: Instant, event: Event) {
        match event {
            Event::IceCandidate(candidate) => self.tell(Notice::Candidate(candidate)),
            Event::IceCandidateError(error) => {
                self.tell(Notice::Error(format!(
                    "{} answered {} {}",
                    error.url, error.error_code, error.error_text
                )));
            }
            Event::ConnectionStateChange(PeerConnectionState::Failed) => self.tell(Notice::Error(
                "Our side found no way to the browser, or its certificate did not match.".to_owned(),
            )),
            Event::DataChannelOpen(channel) => self.on_open(pc, channel),
            Event::DataChannelMessage { channel, message } => self.on_message(pc, now, channel, message),
            Event::DataChannelBufferedAmountLow(_) => self.fill(pc, now),
            other => self.echo.on_event(pc, now, &other),
        }
    }

    fn on_rtp(&mut self, pc: &mut PeerConnection, now: Instant, packet: ReceivedRtp<'_>) {
        self.echo.on_rtp(pc, now, &packet);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        sendrecv_core::earliest(self.tally_at, self.download.as_ref().map(|download| download.ends))
    }

    fn handle_timeout(&mut self, pc: &mut PeerConnection, now: Instant) {
        self.fill(pc, now);
        if self.tally_at.is_some_and(|at| at <= now) {
            self.tally_at = None;
            if let Some(run) = &self.upload {
                self.say(pc, now, json!({ "received": run.bytes }));
            }
        }
    }
}
