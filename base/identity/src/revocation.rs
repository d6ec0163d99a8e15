//! Who is refused although the certificate is in order.

use crate::{
    IdentityError, PeerIdentity, Program, Refusal, Scope, ServerCa,
    certificate::Serial,
    signed::{Fault, Seal},
};
use plenary_model::NodeId;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};
use tokio::sync::watch;

/// Certificates and members of one scope that count no more. Only ever grows; `version` counts up with each change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationList {
    pub scope: Scope,
    pub version: u64,
    /// Members that left for good: whatever certificate they show. Their numbers are never given out again.
    pub members: BTreeSet<(Program, NodeId)>,
    /// Single certificates.
    pub serials: BTreeSet<Serial>,
}

impl RevocationList {
    /// The list that refuses nobody, version 0.
    pub fn empty(scope: Scope) -> Self {
        Self {
            scope,
            version: 0,
            members: BTreeSet::new(),
            serials: BTreeSet::new(),
        }
    }

    pub fn is_revoked(&self, who: &PeerIdentity) -> bool {
        self.members.contains(&(who.name.program, who.name.member)) || self.serials.contains(&who.serial)
    }
}

/// A list as it travels: with the signature of the scope's issuer, checkable by everyone who knows the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRevocations {
    /// The list in JSON, exactly as it was signed.
    list: String,
    signature: String,
    issuer: String,
}

/// Keeps signatures over lists apart from those over certificates, made by the same key.
const LABEL: &[u8] = b"plenary revocations 1\0";

impl SignedRevocations {
    /// # Errors
    /// [`Refusal::OutOfScope`] if the list is that of another scope.
    pub(crate) fn sign(list: &RevocationList, ca: &ServerCa) -> Result<Self, IdentityError> {
        if list.scope != *ca.scope() {
            let (leaf, issuer) = (format!("a list of {}", list.scope), ca.scope().to_string());
            return Err(Refusal::OutOfScope { leaf, issuer }.into());
        }
        let list = serde_json::to_string(list).map_err(|_| IdentityError::Crypto {
            what: "writing a list",
        })?;
        let Seal { signature, issuer } = Seal::over(LABEL, &list, ca)?;
        Ok(Self {
            list,
            signature,
            issuer,
        })
    }

    /// Reads the list if its scope's issuer signed it and the enterprise's root certified that one.
    ///
    /// # Errors
    /// [`Refusal::BadRevocations`] with the reason.
    pub fn verify(&self, root: &[u8], now: SystemTime) -> Result<RevocationList, Refusal> {
        let bad = |reason: &str| Refusal::BadRevocations(reason.to_owned());
        let seal = Seal {
            signature: self.signature.clone(),
            issuer: self.issuer.clone(),
        };
        let scope = seal.verify(LABEL, &self.list, root, now);
        let scope = scope.map_err(|fault| match fault {
            Fault::Bad(reason) => bad(reason),
            Fault::Refused(refusal) => refusal,
        })?;
        let list: RevocationList = serde_json::from_str(&self.list).map_err(|_| bad("it cannot be read"))?;
        if list.scope != scope {
            return Err(bad("it was signed by the issuer of another scope"));
        }
        Ok(list)
    }
}

/// The newest lists that this program knows, one for each scope; shared by all its connections.
#[derive(Debug, Clone)]
pub struct Revocations {
    lists: Arc<RwLock<BTreeMap<String, Arc<RevocationList>>>>,
    changed: watch::Sender<u64>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self {
            lists: Arc::default(),
            changed: watch::Sender::new(0),
        }
    }
}

impl Revocations {
    pub fn is_revoked(&self, who: &PeerIdentity) -> bool {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        // Border controllers are in the list of the server that they belong to.
        lists
            .values()
            .any(|list| list.scope.covers(&who.name) && list.is_revoked(who))
    }

    /// The newest list of a scope.
    pub fn list(&self, scope: &Scope) -> Option<Arc<RevocationList>> {
        self.lists
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&scope.to_string())
            .cloned()
    }

    /// Counts up whenever a list changed: then look again whether the peers of open connections are revoked.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Takes a verified list if it is newer than the one that is known. Says whether it was.
    pub(crate) fn accept(&self, list: RevocationList) -> bool {
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        let scope = list.scope.to_string();
        if lists
            .get(&scope)
            .is_some_and(|known| known.version >= list.version)
        {
            return false;
        }
        lists.insert(scope, Arc::new(list));
        drop(lists);
        self.changed.send_modify(|count| *count += 1);
        true
    }
}
