//! The gate for programs that watch: they stand in no roster, so the rules are asked here.

use plenary_access::Topic;
use plenary_conference::{
    Admission, Attempts, Conference, Gate, KeptOut, Knock, Link, Run, Visitor, Way, admit,
};
use plenary_store::Changes;
use plenary_whip::MediaError;

/// Whether somebody may watch, who has no PIN to give and does not wait.
pub(super) fn watches(
    conference: &Conference,
    run: Option<&Run>,
    visitor: Visitor<'_>,
    now: plenary_model::Timestamp,
) -> Result<(), MediaError> {
    let run = run.filter(|run| run.participants > 0);
    let gate = Gate {
        conference,
        run,
        // Who watches takes no place from those inside.
        inside: 0,
        guests: 0,
        // Guests do not watch by programs.
        registered: 0,
    };
    let knock = Knock {
        visitor,
        way: Way::Watch,
        pin: None,
        attempts: Attempts::default(),
        link: Link::None,
        is_in: false,
        now,
    };
    match admit(&gate, &knock) {
        Ok(Admission::Inside) => Ok(()),
        Ok(Admission::Waiting) => {
            let words = "you would have to be let in from the waiting room; join in the browser";
            Err(MediaError::KeptOut(words.into()))
        }
        Err(why @ KeptOut::PinNeeded) => Err(MediaError::KeptOut(format!(
            "{why}; programs cannot: join in the browser, or come as a moderator"
        ))),
        Err(why) => Err(MediaError::KeptOut(why.to_string())),
    }
}

/// Why the door of a conference is closed to a program.
pub(super) fn words(why: KeptOut) -> &'static str {
    match why {
        KeptOut::WayClosed => {
            "this conference is not open to programs; its owner can open it in its join options"
        }
        KeptOut::Uninvited => {
            "only those who are invited may come; ask the owner of the conference to invite you"
        }
        KeptOut::LectureWatch => {
            "in a lecture only moderators and those whom it names as lecturers may watch by a program; join in the browser"
        }
        _ => "you may not enter this room",
    }
}

/// Whether who may do what in a meeting may be another by these.
pub(super) fn concerns_meetings(changes: &Changes) -> bool {
    let of_meetings = |topic: Topic| matches!(topic, Topic::Meetings | Topic::Conferences);
    changes
        .notices
        .as_ref()
        .is_none_or(|notices| notices.iter().any(|notice| of_meetings(notice.topic)))
}
