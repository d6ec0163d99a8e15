//! What clients are told when the rules refuse something, or nothing can be read: by which code, and with which facts.

use plenary_access::Refusal as Ruled;
use plenary_meeting_io::Refused;
use plenary_rest_api::backend::{ReadError, WriteError};
use plenary_signalling::meeting::{FullOf, Refusal, RefusalFacts};

pub(super) fn refused(error: WriteError) -> Refused {
    let code = match &error {
        WriteError::Refused(Ruled::NotFound { .. }) => Refusal::NotFound,
        WriteError::Refused(Ruled::Forbidden { .. }) => Refusal::Forbidden,
        WriteError::Refused(Ruled::Full(_)) => Refusal::Full,
        WriteError::Refused(Ruled::Licensing { code, .. }) => match code.as_str() {
            "no_guest_seat" => Refusal::NoGuestSeat,
            "no_online_seat" => Refusal::NoOnlineSeat,
            _ => Refusal::NoProSeat,
        },
        WriteError::Refused(Ruled::KeptOut { code, .. }) => kept_out(code),
        // The server does not know yet that this node has started.
        WriteError::Refused(Ruled::Conflict(_)) => Refusal::Unavailable,
        WriteError::Refused(_) => Refusal::BadRequest,
        _ => Refusal::Unavailable,
    };
    Refused::new(code, error.to_string()).with(facts(&error))
}

/// Somebody was not let in, and that was counted.
pub(super) fn counted(code: &str, reason: &str, left: Option<u32>) -> Refused {
    Refused::new(kept_out(code), reason).with(RefusalFacts {
        left,
        ..RefusalFacts::default()
    })
}

/// Nothing that needs a seat can be used here now.
pub(super) fn over(reason: &str) -> Refused {
    Refused::new(Refusal::NoProSeat, reason)
}

/// Why somebody is not let in, by the code of the rules.
fn kept_out(code: &str) -> Refusal {
    match code {
        "pin-needed" => Refusal::PinNeeded,
        "wrong-pin" => Refusal::WrongPin,
        "too-many-pins" => Refusal::TooManyPins,
        "not-begun" => Refusal::NotBegun,
        "locked" => Refusal::Locked,
        "uninvited" => Refusal::Uninvited,
        "removed-from-meeting" => Refusal::RemovedFromMeeting,
        "way-closed" => Refusal::WayClosed,
        "not-registered" => Refusal::NotRegistered,
        "registration-not-open" => Refusal::RegistrationNotOpen,
        "registration-closed" => Refusal::RegistrationClosed,
        "registration-full" => Refusal::RegistrationFull,
        "link-not-valid" => Refusal::LinkNotValid,
        "zone-guests" => Refusal::ZoneGuests,
        "zone-right" => Refusal::ZoneRight,
        "guests-full" | "partner-full" | "devices-full" => Refusal::Full,
        _ => Refusal::Forbidden,
    }
}

/// What clients say of a refusal in words of their own.
fn facts(error: &WriteError) -> RefusalFacts {
    let WriteError::Refused(why) = error else {
        return RefusalFacts::default();
    };
    let (code, minutes) = match why {
        Ruled::KeptOut { code, minutes, .. } => (code.as_str(), *minutes),
        why => (why.code(), None),
    };
    RefusalFacts {
        left: None,
        minutes,
        full: match code {
            "guests-full" => Some(FullOf::Guests),
            "partner-full" => Some(FullOf::Partner),
            "devices-full" => Some(FullOf::Devices),
            _ => None,
        },
    }
}

pub(super) fn unreadable(error: ReadError) -> Refused {
    Refused::new(Refusal::Unavailable, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_conference::KeptOut;

    #[test]
    fn each_reason_of_a_registration_is_told_by_its_own_code() {
        let told = [
            (KeptOut::NotRegistered, Refusal::NotRegistered),
            (KeptOut::RegistrationNotOpen, Refusal::RegistrationNotOpen),
            (KeptOut::RegistrationClosed, Refusal::RegistrationClosed),
            (KeptOut::RegistrationFull, Refusal::RegistrationFull),
            (KeptOut::LinkNotValid, Refusal::LinkNotValid),
            (KeptOut::ZoneGuests, Refusal::ZoneGuests),
            (KeptOut::Removed, Refusal::RemovedFromMeeting),
        ];
        for (why, code) in told {
            let refused = refused(WriteError::Refused(why.into()));
            assert_eq!((refused.code, refused.detail), (code, why.to_string()));
            // Over the wire as the rules and the REST interface have it.
            let wire = serde_json::to_value(code).expect("a name");
            assert_eq!(wire, why.code());
        }
    }

    #[test]
    fn how_long_to_wait_and_of_what_there_is_no_room_are_told_as_facts() {
        let told = |why: KeptOut| refused(WriteError::Refused(why.into()));
        for why in [
            KeptOut::TooManyPins { minutes: 7 },
            KeptOut::TooManyPinsOfPartner { minutes: 7 },
            KeptOut::TooManyPinsOfGuests { minutes: 7 },
        ] {
            let refused = told(why);
            assert_eq!(
                (refused.code, refused.facts.minutes),
                (Refusal::TooManyPins, Some(7))
            );
        }
        let full = [
            (KeptOut::Full(20), None),
            (KeptOut::GuestsFull, Some(FullOf::Guests)),
            (KeptOut::PartnerFull(3), Some(FullOf::Partner)),
        ];
        for (why, of) in full {
            let refused = told(why);
            assert_eq!((refused.code, refused.facts.full), (Refusal::Full, of));
        }
        let wrong = counted("wrong-pin", "the PIN is wrong", Some(2));
        assert_eq!((wrong.code, wrong.facts.left), (Refusal::WrongPin, Some(2)));
    }
}
