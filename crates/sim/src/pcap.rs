//! Recordings for packet analysers: pcap with nanosecond timestamps and raw IP packets.
//!
//! ```text
//! file   := magic a1b23c4d | version 2.4 | zone 0 | accuracy 0 | snap length 65535 | link type 101 (raw IP)
//! record := seconds | nanoseconds | captured length | original length | IP header | UDP header | payload
//! ```

use sendrecv_core::{Ecn, Instant, NoSpace, Path, Writer};
use std::net::IpAddr;

/// A pcap file under construction.
#[derive(Clone, Debug)]
pub struct Capture {
    file: Vec<u8>,
}

impl Default for Capture {
    fn default() -> Self {
        let mut file = Vec::new();
        file.extend(0xa1b2_3c4d_u32.to_be_bytes());
        file.extend([0, 2, 0, 4]);
        file.extend([0; 8]);
        file.extend(65_535_u32.to_be_bytes());
        file.extend(101_u32.to_be_bytes());
        Self { file }
    }
}

impl Capture {
    /// Appends one datagram as it was sent. Datagrams of mixed address families or above 64 KiB are left out.
    pub fn record(&mut self, now: Instant, path: Path, ecn: Ecn, payload: &[u8]) {
        if let Some(packet) = ip_packet(path, ecn, payload) {
            let seconds = u32::try_from(now.as_nanos() / 1_000_000_000).unwrap_or(u32::MAX);
            let nanos = u32::try_from(now.as_nanos() % 1_000_000_000).unwrap_or(0);
            let len = u32::try_from(packet.len()).unwrap_or(u32::MAX);
            for field in [seconds, nanos, len, len] {
                self.file.extend(field.to_be_bytes());
            }
            self.file.extend(packet);
        }
    }

    /// The file so far.
    pub fn bytes(&self) -> &[u8] {
        &self.file
    }
}

fn ip_packet(path: Path, ecn: Ecn, payload: &[u8]) -> Option<Vec<u8>> {
    let udp_len = u16::try_from(payload.len().checked_add(8)?).ok()?;
    let mut pseudo = Vec::new();
    let mut packet = Vec::new();
    match (path.local.ip(), path.remote.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            pseudo.extend([from.octets(), to.octets()].concat());
            packet = ipv4_header(ecn, udp_len.checked_add(20)?, &pseudo).ok()?;
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            pseudo.extend([from.octets(), to.octets()].concat());
            packet.extend([0x60, traffic_class(ecn) << 4, 0, 0]);
            packet.put_u16(udp_len).ok()?;
            packet.extend([17, 64]);
            packet.extend(&pseudo);
        }
        _ => return None,
    }
    let mut udp = Vec::new();
    udp.put_u16(path.local.port()).ok()?;
    udp.put_u16(path.remote.port()).ok()?;
    udp.put_u16(udp_len).ok()?;
    pseudo.extend([0, 17]);
    pseudo.put_u16(udp_len).ok()?;
    let sum = checksum(&[&pseudo, &udp, payload]);
    udp.put_u16(if sum == 0 { 0xffff } else { sum }).ok()?;
    packet.extend(udp);
    packet.extend(payload);
    Some(packet)
}

fn ipv4_header(ecn: Ecn, total: u16, addresses: &[u8]) -> Result<Vec<u8>, NoSpace> {
    let mut start = vec![0x45, traffic_class(ecn)];
    start.put_u16(total)?;
    start.extend([0, 0, 0x40, 0, 64, 17]);
    let sum = checksum(&[&start, addresses]);
    start.put_u16(sum)?;
    start.extend(addresses);
    Ok(start)
}

const fn traffic_class(ecn: Ecn) -> u8 {
    match ecn {
        Ecn::NotEct => 0,
        Ecn::Ect1 => 1,
        Ecn::Ect0 => 2,
        Ecn::Ce => 3,
    }
}

/// The internet checksum (RFC 1071) over parts of which all but the last are of even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u64;
    for pair in parts.iter().flat_map(|part| part.chunks(2)) {
        let (high, low) = (pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0));
        sum += u64::from(u16::from_be_bytes([high, low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_carry_valid_checksums() {
        let path = Path::udp("10.0.0.1:5000".parse().unwrap(), "10.0.0.2:6000".parse().unwrap());
        let packet = ip_packet(path, Ecn::Ect0, b"odd").unwrap();
        assert_eq!(packet.len(), 20 + 8 + 3);
        assert_eq!(checksum(&[&packet[..20]]), 0, "a header including its checksum sums to nothing");
        let pseudo = [&packet[12..20], &[0, 17, 0, 11]].concat();
        assert_eq!(checksum(&[&pseudo, &packet[20..]]), 0);
    }

    #[test]
    fn a_file_is_its_header_and_one_record_per_datagram() {
        let mut capture = Capture::default();
        assert_eq!(capture.bytes().len(), 24);
        let path = Path::udp("[fd00::1]:5000".parse().unwrap(), "[fd00::2]:6000".parse().unwrap());
        capture.record(Instant::from_micros(1_500_000), path, Ecn::NotEct, &[0; 4]);
        assert_eq!(capture.bytes().len(), 24 + 16 + 40 + 8 + 4);
        assert_eq!(&capture.bytes()[24..32], &[0, 0, 0, 1, 0x1d, 0xcd, 0x65, 0]);
    }
}
