//! Data in both directions allocates nothing (P7).

use crate::world::World;
use sendrecv_core::{PacketBuf, Writer};
use sendrecv_sim::{Allocations, Counting};
use sendrecv_turn::{HEADROOM, TAILROOM, Up};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn data_in_both_directions_allocates_nothing() {
    let peer = "198.51.100.7:5000".parse().unwrap();
    for channel in [false, true] {
        let mut world = World::allocated();
        world.permit(peer);
        if channel {
            world.client.bind_channel(world.now, peer).unwrap();
            world.settle();
        } else {
            world.server.behaviour.dead = true; // the channel's request stays unanswered
            world.send(peer, b"begins to bind").unwrap();
        }
        world.server.behaviour.dead = false;
        let relayed = world.client.relayed()[0];
        let incoming = world.server.handle_peer(world.now, peer, relayed, b"incoming").unwrap().bytes;
        let path = world.client.server();
        let mut slab = [0; 1500];

        let allocations = Allocations::start();
        for _ in 0..100 {
            let mut packet = PacketBuf::new(&mut slab, HEADROOM, TAILROOM);
            packet.put(b"outgoing").unwrap();
            world.client.wrap(world.now, peer, &mut packet).unwrap();
            slab[..incoming.len()].copy_from_slice(&incoming);
            let up = world.client.handle_datagram(world.now, path, &mut slab[..incoming.len()]);
            assert!(matches!(up, Ok(Up::Data { data, .. }) if data == b"incoming"));
        }
        assert_eq!(allocations.count(), 0, "with a channel: {channel}");
    }
}
