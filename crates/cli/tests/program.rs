//! The program as a child process: two scripted peers signalled to each other, and the server's front door.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_types,
    clippy::disallowed_methods
)]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

/// `sendrecv peer`, ended when dropped.
struct Peer {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sendrecv"))
            .arg("peer")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (commands, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, commands, answers }
    }

    fn ask_raw(&mut self, line: &str) -> Value {
        writeln!(self.commands, "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("no answer to {line}: {answer:?}"))
    }

    fn ask(&mut self, command: &Value) -> Value {
        let answer = self.ask_raw(&command.to_string());
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        answer
    }

    fn until(&mut self, what: &str, test: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let state = self.ask(&json!({ "do": "state" }));
            if test(&state) {
                return state;
            }
            assert!(began.elapsed() < LIMIT, "{what}: {state}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn quit(mut self) {
        self.ask(&json!({ "do": "quit" }));
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(offerer: &mut Peer, answerer: &mut Peer, offer: &Value) {
    let offer = offerer.ask(offer);
    assert_eq!(offer["type"], "offer");
    let answer = answerer.ask(&json!({ "do": "answer", "sdp": offer["sdp"], "audio": true, "video": true }));
    assert_eq!(answer["type"], "answer");
    offerer.ask(&json!({ "do": "accept", "sdp": answer["sdp"] }));
}

fn is_connected(state: &Value) -> bool {
    state["connectionState"] == "connected"
}

#[test]
fn two_programs_connect_on_either_host_and_echo_messages_and_media() {
    for (one, other) in [("tokio", "blocking"), ("blocking", "tokio")] {
        let mut a = Peer::start(&["--host", one, "--bind", "127.0.0.1"]);
        let mut b = Peer::start(&["--host", other, "--bind", "127.0.0.1"]);
        signal(&mut a, &mut b, &json!({ "do": "offer", "audio": true, "video": true, "channel": "chat" }));
        a.until("a connects", is_connected);
        b.until("b connects", is_connected);

        a.until("the channel opens", |state| state["channels"]["chat"]["readyState"] == "open");
        a.ask(&json!({ "do": "send", "channel": "chat", "text": "hello" }));
        let sent =
            a.ask(&json!({ "do": "send", "channel": "chat", "count": 50, "sizes": [0, 1, 1000, 100_000] }));
        let state = a.until("echoes", |state| state["channels"]["chat"]["received"]["messages"] == 51);
        let bytes = state["channels"]["chat"]["received"]["bytes"].as_u64().unwrap();
        assert_eq!(bytes, sent["bytes"].as_u64().unwrap() + 5);

        let frames = |state: &Value| state["received"]["video"]["frames"].as_u64().unwrap() >= 5;
        b.until("b receives the source", frames);
        a.until("a receives its echo", |state| {
            frames(state) && state["received"]["audio"]["packets"].as_u64().unwrap() > 5
        });

        let stats = a.ask(&json!({ "do": "stats" }));
        let transport =
            stats["stats"].as_object().unwrap().values().find(|entry| entry["type"] == "transport").unwrap();
        assert_eq!(transport["dtlsState"], "connected");
        a.quit();
        b.quit();
    }
}

#[test]
fn a_restart_keeps_the_session() {
    let (mut a, mut b) = (Peer::start(&["--bind", "127.0.0.1"]), Peer::start(&["--bind", "127.0.0.1"]));
    signal(&mut a, &mut b, &json!({ "do": "offer", "channel": "chat" }));
    a.until("the channel opens", |state| state["channels"]["chat"]["readyState"] == "open");
    signal(&mut a, &mut b, &json!({ "do": "restart" }));
    a.ask(&json!({ "do": "send", "channel": "chat", "text": "after" }));
    a.until("the echo", |state| state["channels"]["chat"]["lastText"] == "after");
    a.until("still connected", is_connected);
}

#[test]
fn what_is_wrong_is_answered_as_an_error() {
    let mut peer = Peer::start(&["--bind", "127.0.0.1"]);
    for line in [
        "nonsense",
        r#"{"do":"dance"}"#,
        r#"{"do":"configure","iceServers":[{"urls":"http://example.org"}]}"#,
        r#"{"do":"configure","dtls":{"max":"2.0"}}"#,
        r#"{"do":"answer","sdp":"v=1"}"#,
        r#"{"do":"accept","sdp":""}"#,
        r#"{"do":"send","channel":"none","text":"x"}"#,
        r#"{"do":"configure","iceTransportPolicy":"relay"}"#,
    ] {
        let answer = peer.ask_raw(line);
        assert!(answer["error"].as_str().is_some_and(|error| !error.is_empty()), "{line}: {answer}");
    }
    peer.quit();
}

#[test]
fn a_recording_replays() {
    let file = std::env::temp_dir().join(format!("sendrecv-recording-{}", std::process::id()));
    let mut a = Peer::start(&["--bind", "127.0.0.1", "--record", file.to_str().unwrap()]);
    let mut b = Peer::start(&["--bind", "127.0.0.1"]);
    signal(&mut a, &mut b, &json!({ "do": "offer", "video": true, "channel": "chat" }));
    a.until("video comes back", |state| state["received"]["video"]["frames"].as_u64().unwrap() >= 3);
    a.quit();
    let replay = Command::new(env!("CARGO_BIN_EXE_sendrecv")).arg("replay").arg(&file).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(replay.status.success() && replay.stdout.starts_with(b"identical"), "{replay:?}");
}

#[test]
fn the_server_prints_its_url_serves_the_page_and_names_a_taken_port() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_sendrecv"))
        .args(["serve", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address =
        line.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap().to_owned();

    let mut stream = TcpStream::connect(&address).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<title>sendrecv"));

    let port = address.rsplit(':').next().unwrap();
    let second =
        Command::new(env!("CARGO_BIN_EXE_sendrecv")).args(["serve", "--port", port]).output().unwrap();
    let _ = server.kill();
    let _ = server.wait();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains(&format!("port {port} is taken")));
}
