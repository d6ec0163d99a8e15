use crate::{
    Options,
    auth::Client,
    backend::{Applied, Backend},
    limits::{Place, Places, SignInLimits, StrangerLimits},
    problem::{Code, Problem},
};
use axum::http::Method;
use plenary_access::{Command, Network, Settings};
use plenary_model::{Buckets, Rights, UserName};
use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What every handler works with.
#[derive(Clone)]
pub(crate) struct Api(Arc<Inner>);

struct Inner {
    backend: Arc<dyn Backend>,
    options: Options,
    sign_in_limits: SignInLimits,
    stranger_limits: StrangerLimits,
    places: Places,
    /// Calls that take a query, as method and address.
    queried: HashSet<(String, String)>,
    /// Unknown tokens by address: each costs a question to the leader.
    unknown_tokens: Buckets<IpAddr>,
    /// The settings as they were at an applied index.
    settings: Mutex<Option<(u64, Arc<Settings>)>>,
    backups: Arc<Semaphore>,
}

/// Backups that may be made or sent at once: each is a copy of everything on the disk.
const BACKUPS: usize = 2;

impl Api {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        options: Options,
        queried: HashSet<(String, String)>,
    ) -> Self {
        Self(Arc::new(Inner {
            backend,
            sign_in_limits: SignInLimits::new(options.sign_in_rates),
            stranger_limits: StrangerLimits::new(options.sign_in_rates),
            places: Places::new(options.places),
            queried,
            unknown_tokens: Buckets::new(20.0, 2.0),
            options,
            settings: Mutex::new(None),
            backups: Arc::new(Semaphore::new(BACKUPS)),
        }))
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.0.backend
    }

    /// The backend for streams that outlive the request's handler.
    pub(crate) fn shared_backend(&self) -> Arc<dyn Backend> {
        self.0.backend.clone()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn sign_in_limits(&self) -> &SignInLimits {
        &self.0.sign_in_limits
    }

    pub(crate) fn stranger_limits(&self) -> &StrangerLimits {
        &self.0.stranger_limits
    }

    /// A place for one more backup, until the last byte is sent.
    pub(crate) fn backup_place(&self) -> Option<OwnedSemaphorePermit> {
        self.0.backups.clone().try_acquire_owned().ok()
    }

    /// A place for one more request at once.
    pub(crate) fn place(&self, address: IpAddr) -> Option<Place<'_>> {
        self.0.places.take(address)
    }

    /// Whether the call knows what to do with a query.
    pub(crate) fn takes_query(&self, method: &Method, path: &str) -> bool {
        let method = if *method == Method::HEAD {
            "get".into()
        } else {
            method.as_str().to_lowercase()
        };
        self.0.queried.contains(&(method, path.to_owned()))
    }

    /// Whether a stranger from `address` may cost one more question to the leader.
    pub(crate) fn may_ask_leader(&self, address: IpAddr) -> bool {
        self.0.unknown_tokens.take(address, Instant::now()).is_ok()
    }

    /// Changes something, and waits until this node shows it.
    pub(crate) async fn propose(&self, command: Command) -> Result<Applied, Problem> {
        let applied = self.backend().propose(command).await?;
        self.shown(applied).await
    }

    /// Changes something about conferences, and waits until this node shows it.
    pub(crate) async fn propose_conference(
        &self,
        command: plenary_conference::Command,
    ) -> Result<Applied, Problem> {
        let applied = self.backend().propose_conference(command).await?;
        self.shown(applied).await
    }

    /// Changes something about licences and seats, and waits until this node shows it.
    pub(crate) async fn propose_licensing(
        &self,
        command: plenary_licensing::Command,
    ) -> Result<Applied, Problem> {
        let applied = self.backend().propose_licensing(command).await?;
        self.shown(applied).await
    }

    async fn shown(&self, applied: Applied) -> Result<Applied, Problem> {
        if self.backend().wait_applied(applied.index).await.is_err() {
            let detail = "the change was made, but this node does not show it yet; read again in a moment";
            return Err(Problem::new(Code::Behind, detail));
        }
        Ok(applied)
    }

    /// The settings, from memory unless something has been applied since.
    pub(crate) async fn settings(&self) -> Result<Arc<Settings>, Problem> {
        let index = self.backend().applied();
        {
            let cached = self.0.settings.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, settings)) = &*cached
                && *at == index
            {
                return Ok(settings.clone());
            }
        }
        let settings = Arc::new(self.backend().settings().await?);
        *self.0.settings.lock().unwrap_or_else(PoisonError::into_inner) = Some((index, settings.clone()));
        Ok(settings)
    }

    /// Whether the control panel may be used from where `client` is: never from outside, whatever networks are allowed.
    pub(crate) async fn is_open_to_administer(&self, client: &Client) -> Result<bool, Problem> {
        if client.from_outside {
            return Ok(false);
        }
        let (address, settings) = (client.address, self.settings().await?);
        let mut networks = settings.admin_access.networks.iter();
        Ok(networks.any(|text| {
            text.parse()
                .is_ok_and(|network: Network| network.contains(address))
        }))
    }

    /// What the groups of a user allow together.
    pub(crate) async fn rights_given(&self, user: &UserName) -> Result<Rights, Problem> {
        let groups = self.backend().groups_of(user.clone()).await?;
        Ok(groups
            .iter()
            .fold(Rights::default(), |all, group| all.union(&group.rights)))
    }
}
