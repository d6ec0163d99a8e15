//! Upper bounds for what people and strangers may send. Sizes are in characters unless named otherwise.

/// Longest user name, the part before `@`.
pub const USER_NAME: usize = 64;
/// Longest text field of a profile (names, organisation, phones).
pub const PROFILE_FIELD: usize = 256;
/// Longest email address (RFC 5321 §4.5.3.1).
pub const EMAIL: usize = 254;
/// Longest group name.
pub const GROUP_NAME: usize = 128;
/// Longest alias (USR-09).
pub const ALIAS: usize = 32;
/// Longest call string.
pub const CALL_STRING: usize = 512;
/// Longest name of a conference in addresses, its CID.
pub const CID: usize = 64;
/// Fewest characters of a CID that the server makes up (CONF-04).
pub const MADE_CID_MIN: usize = 4;
/// Most characters of a CID that the server makes up.
pub const MADE_CID: usize = 20;
/// Most CIDs that one command offers, of which the first free one is taken.
pub const CID_CANDIDATES: usize = 32;
/// Longest name of a conference for people.
pub const CONFERENCE_NAME: usize = 128;
/// Longest description of a conference.
pub const CONFERENCE_DESCRIPTION: usize = 2_000;
/// Most conferences that one user owns.
pub const CONFERENCES_PER_USER: usize = 1_000;
/// Most conferences of a server.
pub const CONFERENCES: usize = 100_000;
/// Longest password, in characters (USR-10).
pub const PASSWORD: usize = 64;
/// Largest avatar in bytes.
pub const AVATAR_BYTES: usize = 256 * 1024;
/// Most groups that one user is a member of.
pub const GROUPS_PER_USER: usize = 256;
/// Most accounts in one import.
pub const IMPORT_ROWS: usize = 20_000;
/// Largest page of a list.
pub const PAGE: u32 = 500;
/// Most entries in one user's address book.
pub const CONTACTS: usize = 5_000;
/// Most hand-picked entries in the address book of one group.
pub const ADDRESS_BOOK_ENTRIES: usize = 1_000;
/// Most sessions of one user; a new sign-in ends the oldest.
pub const SESSIONS_PER_USER: usize = 100;
/// Most participants of one run of a conference.
pub const PARTICIPANTS: usize = 2_000;
/// Most visits that are kept of one run: how often somebody came.
pub const VISITS_PER_RUN: u64 = 10_000;
/// Most runs that are kept, however young they are; the oldest go first.
pub const HISTORY_RUNS: usize = 200_000;
/// Most visits that are kept in all runs.
pub const HISTORY_VISITS: usize = 2_000_000;
/// Most places that one person has in one run, each on a device or program of its own.
pub const PLACES_PER_PERSON: usize = 8;
/// Those of whom a run knows that they were removed.
pub const REMOVED: usize = 500;
/// Longest name that a participant gives.
pub const PARTICIPANT_NAME: usize = 128;
/// Longest reaction: an emoji may be made of several characters.
pub const REACTION: usize = 8;
/// Longest line of a meeting's chat.
pub const CHAT_LINE: usize = 4_000;
/// Most lines of a run's chat that nodes of before keep; the oldest go first.
pub const CHAT_LINES: usize = 1_000;
/// Most lines of a conference's chat that are kept, of all its runs; the oldest go first.
pub const KEPT_LINES: usize = 2_000;
/// Most bytes that the texts of those have together.
pub const KEPT_LINE_BYTES: usize = 1 << 20;
/// Longest key by which a line that is said again is known.
pub const LINE_KEY: usize = 64;
/// Most layouts that a conference keeps.
pub const KEPT_LAYOUTS: usize = 20;
/// Longest name of such a layout.
pub const LAYOUT_NAME: usize = 64;
/// How long who wrote a line may change it, in milliseconds.
pub const EDIT_LINE_MS: u64 = 48 * 3_600_000;
/// Most people whom one line mentions.
pub const MENTIONS: usize = 20;
/// Most guests that a server keeps, so that they come back to who they were; those who came the longest ago go first.
pub const KEPT_GUESTS: usize = 60_000;
/// Most guests of one conference whose tokens are valid.
pub const GUESTS_PER_CONFERENCE: usize = 5_000;
/// Guests of a conference from one network whose tokens are valid.
pub const GUESTS_PER_SOURCE: usize = 200;
/// Most guests of a server whose tokens are valid.
pub const GUESTS: usize = 20_000;
/// Most people who register for one conference (CONF-12).
pub const REGISTRANTS_PER_CONFERENCE: usize = 5_000;
/// Most people whose registrations a server keeps.
pub const REGISTRANTS: usize = 100_000;
/// Most people who register for one conference from one source.
pub const REGISTRANTS_PER_SOURCE: usize = 500;
/// Most own fields of a registration form.
pub const REGISTRATION_FIELDS: usize = 10;
/// Longest label of an own field, and longest choice of a list.
pub const REGISTRATION_LABEL: usize = 128;
/// Most choices of a list of a registration form.
pub const REGISTRATION_CHOICES: usize = 50;
/// Longest text that who registers agrees to.
pub const REGISTRATION_CONSENT: usize = 2_000;
/// Longest answer of one line.
pub const REGISTRATION_ANSWER: usize = 256;
/// Longest answer of several lines.
pub const REGISTRATION_LONG_ANSWER: usize = 1_000;
/// Most bytes that all texts of one registration have together.
pub const REGISTRATION_BYTES: usize = 8_192;
/// Fewest digits of a conference's PIN.
pub const PIN_MIN: usize = 4;
/// Most digits of a conference's PIN.
pub const PIN: usize = 16;
/// Wrong PINs that one source may give a conference within [`PIN_WINDOW_MS`].
pub const PIN_ATTEMPTS: u32 = 5;
/// The same of all people of one partner's server together, which has as many names as it likes.
pub const PIN_ATTEMPTS_OF_PARTNER: u32 = 20;
/// The same of all guests of a conference who have not registered.
pub const PIN_ATTEMPTS_OF_GUESTS: u32 = 100;
/// How long wrong PINs are remembered, from the last one on.
pub const PIN_WINDOW_MS: u64 = 10 * 60 * 1000;
/// Most places on a podium (CONF-01).
pub const PODIUM: u8 = 49;
/// Most templates of conferences that one user has (CONF-16).
pub const TEMPLATES_PER_USER: usize = 100;
/// Most templates of a server.
pub const TEMPLATES: usize = 20_000;
/// Most people who are called into one conference at once (CONF-08).
pub const RINGS: usize = 2_000;
/// Most conferences and groups that ring at one person at once.
pub const RINGS_PER_PERSON: usize = 5;
/// How often one person is called into one run.
pub const RINGS_PER_RUN: usize = 20;
/// Most members of a group at whom it rings when the group is called (USR-08).
pub const GROUP_RINGS: usize = 100;
/// So long after it has rung nobody is called again into the same conference.
pub const RING_PAUSE_MS: u64 = 10_000;
/// Most places of a layout for all that a moderator sets one by one.
pub const LAYOUT_SLOTS: usize = 25;
/// Whoever has declined to come to the podium is not asked again for so long.
pub const INVITATION_PAUSE_MS: u64 = 10_000;
/// The quickest at which a layout changes who is shown, in seconds.
pub const SHUFFLE_MIN_S: u16 = 5;
/// The slowest.
pub const SHUFFLE_S: u16 = 3_600;
/// Most moderators that a conference names.
pub const MODERATORS: usize = 100;
/// Most documents that strangers agree to (WEB-01).
pub const DOCUMENTS: u8 = 5;
/// Earlier versions of each that are kept.
pub const PAST_DOCUMENTS: u32 = 50;
/// Longest title of such a document.
pub const DOCUMENT_TITLE: usize = 128;
/// Longest text of such a document.
pub const DOCUMENT_TEXT: usize = 100_000;
/// Longest web address that an administrator gives.
pub const WEB_ADDRESS: usize = 2_000;
/// Largest logo in bytes.
pub const LOGO_BYTES: usize = 256 * 1024;
/// Most partners that are written down (FED-01).
pub const PARTNERS: usize = 1_000;
/// Longest note on a partner.
pub const PARTNER_NOTE: usize = 1_000;
/// Longest text with the authority of a partner, in bytes.
pub const PARTNER_AUTHORITY: usize = 16 * 1024;
/// Least bandwidth that all media of one partner has, in kbit/s: less than one voice is none.
pub const PARTNER_KBPS_MIN: u32 = 64;
/// Most bandwidth that can be set for a partner, in kbit/s.
pub const PARTNER_KBPS: u32 = 100_000_000;
/// Most people of one partner that can be set.
pub const PARTNER_PEOPLE: u32 = 1_000_000;
/// Messages that wait to be delivered to servers of partners; of one conference as many more as it names people.
pub const MESSAGES: usize = 100_000;
/// Those to one server.
pub const MESSAGES_PER_PARTNER: usize = 20_000;
/// Conferences of partners' servers to which one user is invited.
pub const INVITATIONS_PER_USER: usize = 500;
/// Of them, those that are from one server: none fills all places.
pub const INVITATIONS_PER_USER_AND_PARTNER: usize = 100;
/// Invitations that one partner's server has told, withdrawn ones for some days too.
pub const INVITATIONS_PER_PARTNER: usize = 50_000;
