//! Names in place of addresses (draft-ietf-mmusic-mdns-ice-candidates, section 3.1.1).
//!
//! One thread for each version of IP answers for all names of this process, for as long as there are any. Names are
//! random, so nobody else has them: there is no probing and no announcing (section 3.1.1, step 4).

use super::group::{Member, PORT};
use super::message::{Question, answer, questions};
use crate::clock::HostClock;
use rand::TryRng;
use rand::rngs::SysRng;
use sendrecv_core::Instant;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How often the threads look whether they are still wanted.
const GLANCE: Duration = Duration::from_millis(500);
/// The same record is not multicast more often (RFC 6762, section 6).
const PAUSE: Duration = Duration::from_secs(1);

static NAMES: Mutex<Names> =
    Mutex::new(Names { addresses: BTreeMap::new(), version: 0, running: [false; 2] });

struct Names {
    addresses: BTreeMap<String, IpAddr>,
    /// Counts what was added, since a new address may be on a new interface.
    version: u64,
    /// Whether the thread for IPv4, and for IPv6, is there.
    running: [bool; 2],
}

fn names() -> MutexGuard<'static, Names> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name that stands for an address, until it is dropped.
#[derive(Debug)]
pub(crate) struct Announced(String);

impl Announced {
    /// A fresh name for `ip`, which this machine answers for.
    pub(crate) fn new(ip: IpAddr) -> io::Result<Self> {
        let name = random_name()?;
        let mut names = names();
        names.addresses.insert(name.clone(), ip);
        names.version = names.version.wrapping_add(1);
        for (is_v6, running) in [false, true].into_iter().zip(&mut names.running) {
            if !*running {
                *running = start(is_v6);
            }
        }
        Ok(Self(name))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        names().addresses.remove(&self.0);
    }
}

/// A UUID of version 4 (RFC 9562, section 5.4) under `.local`.
fn random_name() -> io::Result<String> {
    let mut bytes = [0; 16];
    SysRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    let mut name = String::with_capacity(42);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            name.push('-');
        }
        // Strings take everything.
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(".local");
    Ok(name)
}

fn start(is_v6: bool) -> bool {
    let outcome = Member::join(is_v6).and_then(|member| {
        let thread = thread::Builder::new().name("sendrecv names".to_owned());
        thread.spawn(move || respond(&member, is_v6)).map(drop)
    });
    if let Err(error) = &outcome {
        tracing::warn!(%error, is_v6, "nobody answers for our names");
    }
    outcome.is_ok()
}

/// Answers for as long as there are names.
fn respond(member: &Member, is_v6: bool) {
    if !member.is_on_the_port() {
        tracing::warn!(is_v6, "another program has port 5353 to itself: nobody answers for our names");
    }
    let (clock, mut buffer, mut known, mut multicast) =
        (HostClock::start(), vec![0; 9000], 0, BTreeMap::new());
    while is_wanted(member, is_v6, &mut known) {
        match member.receive(&mut buffer, GLANCE) {
            Ok(Some((len, from))) => {
                let message = buffer.get(..len).unwrap_or_default();
                for question in questions(message).unwrap_or_default() {
                    reply(member, &question, from, clock.now(), &mut multicast);
                }
            }
            Ok(None) => multicast.retain(|_, at| clock.now().saturating_since(*at) < PAUSE),
            Err(error) => tracing::debug!(%error, "multicast questions not heard"),
        }
    }
}

fn is_wanted(member: &Member, is_v6: bool, known: &mut u64) -> bool {
    let mut names = names();
    if names.addresses.is_empty() {
        let [v4, v6] = &mut names.running;
        *(if is_v6 { v6 } else { v4 }) = false;
        return false;
    }
    let version = names.version;
    drop(names);
    if std::mem::replace(known, version) != version
        && let Err(error) = member.join_everywhere()
    {
        tracing::debug!(%error, "no multicast on new interfaces");
    }
    true
}

fn reply(
    member: &Member,
    question: &Question,
    from: SocketAddr,
    now: Instant,
    multicast: &mut BTreeMap<String, Instant>,
) {
    let ip = names().addresses.get(&question.name.to_ascii_lowercase()).copied();
    let Some(ip) = ip.filter(|ip| question.asks_for(*ip)) else { return };
    let legacy = from.port() != PORT;
    let Ok(message) = answer(question, ip, legacy) else { return };
    if legacy || question.unicast_welcome {
        return member.unicast(&message, from);
    }
    let is_early = multicast.get(&question.name).is_some_and(|at| now.saturating_since(*at) < PAUSE);
    if !is_early {
        multicast.insert(question.name.clone(), now);
        member.multicast(&message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mdns::query;

    #[test]
    fn a_name_is_random_and_leads_to_its_address_until_it_is_dropped() {
        let (one, other) =
            (Announced::new([10, 1, 2, 3].into()).unwrap(), Announced::new([10, 1, 2, 3].into()).unwrap());
        assert!(one.name() != other.name() && one.name().len() == 42 && one.name().get(14..15) == Some("4"));
        if !Member::join(false).is_ok_and(|member| member.is_on_the_port()) {
            return;
        }
        let name = one.name().to_owned();
        assert_eq!(query(&name, Duration::from_secs(4)).unwrap(), [IpAddr::from([10, 1, 2, 3])]);
        drop(one);
        let error = query(&name, Duration::from_millis(500)).unwrap_err();
        assert!(error.to_string().contains(&name), "{error}");
    }
}
