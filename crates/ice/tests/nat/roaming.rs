//! A host that moves to another network in the middle of a session, without a restart: its new candidates trickle.

use crate::setup::{Front, SECOND, Setup, compare};
use crate::support::World;
use sendrecv_core::Protocol;
use sendrecv_ice::{ConnectionState, LocalSocket};
use std::fmt::Write as _;
use std::time::Duration;

/// How the host leaves its old network.
#[derive(Clone, Copy, PartialEq)]
enum Handover {
    /// The new interface comes two seconds before the old one goes.
    Overlapping,
    /// The old interface goes, and the new one comes.
    Abrupt,
    /// The old network swallows packets, and nothing says so.
    Silent,
}

impl Handover {
    const ALL: [Self; 3] = [Self::Overlapping, Self::Abrupt, Self::Silent];

    const fn name(self) -> &'static str {
        match self {
            Self::Overlapping => "overlapping",
            Self::Abrupt => "abrupt",
            Self::Silent => "silent",
        }
    }

    /// How long the connection may be interrupted. Who controls and knows that the old network is gone nominates another
    /// pair at once. Else the pair in use has to be found dead first: it is asked as soon as anything suggests that.
    const fn within(self, controlling: usize) -> Duration {
        match (self, controlling) {
            (Self::Overlapping | Self::Abrupt, 0) => Duration::from_secs(2),
            _ => Duration::from_secs(3),
        }
    }
}

/// Lets a move; returns the time from the end of the old network until both use the new one.
fn roam(world: &mut World, setup: &Setup, handover: Handover) -> Option<Duration> {
    let (home, away, a) = (setup.home(), setup.away(), world.a);
    let arrive = |world: &mut World| {
        let now = world.sim.now();
        world.a().agent.add_socket(now, LocalSocket::udp(away)).unwrap();
        world.a().collect(now);
    };
    if handover == Handover::Overlapping {
        arrive(world);
        world.run_for(2 * SECOND);
    }
    let left = world.sim.now();
    world.sim.set_connected(a, home.ip(), false);
    if handover != Handover::Silent {
        world.a().agent.remove_socket(left, Protocol::Udp, home).unwrap();
        world.a().collect(left);
    }
    if handover != Handover::Overlapping {
        arrive(world);
    }
    world.a().received.clear();
    world.b().received.clear();
    let moved = world.run_until(handover.within(setup.controlling), |world| {
        // Data says when both ends have arrived.
        world.a().to_send.push_back(vec![0x80]);
        world.b().to_send.push_back(vec![0x80]);
        !world.a().received.is_empty() && !world.b().received.is_empty()
    });
    moved.ok().map(|()| world.sim.now() - left)
}

#[test]
fn a_session_moves_to_another_network() {
    let mut report = String::from(
        "a moves from one network to another while connected to b: ms until data flows in both directions again\n",
    );
    let homes = [Front::Nothing, Front::PortRestricted, Front::Symmetric];
    let peers = [Front::Nothing, Front::PortRestricted, Front::Symmetric];
    for handover in Handover::ALL {
        for controlling in [0, 1] {
            writeln!(report, "\n{}, {} controls", handover.name(), ["a", "b"][controlling]).unwrap();
            for home in homes {
                for away in [Front::Nothing, Front::FullCone, Front::PortRestricted, Front::Symmetric] {
                    for peer in peers {
                        let row = format!("{} to {}, peer {}", home.name(), away.name(), peer.name());
                        let setup =
                            Setup { elsewhere: Some(away), controlling, ..Setup::new(home, peer, true) };
                        let (mut world, _) = setup.build();
                        world.start();
                        world.connect(2 * SECOND).unwrap();
                        world.run_for(3 * SECOND);
                        let took = roam(&mut world, &setup, handover);
                        let took = took.unwrap_or_else(|| panic!("{} {controlling}: {row}", handover.name()));
                        writeln!(report, "{row:<60} {:>6}", took.as_millis()).unwrap();
                        world.run_for(40 * SECOND);
                        let states = [world.a().states(), world.b().states()].concat();
                        assert!(!states.contains(&ConnectionState::Failed), "{row}: {states:?}");
                        world.exchange();
                    }
                }
            }
        }
    }
    compare("nat_roaming.txt", &report);
}
