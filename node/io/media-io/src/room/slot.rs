//! A slot of a watcher, and who fills it.

use super::stream::Source;
use plenary_media::{
    Kind, Slot as Place, StreamId,
    rewrite::{Config, Rewriter, Target},
};
use str0m::media::MediaKind;

/// The first number of a slot; SRTP assumes that it is below 65,536.
const FIRST_SEQ: u16 = 1_000;

/// One line that a watcher receives on.
pub(super) struct Slot {
    pub(super) kind: MediaKind,
    pub(super) source: Option<Source>,
    pub(super) target: Option<StreamId>,
    pub(super) rewriter: Rewriter,
}

impl Slot {
    pub(super) fn new(kind: MediaKind) -> Self {
        let config = if kind.is_audio() {
            Config::audio(FIRST_SEQ)
        } else {
            Config::video(FIRST_SEQ)
        };
        Self {
            kind,
            source: None,
            target: None,
            rewriter: Rewriter::new(config),
        }
    }

    pub(super) fn carry(&mut self, stream: Option<StreamId>) {
        if self.target == stream {
            return;
        }
        self.target = stream;
        self.rewriter.handle_target(stream.map(|stream| Target {
            stream,
            spatial: 7,
            temporal: 7,
        }));
    }
}

/// Gives each source a slot of its kind: those that have one keep it, the others get what is free.
pub(super) fn fill(slots: &mut [Slot], kind: MediaKind, wanted: &[Source]) {
    let of_kind = |slots: &[Slot]| slots.iter().filter(|slot| slot.kind == kind).count();
    let wanted = wanted.get(..of_kind(slots).min(wanted.len())).unwrap_or_default();
    for slot in slots.iter_mut().filter(|slot| slot.kind == kind) {
        if slot.source.is_some_and(|source| !wanted.contains(&source)) {
            slot.source = None;
            slot.carry(None);
        }
    }
    for source in wanted {
        let is_shown = slots.iter().any(|slot| slot.source == Some(*source));
        let free = slots
            .iter_mut()
            .find(|slot| slot.kind == kind && slot.source.is_none());
        if let (false, Some(slot)) = (is_shown, free) {
            slot.source = Some(*source);
        }
    }
}

/// The name of a line in the rules.
pub(super) fn place(index: usize, kind: MediaKind) -> Place {
    Place {
        kind: if kind.is_audio() { Kind::Audio } else { Kind::Video },
        index: u8::try_from(index).unwrap_or(u8::MAX),
    }
}
