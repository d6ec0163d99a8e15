//! Upper bounds for what servers send. Sizes are in characters.

/// Longest ID of an entry at its server.
pub const ID: usize = 64;
/// Longest text field: names, job title, department, company.
pub const TEXT: usize = plenary_model::limits::PROFILE_FIELD;
/// Longest email address.
pub const EMAIL: usize = plenary_model::limits::EMAIL;
/// Longest phone number, as people write it.
pub const PHONE: usize = 64;
/// Most phone numbers of one entry.
pub const PHONES: usize = 8;
/// Most groups that one entry is in.
pub const GROUPS: usize = plenary_model::limits::GROUPS_PER_USER;
/// Longest alias.
pub const ALIAS: usize = plenary_model::limits::ALIAS;
/// Most aliases of one entry.
pub const ALIASES: usize = 32;
/// Most bytes of all texts of one entry together: those of people have a few hundred.
pub const ENTRY_BYTES: usize = 32 << 10;
/// Longest word that is looked for with typos: all that one typo makes of it are looked up, a few dozen for each letter.
pub const TYPO_LETTERS: usize = 24;
/// Most entries that somebody has talked to recently, and that count for the order of what they find.
pub const RECENT: usize = 200;
/// Longest text that is searched.
pub const QUERY: usize = 128;
/// Most words of it.
pub const QUERY_WORDS: usize = 8;
/// Most hits of one search.
pub const HITS: usize = 100;
