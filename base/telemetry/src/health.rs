//! Whether a program is alive, and whether it should get requests.

use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// How it stands with one thing that the program needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "detail", rename_all = "snake_case")]
pub enum CheckState {
    Ready,
    /// It works, but somebody should look; says why. Requests still come.
    Degraded(String),
    /// Requests should go elsewhere; says why.
    Unready(String),
}

type Probe = Arc<dyn Fn() -> CheckState + Send + Sync>;

/// Named checks of a program. Cheap to clone.
#[derive(Clone, Default)]
pub struct Health(Arc<RwLock<BTreeMap<&'static str, Probe>>>);

/// All checks, as `/readyz` tells them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthReport {
    pub ready: bool,
    pub checks: Vec<CheckReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    pub name: &'static str,
    #[serde(flatten)]
    pub state: CheckState,
}

impl Health {
    /// Sets how it stands with `name`, until it is set again. Registers the check early, as unready, for what
    /// takes time at the start: a check that nobody knows of yet hinders nobody.
    pub fn set(&self, name: &'static str, state: CheckState) {
        self.watch(name, move || state.clone());
    }

    /// Asks `probe` whenever somebody wants to know. It must answer at once and not panic.
    pub fn watch(&self, name: &'static str, probe: impl Fn() -> CheckState + Send + Sync + 'static) {
        let mut checks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        checks.insert(name, Arc::new(probe));
    }

    pub fn report(&self) -> HealthReport {
        // Copied, so that a probe may itself set checks.
        let probes = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let checks: Vec<_> = probes
            .into_iter()
            .map(|(name, probe)| CheckReport { name, state: probe() })
            .collect();
        let ready = !checks
            .iter()
            .any(|check| matches!(check.state, CheckState::Unready(_)));
        HealthReport { ready, checks }
    }

    pub fn is_ready(&self) -> bool {
        self.report().ready
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Health").field(&self.report()).finish()
    }
}
