//! Tells the media engine what may cross, in the order in which it was decided.

use plenary_media_io::{Engine, Terms};
use plenary_model::NodeId;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::mpsc;

/// A time during which somebody says what may cross a link of a room. What comes of an earlier one counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(u64);

enum Word {
    Begin(Turn, String, NodeId),
    Terms(Turn, Option<Terms>),
    End(Turn),
}

/// Never blocks, so that guards can be dropped anywhere. Cheap to clone.
#[derive(Clone)]
pub(super) struct Teller {
    words: mpsc::UnboundedSender<Word>,
    last: Arc<AtomicU64>,
}

impl Teller {
    pub(super) fn start(engine: Engine) -> Self {
        let (words, said) = mpsc::unbounded_channel();
        tokio::spawn(tell(engine, said));
        Self {
            words,
            last: Arc::default(),
        }
    }

    pub(super) fn begin(&self, room: String, link: NodeId) -> Turn {
        let turn = Turn(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        self.say(Word::Begin(turn, room, link));
        turn
    }

    pub(super) fn tell(&self, turn: Turn, terms: Option<Terms>) {
        self.say(Word::Terms(turn, terms));
    }

    pub(super) fn end(&self, turn: Turn) {
        self.say(Word::End(turn));
    }

    fn say(&self, word: Word) {
        // Nobody listens any more where the node stops.
        self.words.send(word).ok();
    }
}

async fn tell(engine: Engine, mut said: mpsc::UnboundedReceiver<Word>) {
    let mut turns: BTreeMap<Turn, (String, NodeId)> = BTreeMap::new();
    while let Some(word) = said.recv().await {
        let (room, link, terms) = match word {
            Word::Begin(turn, room, link) => {
                turns.insert(turn, (room, link));
                continue;
            }
            Word::Terms(turn, terms) => match turns.get(&turn) {
                Some((room, link)) => (room.clone(), *link, terms),
                None => continue,
            },
            Word::End(turn) => match turns.remove(&turn) {
                Some((room, link)) => (room, link, None),
                None => continue,
            },
        };
        // An engine that has ended tells so itself.
        engine.terms(&room, link, terms).await.ok();
    }
}
