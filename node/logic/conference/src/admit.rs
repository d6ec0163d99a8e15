use crate::{Access, Conference};
use plenary_access::Refusal;
use plenary_model::UserName;

/// Who wants to come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor<'a> {
    /// Signed in to this server with an account that is active.
    Account(&'a UserName),
    /// Has no account.
    Guest,
}

/// Whether somebody may come into a conference: the one gate for every way in.
///
/// # Errors
/// [`Refusal::Forbidden`], with what is needed.
pub fn admit(conference: &Conference, visitor: Visitor<'_>) -> Result<(), Refusal> {
    match (visitor, conference.access) {
        (Visitor::Account(_), _) | (Visitor::Guest, Access::Public) => Ok(()),
        (Visitor::Guest, Access::Internal) => Err(Refusal::Forbidden {
            needs: "an account".into(),
        }),
    }
}
