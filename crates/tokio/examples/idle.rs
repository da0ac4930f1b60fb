//! What idle connections cost: a server with one socket, and as many clients with a socket each in a second process.
//!
//! `ulimit -n 20000; cargo run --release -p sendrecv-tokio --example idle -- 10000 60` connects 10,000 peers with a data
//! channel each, leaves them alone for 60 seconds, and prints memory and CPU time of both processes. Linux only.
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../../net/examples/greeter/mod.rs"]
mod greeter;

use greeter::{Greeter, answer, offer};
use sendrecv::{Configuration, SdpType, SessionDescription};
use sendrecv_tokio::{BindOptions, HostClock, HostOptions, Server, spawn};
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How long nobody may greet before the rest is given up.
const PATIENCE: Duration = Duration::from_secs(30);

type Outcome<T> = Result<T, Box<dyn Error>>;

fn options() -> HostOptions {
    let bind = BindOptions { addresses: vec![[127, 0, 0, 1].into()], ..BindOptions::default() };
    HostOptions { bind, clock: Some(HostClock::start()), ..HostOptions::default() }
}

fn greeter(heard: &UnboundedSender<String>) -> Greeter {
    let heard = heard.clone();
    Greeter::new("idler", |_| {}, move |text| drop(heard.send(text)))
}

/// A description on one line, and back.
fn to_line(description: &SessionDescription) -> String {
    description.sdp.replace("\r\n", "|")
}

fn from_line(kind: SdpType, line: &str) -> SessionDescription {
    SessionDescription { kind, sdp: line.trim_end().replace('|', "\r\n") }
}

fn next_line(lines: &mut impl BufRead) -> Outcome<String> {
    let mut line = String::new();
    if lines.read_line(&mut line)? == 0 { Err("the other process has ended".into()) } else { Ok(line) }
}

/// Waits for everybody's greeting; says so if some do not come for a while.
async fn everybody_greeted(count: usize, greetings: &mut UnboundedReceiver<String>) {
    for number in 0..count {
        if tokio::time::timeout(PATIENCE, greetings.recv()).await.is_err() {
            return eprintln!("{} of {count} did not connect", count - number);
        }
    }
}

/// The first process.
async fn serve(count: usize, idle: Duration) -> Outcome<()> {
    let (heard, mut greetings) = unbounded_channel();
    let server = Server::bind(options())?;
    let mut clients = Command::new(std::env::current_exe()?)
        .args(["clients", &count.to_string(), &idle.as_secs().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let Child { stdin: Some(to), stdout: Some(from), .. } = &mut clients else {
        return Err("no pipes".into());
    };
    let mut from = BufReader::new(from);
    let mut peers = Vec::new();
    for _ in 0..count {
        let offer = from_line(SdpType::Offer, &next_line(&mut from)?);
        let peer = server.spawn(Configuration::default(), greeter(&heard))?;
        peer.with(|pc, _, now| answer(pc, now, offer)).await??;
        let answer = peer.with(|pc, _, _| pc.local_description()).await?.ok_or("no description")?;
        writeln!(to, "{}", to_line(&answer))?;
        peers.push(peer);
    }
    everybody_greeted(count, &mut greetings).await;
    println!("server, one socket:    {}", measure(count, idle).await?);
    print!("clients, one each:     {}", next_line(&mut from)?);
    server.close().await;
    clients.wait()?;
    Ok(())
}

/// The second.
async fn visit(count: usize, idle: Duration) -> Outcome<()> {
    let (heard, mut greetings) = unbounded_channel();
    let mut from = std::io::stdin().lock();
    let mut peers = Vec::new();
    for _ in 0..count {
        let peer = spawn(Configuration::default(), options(), greeter(&heard))?;
        let offer = peer.with(|pc, _, now| offer(pc, now)).await??;
        println!("{}", to_line(&offer));
        let answer = from_line(SdpType::Answer, &next_line(&mut from)?);
        peer.with(|pc, _, now| pc.set_remote_description(now, answer)).await??;
        peers.push(peer);
    }
    everybody_greeted(count, &mut greetings).await;
    println!("{}", measure(count, idle).await?);
    Ok(())
}

/// Memory now, and CPU time from now on.
async fn measure(count: usize, idle: Duration) -> Outcome<String> {
    let before = cpu_ticks()?;
    tokio::time::sleep(idle).await;
    let ticks = cpu_ticks()? - before;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let field = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: usize = field.split_whitespace().next().ok_or("no VmRSS")?.parse()?;
    // Linux counts in hundredths of a second.
    let percent = f64::from(ticks) / idle.as_secs_f64();
    Ok(format!("{} MiB, {} KiB per peer; {percent:.1} % of a core", kib / 1024, kib / count.max(1)))
}

fn cpu_ticks() -> Outcome<u32> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11);
    let mut next = || Ok::<u32, Box<dyn Error>>(fields.next().ok_or("no CPU time")?.parse()?);
    Ok(next()? + next()?)
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["clients", count, seconds] => visit(count.parse()?, Duration::from_secs(seconds.parse()?)).await,
        [count, seconds] => serve(count.parse()?, Duration::from_secs(seconds.parse()?)).await,
        _ => serve(100, Duration::from_secs(10)).await,
    }
}
