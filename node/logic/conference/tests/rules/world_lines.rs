//! Lines of chats in the world of these tests.

use crate::world::World;
use plenary_conference::{Effect, Person};

impl World {
    pub(crate) fn put_line(&mut self, effect: Effect) {
        match effect {
            Effect::AddLine { line, forget_until } => {
                self.lines
                    .retain(|(of, id), _| *of != line.cid || *id > forget_until);
                self.lines.insert((line.cid.clone(), line.id), line);
            }
            Effect::PutLine(line) => {
                let before = self.lines.insert((line.cid.clone(), line.id), line);
                assert!(before.is_some(), "only a line that is there is written again");
            }
            Effect::RemoveLines(cid) => self.lines.retain(|(of, _), _| *of != cid),
            Effect::TrimLines { cid, bytes } => {
                let of = self.lines.values().filter(|line| line.cid == cid);
                let mut total: usize = of.map(|line| line.text.len()).sum();
                self.lines.retain(|(of, _), line| {
                    let goes = *of == cid && total as u64 > bytes;
                    total -= if goes { line.text.len() } else { 0 };
                    !goes
                });
            }
            Effect::ForgetLines { before, .. } => self.lines.retain(|_, line| line.at >= before),
            Effect::ForgetWriter(user) => {
                let theirs = Some(Person::Account(user));
                let lines = self.lines.values_mut().map(|line| &mut line.details.person);
                lines
                    .filter(|person| **person == theirs)
                    .for_each(|person| *person = None);
            }
            of_calls_and_history => self.put_history(of_calls_and_history),
        }
    }
}
