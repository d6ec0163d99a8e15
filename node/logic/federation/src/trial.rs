//! What was tried to reach a partner, step by step, for the administrator who wants to know why it fails.

/// One after the other; after one that fails, the next ones are not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Whether the lists of this server allow it.
    Policy,
    /// Where DNS says that it is.
    Srv,
    /// Which addresses that is.
    Address,
    /// TCP.
    Connection,
    /// TLS, and whose certificate is shown.
    Certificate,
    /// What the partner says to us: that its lists allow us, and which version is spoken.
    Answer,
}

/// How a step went. `detail` is a sentence or a list of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    pub step: Step,
    pub is_good: bool,
    pub detail: String,
    pub took_ms: u32,
}

/// All that was tried. Invariant: steps ascend, and only the last one may have failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trial(Vec<Done>);

impl Trial {
    /// Notes a step. Gives whether it is of use to go on.
    pub fn note(&mut self, step: Step, took_ms: u32, result: Result<String, String>) -> bool {
        let is_good = result.is_ok();
        let (Ok(detail) | Err(detail)) = result;
        debug_assert!(self.0.last().is_none_or(|last| last.is_good && last.step < step));
        self.0.push(Done {
            step,
            is_good,
            detail,
            took_ms,
        });
        is_good
    }

    pub fn steps(&self) -> &[Done] {
        &self.0
    }

    /// Whether the partner can be met.
    pub fn is_good(&self) -> bool {
        self.0
            .last()
            .is_some_and(|last| last.is_good && last.step == Step::Answer)
    }
}
