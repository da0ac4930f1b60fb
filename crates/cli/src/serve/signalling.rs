//! Signalling for the page: JSON over a WebSocket, one peer per socket.

use super::demo::{Demo, Notice};
use super::{Shared, ended};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use sendrecv::{Configuration, IceCandidateInit, SdpType, SessionDescription};
use sendrecv_tokio::{Handle, HostOptions};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What the page sends.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum FromPage {
    Offer { sdp: String },
    Candidate { candidate: Option<IceCandidateInit> },
}

pub(crate) async fn upgrade(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| converse(socket, shared))
}

async fn converse(mut socket: WebSocket, shared: Arc<Shared>) {
    let (notices, mut from_peer) = mpsc::unbounded_channel();
    let configuration = Configuration { ice_servers: shared.ice_servers.clone(), ..Configuration::default() };
    let options = HostOptions { bind: crate::bind_options(&[]), ..HostOptions::default() };
    let peer = match sendrecv_tokio::spawn(configuration, options, Demo::new(notices)) {
        Ok(peer) => peer,
        Err(error) => {
            let _ = send(
                &mut socket,
                json!({ "type": "error", "message": format!("No peer could be made: {error}") }),
            )
            .await;
            return;
        }
    };
    let _ = send(&mut socket, json!({ "type": "hello", "iceServers": shared.ice_servers })).await;
    let mut statistics = tokio::time::interval(Duration::from_secs(1));
    let ending = ended(shared.ending.clone());
    tokio::pin!(ending);
    loop {
        let answer = tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => handle(&peer, &text).await,
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => None,
            },
            Some(notice) = from_peer.recv() => Some(describe(notice)),
            _ = statistics.tick() => peer.with(|pc, _, now| pc.get_stats(now)).await.ok().map(|stats| json!({ "type": "stats", "stats": stats })),
            () = &mut ending => break,
        };
        if let Some(answer) = answer
            && send(&mut socket, answer).await.is_err()
        {
            break;
        }
    }
    peer.close().await;
}

async fn send(socket: &mut WebSocket, value: Value) -> Result<(), axum::Error> {
    socket.send(Message::Text(value.to_string().into())).await
}

fn describe(notice: Notice) -> Value {
    match notice {
        Notice::Candidate(candidate) => json!({ "type": "candidate", "candidate": candidate }),
        Notice::Error(message) => json!({ "type": "error", "message": message }),
    }
}

async fn handle(peer: &Handle<Demo>, text: &str) -> Option<Value> {
    let outcome = match serde_json::from_str(text) {
        Ok(FromPage::Offer { sdp }) => answer(peer, sdp).await.map(Some),
        Ok(FromPage::Candidate { candidate }) => add_candidate(peer, candidate).await.map(|()| None),
        Err(error) => Err(format!("the page sent something else than expected: {error}")),
    };
    outcome.unwrap_or_else(|message| Some(json!({ "type": "error", "message": message })))
}

async fn answer(peer: &Handle<Demo>, sdp: String) -> Result<Value, String> {
    let offer = SessionDescription { kind: SdpType::Offer, sdp };
    let answer = peer
        .with(move |pc, demo, now| demo.echo.answer(pc, now, offer))
        .await
        .map_err(|error| error.to_string())?;
    let answer = answer.map_err(|error| format!("The browser's offer was refused: {error}"))?;
    Ok(json!({ "type": "answer", "sdp": answer.sdp }))
}

async fn add_candidate(peer: &Handle<Demo>, candidate: Option<IceCandidateInit>) -> Result<(), String> {
    peer.with(move |pc, _, now| pc.add_ice_candidate(now, candidate))
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("A candidate was refused: {error}"))
}
