use super::*;
use std::net::Ipv4Addr;

fn places(shards: usize) -> Vec<Place> {
    let steering = Arc::new(Steering::new(shards));
    let place = |me| Place {
        me,
        steering: steering.clone(),
    };
    (0..shards).map(place).collect()
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A datagram of media.
const MEDIA: [u8; 40] = [0x80; 40];

fn from(port: u16, bytes: &[u8]) -> Received<'_> {
    Received {
        source: address(port),
        destination: address(1),
        bytes,
    }
}

fn taken(place: &Place) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut batches = Vec::new();
    place.take(&mut batches);
    let all = batches.iter().flat_map(Batch::datagrams);
    all.map(|datagram| (datagram.source, datagram.bytes.to_vec()))
        .collect()
}

#[test]
fn rooms_are_spread_evenly_and_always_the_same_way() {
    for shards in [1, 2, 3, 8] {
        let mut rooms = vec![0_usize; shards];
        for room in 0..8_000 {
            let name = format!("room{room}");
            let shard = shard_of(&name, shards);
            assert_eq!(shard, shard_of(&name, shards));
            rooms[shard] += 1;
        }
        let fair = 8_000 / shards;
        assert!(
            rooms.iter().all(|count| count.abs_diff(fair) < fair / 5),
            "{rooms:?}"
        );
    }
}

#[test]
fn what_another_shard_knows_goes_there_whole_and_in_order() {
    let all = places(3);
    all[2].learn(address(5));
    let mut outgoing = Outgoing::new(all[0].clone());
    for length in [40, 7, 12] {
        assert!(outgoing.take_from(&from(5, &MEDIA[..length])));
    }
    assert_eq!(outgoing.hand_over(), (3, 0));
    let lengths: Vec<_> = taken(&all[2]).iter().map(|(_, bytes)| bytes.len()).collect();
    assert_eq!(lengths, [40, 7, 12]);
    assert!(taken(&all[1]).is_empty());
    assert!(taken(&all[2]).is_empty(), "it was taken");
}

#[test]
fn strangers_make_no_entries_and_are_not_copied() {
    let all = places(2);
    all[1].name("known");
    let mut outgoing = Outgoing::new(all[0].clone());
    for port in 0..1_000 {
        assert!(!outgoing.take_from(&from(port, &MEDIA)));
        assert!(!outgoing.take_named("unknown", &from(port, &MEDIA)));
    }
    let mut owner = Outgoing::new(all[1].clone());
    assert!(
        !owner.take_named("known", &from(5, &MEDIA)),
        "what the owner does not know any more is not sent round"
    );
    let steering = &all[0].steering;
    assert!(read(&steering.addresses).is_empty());
    assert_eq!(read(&steering.ufrags).shards.len(), 1);
    assert!(outgoing.batches.iter().all(|batch| batch.bytes.capacity() == 0));
}

#[test]
fn a_shard_that_does_not_keep_up_loses_what_there_is_no_room_for() {
    let all = places(2);
    all[1].learn(address(5));
    let mut outgoing = Outgoing::new(all[0].clone());
    let (mut given, mut dropped) = (0, 0);
    for _ in 0..WAITING / 40 + 100 {
        assert!(outgoing.take_from(&from(5, &MEDIA)));
        let (more, lost) = outgoing.hand_over();
        given += more;
        dropped += lost;
    }
    assert_eq!((given, dropped), (WAITING as u64 / 40, 100));
    assert_eq!(taken(&all[1]).len() as u64, given);
    outgoing.take_from(&from(5, &MEDIA));
    assert_eq!(outgoing.hand_over(), (1, 0), "there is room again");
    all[1].leave();
    outgoing.take_from(&from(5, &MEDIA));
    assert_eq!(outgoing.hand_over(), (0, 0), "a shard that is over knows nobody");
}

#[test]
fn emptied_batches_are_filled_again() {
    let all = places(2);
    all[1].learn(address(5));
    let mut outgoing = Outgoing::new(all[0].clone());
    let mut batches = Vec::new();
    for _ in 0..3 {
        outgoing.take_from(&from(5, &MEDIA));
        outgoing.hand_over();
        all[1].take(&mut batches);
        assert_eq!(batches.len(), 1);
        all[1].give_back(&mut batches);
    }
    let spare = || all[1].steering.inboxes[1].lock().spare.len();
    assert_eq!(spare(), 1);
    for _ in 0..=SPARE_BYTES / MEDIA.len() {
        outgoing.take_from(&from(5, &MEDIA));
    }
    outgoing.hand_over();
    all[1].take(&mut batches);
    all[1].give_back(&mut batches);
    assert_eq!(spare(), 0, "a large one is not kept");
}

#[test]
fn an_address_that_speaks_to_another_shard_is_forgotten_by_the_first() {
    let all = places(2);
    all[0].learn(address(5));
    all[1].learn(address(5));
    assert_eq!(all[0].take(&mut Vec::new()), [address(5)]);
    assert!(all[0].take(&mut Vec::new()).is_empty());
    all[0].forget(address(5));
    assert_eq!(
        all[0].steering.of_address(address(5)),
        Some(1),
        "it is not the first one's to forget"
    );
    // There and back again before anybody looks.
    all[0].learn(address(5));
    all[1].learn(address(5));
    all[0].learn(address(5));
    assert!(all[0].take(&mut Vec::new()).is_empty(), "it has it");
    assert_eq!(all[1].take(&mut Vec::new()), [address(5)]);
}

#[test]
fn seats_are_counted_over_all_shards_and_free_when_they_are_dropped() {
    let all = places(2);
    let first = all[0].steering.seat(2).expect("free");
    let _second = all[1].steering.seat(2).expect("free");
    assert!(all[0].steering.seat(2).is_none());
    drop(first);
    assert!(all[1].steering.seat(2).is_some());
}
