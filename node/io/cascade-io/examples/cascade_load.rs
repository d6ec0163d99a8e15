//! What the cascade costs: packets for each second of processor time, and how long they take, between two nodes in this
//! process over loopback. Figures only; nothing is asserted.
//!
//! `cargo run --release --example cascade_load -- [packets a second] [seconds] [loss in percent]`

use hdrhistogram::Histogram;
use nix::sys::resource::{UsageWho, getrusage};
use plenary_cascade_io::{Cascade, Event, MediaPacket, Priority, StreamId};
use plenary_identity::{EnterpriseCa, Identity, MACHINE_KEY_FILE, MachineKey, Program};
use plenary_model::NodeId;
use std::{
    collections::BTreeMap,
    error::Error,
    net::{SocketAddr, UdpSocket},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, watch};

const ONE: NodeId = NodeId(1);
const TWO: NodeId = NodeId(2);
const BYTES: usize = 1_200;
type Failure = Box<dyn Error + Send + Sync>;

fn identity(root: &EnterpriseCa, folder: &Path, node: NodeId) -> Result<Identity, Failure> {
    let folder = folder.join(node.to_string());
    std::fs::create_dir_all(&folder)?;
    let machine = MachineKey::open_or_create(&folder.join(MACHINE_KEY_FILE))?;
    let ca = root.certify(Program::Node, &"load.example.com".parse()?, &[])?;
    Ok(Identity::create(
        &folder,
        machine,
        ca,
        format!("node-{node}").parse()?,
        node,
    )?)
}

/// Passes datagrams between whoever sends to it and `target`, and loses some.
async fn lossy(target: SocketAddr, percent: u64) -> Result<SocketAddr, Failure> {
    let (near, far) = (
        tokio::net::UdpSocket::bind("127.0.0.1:0").await?,
        tokio::net::UdpSocket::bind("127.0.0.1:0").await?,
    );
    let address = near.local_addr()?;
    far.connect(target).await?;
    tokio::spawn(async move {
        let (mut up, mut down) = ([0_u8; 2_048], [0_u8; 2_048]);
        let mut client = None;
        let mut random = 88_172_645_463_325_252_u64;
        loop {
            let lost = {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random % 100 < percent
            };
            tokio::select! {
                Ok((bytes, from)) = near.recv_from(&mut up) => {
                    client = Some(from);
                    if !lost {
                        far.send(up.get(..bytes).unwrap_or_default()).await.ok();
                    }
                }
                Ok(bytes) = far.recv(&mut down) => if let Some(client) = client && !lost {
                    near.send_to(down.get(..bytes).unwrap_or_default(), client).await.ok();
                },
            }
        }
    });
    Ok(address)
}

fn cpu() -> Result<Duration, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(Duration::from_secs_f64(
        seconds(usage.user_time()) + seconds(usage.system_time()),
    ))
}

async fn up(events: &mut mpsc::Receiver<Event>) {
    while let Some(event) = events.recv().await {
        if matches!(event, Event::Up(_)) {
            return;
        }
    }
}

/// Sends for a while; gives the latencies in microseconds.
async fn load(
    one: &Cascade,
    mut events: mpsc::Receiver<Event>,
    rate: u64,
    seconds: u64,
) -> Result<Histogram<u64>, Failure> {
    let begin = Instant::now();
    let taking = tokio::spawn(async move {
        let mut latencies = Histogram::<u64>::new(3)?;
        while let Ok(Some(event)) = tokio::time::timeout(Duration::from_secs(2), events.recv()).await {
            if let Event::Packet(_, _, packet) = event {
                let now_us = begin.elapsed().as_micros() as u64;
                latencies.record(now_us.saturating_sub(packet.seq).max(1))?;
            } else if begin.elapsed() > Duration::from_secs(seconds + 2) {
                break;
            }
        }
        Ok::<_, Failure>(latencies)
    });
    let payload: Arc<[u8]> = vec![7; BYTES].into();
    let handle = one.handle();
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let mut sent = 0;
    while begin.elapsed() < Duration::from_secs(seconds) {
        tick.tick().await;
        let due = begin.elapsed().as_micros() as u64 * rate / 1_000_000;
        for number in sent..due {
            let packet = MediaPacket {
                seq: begin.elapsed().as_micros() as u64,
                timestamp: 0,
                marker: false,
                audio_level: None,
                orientation: None,
                payload: payload.clone(),
            };
            handle.send(TWO, StreamId(number % 50), Priority::Video, packet);
        }
        sent = due;
    }
    taking.await?
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the figures are what this is for")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |otherwise| arguments.next().map_or(Ok(otherwise), |text| text.parse::<u64>());
    let (rate, seconds, loss) = (number(10_000)?, number(5)?, number(0)?);
    let folder = tempfile::tempdir()?;
    let root = EnterpriseCa::create(&folder.path().join("root"), &"Load".parse()?)?;
    let (a, b) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    let at_two = if loss > 0 {
        lossy(b.local_addr()?, loss).await?
    } else {
        b.local_addr()?
    };
    let addresses = BTreeMap::from([(ONE, a.local_addr()?.to_string()), (TWO, at_two.to_string())]);
    let (_members, members) = watch::channel(addresses);
    let (events, mut at_one) = mpsc::channel(4_096);
    let one = Cascade::start(a, identity(&root, folder.path(), ONE)?, members.clone(), events)?;
    let (events, mut received) = mpsc::channel(65_536);
    let two = Cascade::start(b, identity(&root, folder.path(), TWO)?, members, events)?;
    up(&mut at_one).await;
    up(&mut received).await;
    tokio::spawn(async move { while at_one.recv().await.is_some() {} });
    // The largest datagram is found in the first moments.
    tokio::time::sleep(Duration::from_secs(1)).await;

    let (before, begin) = (cpu()?, Instant::now());
    let latencies = load(&one, received, rate, seconds).await?;
    let (used, passed) = (cpu()?.saturating_sub(before), begin.elapsed());
    let (sent, came) = (
        one.handle().figures().remove(&TWO).unwrap_or_default(),
        two.handle().figures().remove(&ONE).unwrap_or_default(),
    );
    println!("{BYTES}-byte packets, {rate}/s for {seconds} s, {loss} % loss, both nodes in one process");
    println!(
        "  came {} of {}, in {:.1} s",
        latencies.len(),
        rate * seconds,
        passed.as_secs_f64()
    );
    println!(
        "  {:.0} packets per second of processor (sending, receiving, generator)",
        latencies.len() as f64 / used.as_secs_f64()
    );
    println!(
        "  latency p50 {:.3} ms, p99 {:.3} ms, max {:.1} ms",
        latencies.value_at_quantile(0.5) as f64 / 1e3,
        latencies.value_at_quantile(0.99) as f64 / 1e3,
        latencies.max() as f64 / 1e3
    );
    println!("  sender   {sent:?}");
    println!("  receiver {came:?}");
    one.stop().await;
    two.stop().await;
    Ok(())
}
