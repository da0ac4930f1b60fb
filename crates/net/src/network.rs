//! Which local addresses a host uses, and what it has open on each.

use crate::bind::{BindOptions, bind_one, listen};
use crate::interfaces::{LocalAddress, usable_addresses};
use crate::mdns::Announced;
use crate::reactor::Reactor;
use crate::sockets::Sockets;
use sendrecv::LocalSocket;
use sendrecv_core::Protocol;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};

/// The addresses of a host's UDP sockets, as they are now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses(Arc<Mutex<Vec<SocketAddr>>>);

impl Addresses {
    pub(crate) fn get(&self) -> Vec<SocketAddr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, addresses: Vec<SocketAddr>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
    }
}

/// The addresses in use.
pub(crate) struct Network {
    options: BindOptions,
    /// Whether peers see names in place of addresses.
    hidden: bool,
    used: Vec<Used>,
    addresses: Addresses,
}

struct Used {
    interface: LocalAddress,
    sockets: Vec<LocalSocket>,
    /// Held for as long as the name is to be answered for.
    _name: Option<Announced>,
}

impl Network {
    pub(crate) const fn new(options: BindOptions, hidden: bool, addresses: Addresses) -> Self {
        Self { options, hidden, used: Vec::new(), addresses }
    }

    /// What every peer is told of.
    pub(crate) fn local_sockets(&self) -> impl Iterator<Item = LocalSocket> {
        self.used.iter().flat_map(|used| used.sockets.iter().cloned())
    }

    /// Opens what the options want on this address, and says what.
    pub(crate) fn open<R: Reactor>(
        &mut self,
        interface: &LocalAddress,
        sockets: &mut Sockets<R>,
    ) -> io::Result<Vec<LocalSocket>> {
        let socket = bind_one(interface, &self.options)?;
        let address = socket.local_addr()?;
        let dont_fragment = sockets.add_udp(socket, address, None)?;
        let mut local = vec![LocalSocket { dont_fragment, ..LocalSocket::udp(address) }];
        if self.options.tcp_passive {
            let listener = listen(interface, &self.options, false)?;
            local.push(LocalSocket::tcp_passive(listener.local_addr()?));
            sockets.add_listener(listener)?;
        }
        if self.options.tcp_so {
            let listener = listen(interface, &self.options, true)?;
            local.push(LocalSocket::tcp_so(listener.local_addr()?));
            sockets.add_listener(listener)?;
        }
        if self.options.tcp_active {
            local.push(LocalSocket::tcp_active(interface.ip));
        }
        let name = if self.hidden { Some(Announced::new(interface.ip)?) } else { None };
        for socket in &mut local {
            socket.name = name.as_ref().map(|announced| announced.name().to_owned());
        }
        self.used.push(Used { interface: interface.clone(), sockets: local.clone(), _name: name });
        self.publish();
        Ok(local)
    }

    /// Another UDP socket on an address in use.
    pub(crate) fn bind_another(&self, ip: IpAddr) -> io::Result<UdpSocket> {
        let used = self.used.iter().find(|used| used.interface.ip == ip);
        let interface = &used.ok_or(io::ErrorKind::AddrNotAvailable)?.interface;
        bind_one(interface, &self.options)
    }

    /// Of addresses in use, those that the machine has no more; of the machine's, those that are to be used and are not.
    pub(crate) fn changes(&self, all: &[LocalAddress]) -> (Vec<IpAddr>, Vec<LocalAddress>) {
        let wanted = usable_addresses(all, &self.options);
        let used = |ip: IpAddr| self.used.iter().any(|used| used.interface.ip == ip);
        let gone = self.used.iter().map(|used| used.interface.ip);
        let gone = gone.filter(|ip| wanted.iter().all(|address| address.ip != *ip)).collect();
        (gone, wanted.into_iter().filter(|address| !used(address.ip)).collect())
    }

    /// Forgets these addresses, and says what was open on them.
    pub(crate) fn close(&mut self, gone: &[IpAddr]) -> Vec<(Protocol, SocketAddr)> {
        let (closed, kept) =
            std::mem::take(&mut self.used).into_iter().partition(|used| gone.contains(&used.interface.ip));
        self.used = kept;
        self.publish();
        let closed: Vec<Used> = closed;
        let sockets = closed.into_iter().flat_map(|used| used.sockets);
        sockets.map(|socket| (socket.transport.protocol(), socket.address)).collect()
    }

    fn publish(&self) {
        let sockets = self.used.iter().filter_map(|used| used.sockets.first());
        self.addresses.set(sockets.map(|socket| socket.address).collect());
    }
}
