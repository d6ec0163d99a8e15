//! What this machine can send at most: copy a packet, seal it with AES-128-GCM, send it in trains (UDP GSO).
//!
//! No forwarder can do less for a packet and a receiver. Nothing else is done here: no reading, no choosing, no repair.

use super::stay_on;
use anyhow::Context as _;
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use quinn_udp::{Transmit, UdpSocketState};
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

const RECEIVERS: usize = 64;
/// Header of RTP, payload, tag.
const HEADER: usize = 12;
const SEALED: usize = 1_188;
const TAG: usize = 16;
const PACKET: usize = HEADER + SEALED + TAG;
/// Packets of one frame to one receiver leave as one train.
const TRAIN: usize = 7;

/// Processor time of one packet.
pub(super) fn measure(sends_on: usize, receives_on: usize, length: Duration) -> anyhow::Result<Duration> {
    let sinks = (0..RECEIVERS)
        .map(|_| {
            let sink = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            sink.set_nonblocking(true)?;
            anyhow::Ok(sink)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let addresses = sinks
        .iter()
        .map(UdpSocket::local_addr)
        .collect::<Result<Vec<_>, _>>()?;
    let done = Arc::new(AtomicBool::new(false));
    let over = done.clone();
    let drain = std::thread::spawn(move || {
        stay_on(receives_on).ok();
        let mut bytes = [0; 2_048];
        while !over.load(Ordering::Relaxed) {
            for sink in &sinks {
                while sink.recv(&mut bytes).is_ok() {}
            }
        }
    });
    let sender = std::thread::spawn(move || {
        stay_on(sends_on).ok();
        send(&addresses, length)
    });
    let measured = sender.join();
    done.store(true, Ordering::Relaxed);
    drain.join().ok();
    measured.unwrap_or_else(|_| anyhow::bail!("the sender failed"))
}

fn send(addresses: &[SocketAddr], length: Duration) -> anyhow::Result<Duration> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    let state = UdpSocketState::new((&socket).into())?;
    let keys = (0..addresses.len())
        .map(|at| UnboundKey::new(&AES_128_GCM, &[u8::try_from(at).unwrap_or(0); 16]).map(LessSafeKey::new))
        .collect::<Result<Vec<_>, _>>()?;
    let payload = vec![7; SEALED];
    let mut train = vec![0; PACKET * TRAIN];
    let (mut packets, mut counter) = (0, 0_u64);
    let before = processor_time()?;
    let until = Instant::now() + length;
    while Instant::now() < until {
        for (address, key) in addresses.iter().zip(&keys) {
            for packet in train.chunks_exact_mut(PACKET) {
                counter += 1;
                seal(key, counter, packet, &payload)?;
            }
            let transmit = Transmit {
                destination: *address,
                ecn: None,
                contents: &train,
                segment_size: Some(PACKET),
                src_ip: None,
            };
            // What the kernel has no room for cost as much.
            state.try_send((&socket).into(), &transmit).ok();
            packets += u32::try_from(TRAIN)?;
        }
    }
    Ok((processor_time()? - before) / packets)
}

fn seal(key: &LessSafeKey, counter: u64, packet: &mut [u8], payload: &[u8]) -> anyhow::Result<()> {
    let (header, rest) = packet.split_at_mut(HEADER);
    let (body, tag) = rest.split_at_mut(SEALED);
    header[4..].copy_from_slice(&counter.to_be_bytes());
    body.copy_from_slice(payload);
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    let sealed =
        key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&*header), body)?;
    tag.copy_from_slice(sealed.as_ref());
    Ok(())
}

/// What this thread used (proc(5), `schedstat`: nanoseconds first).
fn processor_time() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text
        .split_whitespace()
        .next()
        .context("the system tells no time")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}
