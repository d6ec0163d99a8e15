//! Makes one segment of several, so that there are few of them, and forgets what is gone.
//!
//! A segment is merged with all later ones once those have a quarter of its entries, so their number grows with the logarithm of
//! that of entries. Small ones are merged at once; large ones on a thread, while changes go on.

use crate::state::{Part, Shared, State, Writer};
use plenary_people::Entry;
use std::{sync::Arc, thread};

/// Most entries that are merged while a change waits for it: some hundredths of a second.
const AT_ONCE: usize = 4_000;

/// From which part on they are to be merged, if any: those with at most so many entries together.
fn due(parts: &[Part], most: usize) -> Option<usize> {
    let mut after = 0;
    let mut due = None;
    for (at, part) in parts.iter().enumerate().rev() {
        let all = after + part.live;
        let is_many = after * 4 > part.live && at + 1 < parts.len();
        let is_gone = part.segment.len() > 2 * part.live + 64;
        if (is_many || is_gone) && all <= most {
            due = Some(at);
        }
        after = all;
    }
    due
}

fn entries(parts: &[Part]) -> Vec<Entry> {
    let of_part =
        |part: &Part| -> Vec<Entry> { part.numbers().map(|number| part.segment.entry(number)).collect() };
    parts.iter().flat_map(of_part).collect()
}

/// Merges what is small.
pub(crate) fn small(state: &mut State) {
    state.drop_empty();
    if let Some(at) = due(&state.parts, AT_ONCE) {
        let merged = entries(&state.parts[at..]);
        state.parts.truncate(at);
        state.add(merged);
    }
}

/// Starts to merge what is large, if nothing is being merged.
pub(crate) fn large(shared: &Arc<Shared>, writer: &mut Writer) {
    let state = shared.state();
    let Some(at) = due(&state.parts, usize::MAX).filter(|_| !writer.merging) else {
        return;
    };
    writer.merging = true;
    let (shared, shares) = (Arc::clone(shared), writer.shares);
    let started = thread::Builder::new()
        .name("directory-merge".into())
        .spawn(move || merge(&shared, &state, at, shares));
    if started.is_err() {
        // The next change tries again; until then searches take longer.
        writer.merging = false;
    }
}

fn merge(shared: &Arc<Shared>, before: &State, at: usize, shares: u64) {
    let sources = &before.parts[at..];
    let mut built = State {
        parts: Vec::new(),
        ..before.clone()
    };
    built.add(entries(sources));
    let mut writer = shared.writer();
    writer.merging = false;
    // Built by another share it would show what is not shown any more.
    if writer.shares == shares {
        let mut state = State::clone(&shared.state());
        if let Some(part) = built.parts.first_mut() {
            catch_up(part, sources, &state);
        }
        let is_source = |part: &Part| {
            sources
                .iter()
                .any(|source| Arc::ptr_eq(&source.segment, &part.segment))
        };
        let place = state
            .parts
            .iter()
            .position(is_source)
            .unwrap_or(state.parts.len());
        state.parts.retain(|part| !is_source(part));
        state.parts.splice(place..place, built.parts);
        state.drop_empty();
        shared.replace(state);
    }
    // There may be more by now.
    large(shared, &mut writer);
    drop(writer);
    shared.merged.notify_all();
}

/// Deletes what was deleted while it was merged.
fn catch_up(part: &mut Part, sources: &[Part], now: &State) {
    for source in sources {
        let current = now
            .parts
            .iter()
            .find(|current| Arc::ptr_eq(&current.segment, &source.segment));
        for number in source.numbers() {
            if current.is_none_or(|current| current.is_deleted(number)) {
                let id = source.segment.entry(number).id;
                if let Some(number) = part.segment.find_id(&id) {
                    part.delete(number);
                }
            }
        }
    }
}
