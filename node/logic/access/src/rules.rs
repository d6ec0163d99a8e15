//! What the rules of other parts of the server share with those of this one: who asks, repetitions, refusals, and what
//! events tell.

pub use crate::decide::{
    Asker, asker, check_text, exists, expect_revision, first_answer, invalid, is_email, not_found,
    rights_after, rights_of,
};
pub use crate::diff::Changes;
