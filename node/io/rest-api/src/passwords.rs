//! Passwords: hashed with Argon2id (RFC 9106), never more at once than this machine bears.

use crate::{
    dto::check_text,
    problem::{Code, FieldError, Problem},
};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc},
};
use plenary_access::{PasswordHash, PasswordPolicy};
use plenary_model::limits;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::sync::Semaphore;

/// How much work a hash is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
}

impl Cost {
    /// The least that is still recommended (OWASP, 2024): 19 MiB, two passes.
    pub const LEAST: Cost = Cost {
        memory_kib: 19_456,
        passes: 2,
    };
    /// What tests of other things use.
    pub const FOR_TESTS: Cost = Cost {
        memory_kib: 64,
        passes: 1,
    };
    const MOST_PASSES: u32 = 6;

    /// What a hash may cost on this machine: about 50 ms, never less than [`Cost::LEAST`].
    pub fn measured() -> Cost {
        let start = Instant::now();
        let sample = argon2(Cost::LEAST).hash_password(b"a password for measuring");
        debug_assert!(sample.is_ok());
        let took_ms = start.elapsed().as_millis().max(1);
        let passes = u128::from(Cost::LEAST.passes) * 50 / took_ms;
        let passes = u32::try_from(passes).unwrap_or(Cost::MOST_PASSES);
        Cost {
            passes: passes.clamp(Cost::LEAST.passes, Cost::MOST_PASSES),
            ..Cost::LEAST
        }
    }
}

fn argon2(cost: Cost) -> Argon2<'static> {
    let params =
        Params::new(cost.memory_kib, cost.passes, 1, None).expect("costs are within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes and checks passwords on threads of their own: at most four at once, and a bounded queue before them.
pub struct Passwords {
    cost: Cost,
    /// Checked where there is no account, so that both take the same time.
    dummy: PasswordHash,
    running: Arc<Semaphore>,
    /// Hashes of imports take half of the threads, so that people still sign in.
    imports: Semaphore,
    waiting: AtomicUsize,
}

/// Most callers that wait for a hash.
const QUEUE: usize = 64;

impl Passwords {
    pub fn new(cost: Cost) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.min(4);
        Self {
            cost,
            dummy: hash_now(cost, "no account has this password"),
            running: Arc::new(Semaphore::new(threads)),
            imports: Semaphore::new(threads.div_ceil(2)),
            waiting: AtomicUsize::new(0),
        }
    }

    /// A hash made right here, for programs that set an account up before they serve.
    pub fn hash_blocking(&self, password: &str) -> PasswordHash {
        hash_now(self.cost, password)
    }

    pub(crate) async fn hash(&self, password: String) -> Result<PasswordHash, Problem> {
        let cost = self.cost;
        self.run(move || hash_now(cost, &password)).await
    }

    /// As [`Self::hash`], but waits as long as it takes, behind those who sign in. Costs no more than
    /// [`Cost::LEAST`], so that thousands take minutes: the first sign-in makes a hash of full cost.
    pub(crate) async fn hash_for_import(&self, password: String) -> Result<PasswordHash, Problem> {
        let _turn = self
            .imports
            .acquire()
            .await
            .map_err(|error| Problem::internal(&error))?;
        let permit = self.running.clone().acquire_owned().await;
        let permit = permit.map_err(|error| Problem::internal(&error))?;
        let cost = Cost {
            memory_kib: self.cost.memory_kib.min(Cost::LEAST.memory_kib),
            passes: self.cost.passes.min(Cost::LEAST.passes),
        };
        let work = tokio::task::spawn_blocking(move || {
            let hash = hash_now(cost, &password);
            drop(permit);
            hash
        });
        work.await.map_err(|error| Problem::internal(&error))
    }

    /// Whether the password is the one of `stored`; takes as long where nothing is stored.
    pub(crate) async fn verify(
        &self,
        password: String,
        stored: Option<PasswordHash>,
    ) -> Result<bool, Problem> {
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.clone());
        let matches = self.run(move || verify_now(&password, &stored)).await?;
        Ok(matches && exists)
    }

    /// Whether `stored` cost less than hashes do now, so that a new one is due.
    pub(crate) fn is_weak(&self, stored: &PasswordHash) -> bool {
        let params = phc::PasswordHash::new(&stored.0)
            .ok()
            .and_then(|hash| Params::try_from(&hash).ok());
        params.is_none_or(|params| {
            let more_memory = self.cost.memory_kib > params.m_cost();
            let more_passes = self.cost.passes > params.t_cost();
            (more_memory && self.cost.passes >= params.t_cost())
                || (more_passes && self.cost.memory_kib >= params.m_cost())
        })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let place = Place::take(&self.waiting)?;
        let permit = self.running.clone().acquire_owned().await;
        let permit = permit.map_err(|error| Problem::internal(&error))?;
        drop(place);
        // The permit moves into the thread: a caller who leaves does not free a thread that still works.
        let work = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        work.await.map_err(|error| Problem::internal(&error))
    }
}

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self, Problem> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE {
            let detail = "too many people sign in at this moment; try again in a few seconds";
            return Err(Problem::new(Code::Busy, detail).retry_after(2));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hash_now(cost: Cost, password: &str) -> PasswordHash {
    let hash = argon2(cost).hash_password(password.as_bytes());
    PasswordHash(hash.expect("the operating system gives random salts").to_string())
}

fn verify_now(password: &str, stored: &PasswordHash) -> bool {
    match phc::PasswordHash::new(&stored.0) {
        Ok(hash) => Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok(),
        Err(error) => {
            tracing::error!(%error, "a stored password hash cannot be read; its account cannot sign in");
            false
        }
    }
}

/// Refuses a new password that the policy forbids (USR-10), naming all that is missing.
pub(crate) fn check_policy(field: &str, password: &str, policy: &PasswordPolicy) -> Result<(), Problem> {
    check_text(field, password, limits::PASSWORD)?;
    let missing = unmet(password, policy);
    if missing.is_empty() {
        return Ok(());
    }
    let detail = format!("the password is too weak: it {}", missing.join(", and it "));
    let errors = missing.into_iter().map(|reason| FieldError {
        line: None,
        field: field.into(),
        reason,
    });
    Err(Problem::new(Code::PasswordPolicy, detail).with_errors(errors.collect()))
}

/// What a password lacks.
pub(crate) fn unmet(password: &str, policy: &PasswordPolicy) -> Vec<String> {
    let has = |is: fn(char) -> bool| password.chars().any(is);
    let mut missing = Vec::new();
    let least = usize::from(policy.min_length).max(1);
    if password.chars().count() < least {
        missing.push(format!("needs at least {least} characters"));
    }
    if policy.mixed_case && !(has(char::is_lowercase) && has(char::is_uppercase)) {
        missing.push("needs letters in upper and lower case".into());
    }
    if policy.digits && !has(char::is_numeric) {
        missing.push("needs a digit".into());
    }
    if policy.specials && !has(|c| !c.is_alphanumeric()) {
        missing.push("needs a character that is neither letter nor digit".into());
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_an_account_is_right() {
        let passwords = Passwords::new(Cost::FOR_TESTS);
        let hash = passwords.hash("пароль 1".into()).await.expect("not busy");
        assert!(hash.0.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        let verify = |password: &str, stored| passwords.verify(password.into(), stored);
        assert!(verify("пароль 1", Some(hash.clone())).await.expect("not busy"));
        assert!(!verify("пароль 2", Some(hash)).await.expect("not busy"));
        let dummy = "no account has this password";
        assert!(!verify(dummy, None).await.expect("not busy"));
    }

    #[tokio::test]
    async fn hashes_of_imports_cost_the_least_and_are_made_anew_at_the_first_sign_in() {
        let costly = Passwords::new(Cost {
            memory_kib: 19_456,
            passes: 3,
        });
        let hash = costly.hash_for_import("x".into()).await.expect("never busy");
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(costly.is_weak(&hash));
        let own = costly.hash("x".into()).await.expect("not busy");
        assert!(!costly.is_weak(&own));
    }

    #[tokio::test]
    async fn a_storm_is_turned_away_at_the_door() {
        let passwords = Passwords::new(Cost::FOR_TESTS);
        let storm = (0..QUEUE + 50).map(|_| passwords.verify("x".into(), None));
        let answers = futures::future::join_all(storm).await;
        let busy = answers.iter().filter(|answer| answer.is_err()).count();
        assert!(busy > 0 && busy <= 50, "{busy} of them were turned away");
        assert!(passwords.verify("x".into(), None).await.is_ok(), "it is over");
    }

    #[test]
    fn hashes_that_cost_less_are_weak() {
        let now = Passwords::new(Cost {
            memory_kib: 64,
            passes: 2,
        });
        let hash = |memory_kib, passes| hash_now(Cost { memory_kib, passes }, "x");
        assert!(now.is_weak(&hash(64, 1)));
        assert!(now.is_weak(&hash(32, 2)));
        assert!(!now.is_weak(&hash(64, 2)));
        assert!(!now.is_weak(&hash(128, 1)), "neither is more than the other");
        assert!(!now.is_weak(&hash(64, 3)));
    }

    #[test]
    fn the_policy_names_all_that_is_missing() {
        let policy = PasswordPolicy {
            min_length: 8,
            mixed_case: true,
            digits: true,
            specials: true,
        };
        assert_eq!(unmet("abc", &policy).len(), 4);
        assert_eq!(unmet("Пароль-2030", &policy), Vec::<String>::new());
        let long = "x".repeat(65);
        assert!(check_policy("password", &long, &PasswordPolicy::default()).is_err());
    }
}
