//! Home routers behind a carrier's NAT.

use crate::setup::{Front, SECOND, Setup, is_relayed};

#[test]
fn two_nats_in_a_row_are_as_strict_as_the_stricter_one() {
    for (carrier, moving) in
        [(Front::FullCone, false), (Front::PortRestricted, false), (Front::Symmetric, true)]
    {
        for shared in [false, true] {
            for hairpin in [false, true] {
                for home in [Front::FullCone, Front::PortRestricted, Front::Symmetric] {
                    let mut nat = carrier.nat().unwrap();
                    nat.hairpin = hairpin;
                    let setup = Setup { carrier: Some((nat, shared)), ..Setup::new(home, home, true) };
                    let (mut world, _) = setup.build();
                    world.start();
                    let row = format!(
                        "{} behind {}, shared {shared}, hairpin {hairpin}",
                        home.name(),
                        carrier.name()
                    );
                    assert!(world.connect(3 * SECOND).is_ok(), "{row}");
                    // A carrier's mapping that moves is met by the other's NAT, which lets nobody else in.
                    let strict = home != Front::FullCone || carrier != Front::FullCone;
                    let moving = (moving || home == Front::Symmetric) && strict;
                    let cut = shared && !hairpin;
                    assert_eq!(is_relayed(&mut world), moving || cut, "{row}");
                    world.exchange();
                }
            }
        }
    }
}
