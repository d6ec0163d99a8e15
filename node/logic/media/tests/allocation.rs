//! What people see when bandwidth is short, comes and goes.

use plenary_media::{
    Kbps, Kind, ParticipantId, Slot,
    allocation::{Allocation, Allocator, Choice, Class, Demand, Layer, Reason},
};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn kbps(all: &[u32]) -> Vec<Kbps> {
    all.iter().copied().map(Kbps).collect()
}

/// 180p, 360p and 720p in three temporal layers of 30 frames a second.
fn camera() -> Vec<Layer> {
    vec![
        Layer::new(0, 180, 30, &kbps(&[60, 90, 120])),
        Layer::new(1, 360, 30, &kbps(&[200, 300, 400])),
        Layer::new(2, 720, 30, &kbps(&[800, 1_200, 1_600])),
    ]
}

fn microphone() -> Vec<Layer> {
    vec![Layer::new(0, 0, 50, &kbps(&[40]))]
}

fn slot(kind: Kind, index: u8) -> Slot {
    Slot { kind, index }
}

fn audio(index: u8, layers: &[Layer]) -> Demand<'_> {
    Demand {
        slot: slot(Kind::Audio, index),
        source: ParticipantId(u64::from(index)),
        class: Class::Audio,
        height: 0,
        layers,
    }
}

fn tile(index: u8, class: Class, height: u16, layers: &[Layer]) -> Demand<'_> {
    Demand {
        slot: slot(
            if class == Class::Content {
                Kind::Content
            } else {
                Kind::Video
            },
            index,
        ),
        source: ParticipantId(100 + u64::from(index)),
        class,
        height,
        layers,
    }
}

fn layer(spatial: u8, temporal: u8) -> Choice {
    Choice::Layer { spatial, temporal }
}

const NO_ROOM: Choice = Choice::Paused(Reason::Bandwidth);

fn video(allocation: &Allocation, index: u8) -> Choice {
    allocation.choices[&slot(Kind::Video, index)]
}

#[test]
fn nobody_gets_a_larger_layer_than_the_tile_needs() {
    let camera = camera();
    for (height, spatial) in [(90, 0), (180, 0), (181, 1), (360, 1), (700, 2), (2_160, 2)] {
        let allocation =
            Allocator::default().allocate(&[tile(0, Class::Large, height, &camera)], Kbps(100_000), 0);
        assert_eq!(video(&allocation, 0), layer(spatial, 2), "{height} pixels");
        assert_eq!(allocation.used, allocation.desired);
    }
}

#[test]
fn with_64_kbit_there_is_audio_alone() {
    let (camera, microphone) = (camera(), microphone());
    let demands = [
        tile(0, Class::Rest, 180, &camera),
        audio(0, &microphone),
        audio(1, &microphone),
    ];
    let allocation = Allocator::default().allocate(&demands, Kbps(64), 0);
    assert_eq!(allocation.choices[&slot(Kind::Audio, 0)], layer(0, 0));
    assert_eq!(allocation.choices[&slot(Kind::Audio, 1)], NO_ROOM);
    assert_eq!(video(&allocation, 0), NO_ROOM);
    let nothing = Allocator::default().allocate(&demands, Kbps(0), 0);
    assert_eq!(
        nothing.choices[&slot(Kind::Audio, 0)],
        layer(0, 0),
        "one voice always"
    );
}

#[test]
fn all_tiles_get_their_lowest_layer_before_anyone_gets_more() {
    let camera = camera();
    let demands: Vec<_> = (0..9)
        .map(|index| tile(index, Class::Rest, 360, &camera))
        .collect();
    let allocation = Allocator::default().allocate(&demands, Kbps(700), 0);
    for index in 0..9 {
        assert!(matches!(
            video(&allocation, index),
            Choice::Layer { spatial: 0, .. }
        ));
    }
}

#[test]
fn content_rises_first_then_the_large_tile_then_the_rest() {
    let camera = camera();
    let demands = [
        tile(0, Class::Rest, 720, &camera),
        tile(1, Class::Large, 720, &camera),
        tile(0, Class::Content, 720, &camera),
    ];
    let content = |allocation: &Allocation| allocation.choices[&slot(Kind::Content, 0)];
    let allocation = Allocator::default().allocate(&demands, Kbps(2_000), 0);
    assert_eq!(content(&allocation), layer(2, 2));
    assert_eq!(
        (video(&allocation, 1), video(&allocation, 0)),
        (layer(0, 1), layer(0, 0))
    );
    let allocation = Allocator::default().allocate(&demands, Kbps(3_800), 0);
    assert_eq!(content(&allocation), layer(2, 2));
    assert_eq!(
        (video(&allocation, 1), video(&allocation, 0)),
        (layer(2, 2), layer(0, 2))
    );
}

#[test]
fn the_smallest_tiles_are_paused_first() {
    let camera = camera();
    let heights = [180, 720, 90, 360];
    let demands: Vec<_> = (0_u8..)
        .zip(heights)
        .map(|(index, height)| tile(index, Class::Rest, height, &camera))
        .collect();
    let paused = |estimate: u32| -> Vec<u8> {
        let allocation = Allocator::default().allocate(&demands, Kbps(estimate), 0);
        (0..4)
            .filter(|index| video(&allocation, *index) == NO_ROOM)
            .collect()
    };
    let short = Allocator::default().allocate(&demands, Kbps(239), 0);
    assert!((0..4).all(|index| [layer(0, 0), NO_ROOM].contains(&video(&short, index))));
    assert_eq!(paused(240), []);
    assert_eq!(paused(200), [2]);
    assert_eq!(paused(150), [0, 2]);
    assert_eq!(paused(59), [0, 1, 2, 3]);
}

#[test]
fn a_tile_that_is_not_shown_and_one_without_layers_say_so() {
    let camera = camera();
    let demands = [tile(0, Class::Rest, 0, &camera), tile(1, Class::Rest, 180, &[])];
    let allocation = Allocator::default().allocate(&demands, Kbps(10_000), 0);
    assert_eq!(video(&allocation, 0), Choice::Paused(Reason::NotShown));
    assert_eq!(video(&allocation, 1), Choice::Paused(Reason::NoLayer));
    assert_eq!(allocation.desired, Kbps(0));
}

#[test]
fn down_is_at_once_and_up_takes_headroom_and_time() {
    let camera = camera();
    let demands = [tile(0, Class::Large, 720, &camera)];
    let mut allocator = Allocator::default();
    let mut choice =
        |estimate: u32, now_ms: u64| video(&allocator.allocate(&demands, Kbps(estimate), now_ms), 0);
    assert_eq!(choice(2_000, 0), layer(2, 2));
    assert_eq!(choice(1_600, 100), layer(2, 2), "what goes on needs no headroom");
    assert_eq!(choice(500, 200), layer(1, 2));
    assert_eq!(choice(1_700, 300), layer(1, 2));
    assert_eq!(
        choice(1_700, 2_300),
        layer(2, 1),
        "not more than fits with headroom"
    );
}

#[test]
fn a_slot_that_was_cut_waits_and_says_until_when() {
    let camera = camera();
    let demands = [tile(0, Class::Large, 720, &camera)];
    let mut allocator = Allocator::default();
    allocator.allocate(&demands, Kbps(2_000), 0);
    allocator.allocate(&demands, Kbps(500), 20_000);
    assert_eq!(allocator.poll_timeout(), None);
    let waiting = allocator.allocate(&demands, Kbps(3_000), 20_100);
    assert_eq!(video(&waiting, 0), layer(1, 2));
    assert_eq!(allocator.poll_timeout(), Some(22_100));
    let still = allocator.allocate(&demands, Kbps(3_000), 22_099);
    assert_eq!(video(&still, 0), layer(1, 2));
    let up = allocator.allocate(&demands, Kbps(3_000), 22_100);
    assert_eq!(video(&up, 0), layer(2, 2));
    assert_eq!(allocator.poll_timeout(), None);
}

#[test]
fn a_tile_that_grows_does_not_wait() {
    let camera = camera();
    let mut allocator = Allocator::default();
    let small = allocator.allocate(&[tile(0, Class::Rest, 180, &camera)], Kbps(5_000), 0);
    assert_eq!(video(&small, 0), layer(0, 2));
    let large = allocator.allocate(&[tile(0, Class::Large, 720, &camera)], Kbps(5_000), 10);
    assert_eq!(video(&large, 0), layer(2, 2));
    let small = allocator.allocate(&[tile(0, Class::Rest, 180, &camera)], Kbps(5_000), 20);
    assert_eq!(video(&small, 0), layer(0, 2));
}

#[test]
fn who_begins_with_little_does_not_wait_when_more_is_found() {
    let camera = camera();
    let demands = [
        tile(0, Class::Large, 720, &camera),
        tile(1, Class::Rest, 180, &camera),
    ];
    let mut allocator = Allocator::default();
    let little = allocator.allocate(&demands, Kbps(60), 0);
    assert_eq!(video(&little, 1), Choice::Paused(Reason::Bandwidth));
    let more = allocator.allocate(&demands, Kbps(3_000), 100);
    assert_eq!((video(&more, 0), video(&more, 1)), (layer(2, 2), layer(0, 2)));
    allocator.allocate(&demands, Kbps(60), 200);
    let again = allocator.allocate(&demands, Kbps(3_000), 300);
    assert_eq!(video(&again, 1), Choice::Paused(Reason::Bandwidth), "cut before");
}

#[test]
fn an_estimate_that_swings_does_not_make_pictures_flap() {
    let camera = camera();
    let demands: Vec<_> = (0..4)
        .map(|index| tile(index, Class::Rest, 720, &camera))
        .collect();
    let mut allocator = Allocator::default();
    let mut last = BTreeMap::new();
    let mut changes = 0;
    for tick in 0..600_u32 {
        // A minute; four seconds high, four seconds low.
        let estimate = if tick / 40 % 2 == 0 { 3_000 } else { 1_700 };
        let allocation = allocator.allocate(&demands, Kbps(estimate), u64::from(tick) * 100);
        changes += usize::from(!last.is_empty() && last != allocation.choices);
        last = allocation.choices;
    }
    assert!(changes <= 8, "{changes} changes in a minute");
}

/// A slot that lost its picture several times, each time soon after it had it back; now the estimate is `low` again.
fn after_many_losses(demands: &[Demand<'_>], low: u32, high: u32) -> (Allocator, u64) {
    let mut allocator = Allocator::default();
    allocator.allocate(demands, Kbps(high), 0);
    let mut now_ms = 1_000;
    for _ in 0..6 {
        allocator.allocate(demands, Kbps(low), now_ms);
        allocator.allocate(demands, Kbps(high), now_ms);
        now_ms += 31_000;
        allocator.allocate(demands, Kbps(high), now_ms);
        now_ms += 1_000;
    }
    allocator.allocate(demands, Kbps(low), now_ms);
    (allocator, now_ms)
}

#[test]
fn who_sees_nothing_waits_four_seconds_at_most() {
    let camera = camera();
    let demands = [tile(0, Class::Rest, 180, &camera)];
    let (mut allocator, now_ms) = after_many_losses(&demands, 20, 180);
    allocator.allocate(&demands, Kbps(180), now_ms);
    assert_eq!(allocator.poll_timeout(), Some(now_ms + 4_000));
    let back = allocator.allocate(&demands, Kbps(180), now_ms + 4_000);
    assert!(
        matches!(video(&back, 0), Choice::Layer { .. }),
        "{:?}",
        video(&back, 0)
    );
}

#[test]
fn where_there_is_far_more_than_needed_what_was_in_vain_is_forgotten() {
    let camera = camera();
    let demands = [tile(0, Class::Large, 720, &camera)];
    let (mut allocator, now_ms) = after_many_losses(&demands, 600, 1_800);
    allocator.allocate(&demands, Kbps(1_800), now_ms);
    let long = allocator.poll_timeout().expect("it waits");
    assert!(long > now_ms + 4_000, "{}", long - now_ms);
    allocator.allocate(&demands, Kbps(20_000), now_ms + 100);
    assert_eq!(allocator.poll_timeout(), Some(now_ms + 2_000));
}

fn layers() -> impl Strategy<Value = Vec<Layer>> {
    let layer = |spatial: u8, height: u16| {
        proptest::collection::vec(10_u32..2_000, 0..4).prop_map(move |mut rates| {
            rates.sort_unstable();
            Layer::new(spatial, height, 30, &kbps(&rates))
        })
    };
    (layer(0, 180), layer(1, 360), layer(2, 720)).prop_map(|(low, middle, high)| vec![low, middle, high])
}

/// The height in pixels of what was chosen.
fn height(layers: &[Layer], choice: Choice) -> Option<u16> {
    let Choice::Layer { spatial, .. } = choice else {
        return None;
    };
    let height = layers.iter().find(|layer| layer.spatial == spatial)?.height;
    Some(height)
}

/// What somebody gets who has just enough bandwidth for anything at all.
fn lowest(demand: &Demand<'_>) -> Choice {
    let alone = |estimate: u32| {
        Allocator::default()
            .allocate(&[*demand], Kbps(estimate), 0)
            .choices[&demand.slot]
    };
    let (mut low, mut high) = (0, 2_000);
    while low < high {
        let middle = (low + high) / 2;
        if alone(middle) == NO_ROOM {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    alone(low)
}

proptest! {
    #[test]
    fn the_rules_hold_for_all_tiles_estimates_and_times(
        tiles in proptest::collection::vec((layers(), 0_u16..1_100, 0_u8..3), 0..20),
        estimates in proptest::collection::vec((0_u32..20_000, 0_u64..5_000), 1..20),
    ) {
        let microphone = microphone();
        let mut demands: Vec<Demand<'_>> = (0_u8..).zip(&tiles).map(|(index, (layers, height, class))| {
            let class = [Class::Content, Class::Large, Class::Rest][usize::from(*class)];
            tile(index, class, *height, layers)
        }).collect();
        demands.push(audio(0, &microphone));
        let mut allocators = [Allocator::default(), Allocator::default()];
        let mut now = 0;
        for (estimate, passed) in estimates {
            now += passed;
            let both = allocators.each_mut();
            let [allocation, again] = both.map(|allocator| allocator.allocate(&demands, Kbps(estimate), now));
            prop_assert_eq!(&allocation, &again, "deterministic");
            prop_assert!(allocation.used.0 <= estimate.max(40));
            prop_assert!(allocation.used <= allocation.desired);
            prop_assert_eq!(allocation.choices.len(), demands.len());
            if allocation.choices.values().any(|choice| *choice == NO_ROOM) {
                for demand in &demands {
                    let choice = allocation.choices[&demand.slot];
                    let more_than_lowest = matches!(choice, Choice::Layer { .. }) && choice != lowest(demand);
                    prop_assert!(!more_than_lowest, "{:?} while somebody is paused", choice);
                }
            }
            for demand in demands.iter().filter(|demand| demand.class != Class::Audio) {
                let choice = allocation.choices[&demand.slot];
                if let Some(height) = height(demand.layers, choice) {
                    let dead = |layer: &Layer| Layer::new(layer.spatial, layer.height, layer.fps, &[]);
                    let smaller = demand.layers.iter().filter(|layer| layer.height < height);
                    let mut live = smaller.filter(|layer| **layer != dead(layer));
                    prop_assert!(live.all(|layer| layer.height < demand.height), "a smaller layer would do");
                }
            }
        }
    }

    #[test]
    fn a_steady_estimate_ends_in_a_steady_picture(
        tiles in proptest::collection::vec((layers(), 1_u16..1_100), 1..12),
        before in proptest::collection::vec((0_u32..20_000, 0_u64..5_000), 0..10),
        estimate in 0_u32..20_000,
    ) {
        let demand = |(index, (layers, height))| tile(index, Class::Rest, height, layers);
        let tiles = tiles.iter().map(|(layers, height)| (&layers[..], *height));
        let demands: Vec<_> = (0_u8..).zip(tiles).map(demand).collect();
        let mut allocator = Allocator::default();
        let mut now = 0;
        for (estimate, passed) in before {
            now += passed;
            allocator.allocate(&demands, Kbps(estimate), now);
        }
        let mut last = allocator.allocate(&demands, Kbps(estimate), now);
        let mut steps = 0;
        while let Some(at) = allocator.poll_timeout() {
            now = now.max(at);
            last = allocator.allocate(&demands, Kbps(estimate), now);
            steps += 1;
            prop_assert!(steps < 200, "it goes on for ever");
        }
        let later = allocator.allocate(&demands, Kbps(estimate), now + 100_000);
        prop_assert_eq!(last, later);
    }
}
