//! `sendrecv peer`: a peer driven by JSON lines, one answer per command.

mod application;
mod command;
mod driver;
mod pattern;

pub(crate) use command::Source;

use crate::arguments::Peer;
use crate::source::Sources;
use application::Scripted;
use command::{Command, Media, Offer, Send, Settings};
use driver::Driver;
use sendrecv::{IceGatheringState, PeerConnection, SdpType, SessionDescription};
use sendrecv_core::Instant;
use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::time::Duration;

const GATHERING_LIMIT: Duration = Duration::from_secs(12);

pub(crate) fn run(arguments: &Peer) -> Result<(), String> {
    let mut session = Session { arguments, settings: Settings::default(), driver: None };
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| format!("cannot read commands: {error}"))?;
        if line.trim().is_empty() {
            continue;
        }
        let command = serde_json::from_str(&line);
        let quit = matches!(command, Ok(Command::Quit));
        let answer = match command {
            Ok(command) => session.perform(command).unwrap_or_else(|error| json!({ "error": error })),
            Err(error) => json!({ "error": format!("not a command: {error}") }),
        };
        print_line(&answer)?;
        if quit {
            break;
        }
    }
    session.end()
}

fn print_line(answer: &Value) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}").and_then(|()| out.flush()).map_err(|error| format!("cannot answer: {error}"))
}

struct Session<'a> {
    arguments: &'a Peer,
    settings: Settings,
    driver: Option<Driver>,
}

impl Session<'_> {
    fn perform(&mut self, command: Command) -> Result<Value, String> {
        match command {
            Command::Configure(settings) => self.configure(*settings),
            Command::Offer(offer) => self.offer(offer),
            Command::Answer(answer) => self.answer(answer.sdp, &answer.media),
            Command::Accept { sdp } => {
                self.with(move |pc, _, now| {
                    pc.set_remote_description(now, SessionDescription { kind: SdpType::Answer, sdp })
                })?;
                Ok(json!({ "ok": true }))
            }
            Command::Candidate { candidate } => {
                self.with(move |pc, _, now| pc.add_ice_candidate(now, candidate))?;
                Ok(json!({ "ok": true }))
            }
            Command::Channel(channel) => {
                self.with(move |pc, app, now| app.open_channel(pc, now, &channel))?;
                Ok(json!({ "ok": true }))
            }
            Command::Send(send) => self.send(send),
            Command::CloseChannel { channel } => {
                self.with(move |pc, app, now| app.close_channel(pc, now, &channel))?;
                Ok(json!({ "ok": true }))
            }
            Command::Layer { rid } => {
                self.with(move |_, app, _| {
                    app.select_layer(&rid);
                    Ok::<_, String>(())
                })?;
                Ok(json!({ "ok": true }))
            }
            Command::State => self.driver()?.with(|pc, app, _| app.describe(pc)),
            Command::Stats => {
                let stats = self.driver()?.with(|pc, _, now| pc.get_stats(now))?;
                Ok(json!({ "stats": stats }))
            }
            Command::Restart => {
                self.with(|pc, _, now| {
                    pc.restart_ice(now);
                    let offer = pc.create_offer(sendrecv::OfferOptions::default())?;
                    pc.set_local_description(now, Some(offer))
                })?;
                self.gathered()
            }
            Command::Close => {
                self.driver()?.with(|pc, _, now| pc.close(now))?;
                Ok(json!({ "ok": true }))
            }
            Command::Quit => {
                self.close()?;
                Ok(json!({ "ok": true }))
            }
        }
    }

    /// Makes the peer with what was configured, at the first command that needs one.
    fn driver(&mut self) -> Result<&Driver, String> {
        if self.driver.is_none() {
            self.driver = Some(Driver::start(self.arguments, &self.settings)?);
        }
        self.driver.as_ref().ok_or_else(|| "no peer".to_owned())
    }

    /// Runs a command that may be refused.
    fn with<R, E>(
        &mut self,
        command: impl FnOnce(&mut PeerConnection, &mut Scripted, Instant) -> Result<R, E>
        + std::marker::Send
        + 'static,
    ) -> Result<R, String>
    where
        R: std::marker::Send + 'static,
        E: ToString + std::marker::Send + 'static,
    {
        self.driver()?.with(command)?.map_err(|error| error.to_string())
    }

    fn configure(&mut self, settings: Settings) -> Result<Value, String> {
        if self.driver.is_some() {
            return Err("the peer exists already: configure comes first".to_owned());
        }
        settings.to_configuration()?;
        self.settings = settings;
        Ok(json!({ "ok": true }))
    }

    fn offer(&mut self, offer: Offer) -> Result<Value, String> {
        let sources = Sources::open(&offer.media.source)?;
        self.with(move |pc, app, now| app.offer(pc, now, &offer, sources))?;
        self.gathered()
    }

    fn answer(&mut self, sdp: String, media: &Media) -> Result<Value, String> {
        let offer = SessionDescription { kind: SdpType::Offer, sdp };
        let refused = [(!media.audio, "audio"), (!media.video, "video")];
        let without: Vec<&'static str> =
            refused.into_iter().filter(|(refused, _)| *refused).map(|(_, kind)| kind).collect();
        self.with(move |pc, _, now| Scripted::answer(pc, now, offer, &without))?;
        self.gathered()
    }

    /// Waits until all candidates are known, and returns the local description with them.
    fn gathered(&mut self) -> Result<Value, String> {
        let began = std::time::Instant::now();
        loop {
            let description = self.driver()?.with(|pc, _, _| {
                (pc.ice_gathering_state() == IceGatheringState::Complete)
                    .then(|| pc.local_description())
                    .flatten()
            })?;
            if let Some(description) = description {
                return Ok(json!({ "type": description.kind.as_str(), "sdp": description.sdp }));
            }
            if began.elapsed() > GATHERING_LIMIT {
                return Err("gathering candidates took too long".to_owned());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn send(&mut self, send: Send) -> Result<Value, String> {
        let sent = self.with(move |pc, app, now| app.send(pc, now, &send))?;
        Ok(json!({ "messages": sent.messages, "bytes": sent.bytes, "hash": sent.hash }))
    }

    /// Closes the peer, keeping its recording if one was asked for.
    fn close(&mut self) -> Result<(), String> {
        let Some(driver) = self.driver.take() else { return Ok(()) };
        let log = driver.close();
        match (&self.arguments.record, log) {
            (Some(file), Some(log)) => std::fs::write(file, log.encode())
                .map_err(|error| format!("cannot write {}: {error}", file.display())),
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), String> {
        self.close()
    }
}
