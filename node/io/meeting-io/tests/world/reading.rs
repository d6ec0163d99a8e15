//! Who reads which lines in the tests' meetings.

use super::{State_, World};
use plenary_meeting_io::{Person, Reads, Refused};
use plenary_signalling::meeting::{NoChat, ParticipantId, Refusal, Said};

impl State_ {
    /// Accounts read all; others what is said in this run.
    pub(super) fn reads(&self, who: ParticipantId) -> Reads {
        match self.places.get(&who) {
            Some((Person::Account(_), ..)) => Reads::All,
            _ => Reads::Runs([self.run].into()),
        }
    }
}

impl World {
    /// What is said from now on is of another run.
    pub(crate) fn next_run(&self) {
        self.state.lock().unwrap().run += 1;
    }

    /// Nobody of these writes any more, by the terms with their server.
    pub(crate) fn silence(&self, who: ParticipantId) {
        self.commit(|state| {
            let place = state.places.get_mut(&who);
            let place = place.ok_or_else(|| Refused::new(Refusal::NotFound, "not there"))?;
            place.1.no_chat = Some(NoChat::Partner);
            Ok(())
        })
        .unwrap();
    }
}

pub(super) fn has(reads: &Reads, line: &Said) -> bool {
    match reads {
        Reads::All => true,
        Reads::Runs(runs) => line.run.is_some_and(|run| runs.contains(&run)),
    }
}
