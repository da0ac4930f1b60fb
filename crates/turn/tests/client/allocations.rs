//! Data in both directions allocates nothing (P7).
#![allow(unsafe_code)] // a global allocator cannot be written without

use crate::world::World;
use sendrecv_core::{PacketBuf, Writer};
use sendrecv_turn::{HEADROOM, TAILROOM, Up};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

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

        let before = ALLOCATIONS.with(Cell::get);
        for _ in 0..100 {
            let mut packet = PacketBuf::new(&mut slab, HEADROOM, TAILROOM);
            packet.put(b"outgoing").unwrap();
            world.client.wrap(world.now, peer, &mut packet).unwrap();
            slab[..incoming.len()].copy_from_slice(&incoming);
            let up = world.client.handle_datagram(world.now, path, &mut slab[..incoming.len()]);
            assert!(matches!(up, Ok(Up::Data { data, .. }) if data == b"incoming"));
        }
        assert_eq!(ALLOCATIONS.with(Cell::get), before, "with a channel: {channel}");
    }
}
