//! The gate for programs: the rules that are asked before anything is proposed, and words for what they say.

use plenary_access::Topic;
use plenary_conference::{Conference, Gate, KeptOut, Run, Visitor, admit_watcher};
use plenary_store::Changes;
use plenary_whip::{MediaError, Refused};

/// Whether somebody may watch, by what this node knows. How many are in is asked where they are listed: who watches
/// already takes no further place.
pub(super) fn watches(
    conference: &Conference,
    run: Option<&Run>,
    visitor: Visitor<'_>,
    now: plenary_model::Timestamp,
) -> Result<(), MediaError> {
    let gate = Gate {
        conference,
        run,
        inside: 0,
        guests: 0,
        // Guests do not watch by programs.
        registered: 0,
        partner_full: None,
    };
    admit_watcher(&gate, visitor, now).map_err(|why| MediaError::KeptOut {
        code: why.code().to_owned(),
        words: why.to_string(),
    })
}

/// Why the door of a conference is closed to a program.
pub(super) fn closed(why: KeptOut) -> Refused {
    let words = match why {
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
    };
    let code = why.code();
    Refused::KeptOut { code, words }
}

/// Whether who may do what in a meeting may be another by these.
pub(super) fn concerns_meetings(changes: &Changes) -> bool {
    let of_meetings = |topic: Topic| matches!(topic, Topic::Meetings | Topic::Conferences);
    changes
        .notices
        .as_ref()
        .is_none_or(|notices| notices.iter().any(|notice| of_meetings(notice.topic)))
}
