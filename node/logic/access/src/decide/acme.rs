//! The certificate by ACME: what the leader says is kept, as far as it is whole and bounded.

use super::{Case, invalid};
use crate::{
    Acme, AcmeAccount, AcmeCertificate, AcmeChallenge, AcmeNews, AcmePlan, AcmeTrouble, Decision, Effect,
    EventDraft, EventKind, FieldChange, Refusal, Topic, View,
};

const OBJECT: &str = "web_certificate";

impl<V: View> Case<'_, V> {
    pub(super) fn acme(&self, news: &AcmeNews) -> Result<Decision, Refusal> {
        self.require_system()?;
        let mut acme = self.view.acme();
        let mut decision = Decision::default();
        acme.challenges.retain(|one| self.at.now < one.until);
        match news {
            AcmeNews::Account(account) => {
                check_account(account)?;
                acme.account = Some(account.clone());
            }
            AcmeNews::Challenges(new) => {
                check_challenges(new)?;
                // Those of another leader stay: it may be that the authority looks for them a moment later.
                acme.challenges.retain(|one| !new.contains(one));
                acme.challenges.extend(new.iter().cloned());
                let beyond = acme.challenges.len().saturating_sub(Acme::CHALLENGES);
                acme.challenges.drain(..beyond);
            }
            AcmeNews::Certificate(certificate) => {
                check_certificate(certificate)?;
                self.tell_certificate(&acme, certificate, &mut decision);
                acme.certificate = Some(certificate.clone());
                acme.challenges.clear();
                acme.trouble = None;
            }
            AcmeNews::Trouble(trouble) => {
                check_trouble(trouble)?;
                decision.event(event(&trouble.plan, false, "not issued", trouble_change(trouble)));
                decision.notice(Topic::Events, "");
                acme.trouble = Some(trouble.clone());
            }
            AcmeNews::Forget => {
                if let Some(before) = &acme.certificate {
                    decision.event(event(&before.plan, true, "no longer by ACME", Vec::new()));
                    decision.notice(Topic::Events, "");
                }
                acme = Acme::default();
            }
        }
        decision
            .effect(Effect::PutAcme(Box::new(acme)))
            .notice(Topic::Cluster, "");
        Ok(decision)
    }

    fn tell_certificate(&self, before: &Acme, after: &AcmeCertificate, decision: &mut Decision) {
        let until = |one: &AcmeCertificate| one.until.0.to_string();
        let changes = vec![FieldChange {
            field: "until_ms".into(),
            before: before.certificate.as_ref().map(until),
            after: Some(until(after)),
        }];
        decision.event(event(&after.plan, true, "issued", changes));
        decision.notice(Topic::Events, "");
    }
}

fn event(plan: &AcmePlan, success: bool, description: &str, changes: Vec<FieldChange>) -> EventDraft {
    EventDraft {
        kind: EventKind::Change,
        success,
        object_kind: OBJECT,
        object: plan.names.first().cloned().unwrap_or_default(),
        description: description.to_owned(),
        changes,
        actor: None,
    }
}

fn trouble_change(trouble: &AcmeTrouble) -> Vec<FieldChange> {
    vec![FieldChange {
        field: "trouble".into(),
        before: None,
        after: Some(serde_json::Value::from(trouble.detail.as_str()).to_string()),
    }]
}

fn bounded(field: &str, bytes: usize, most: usize) -> Result<(), Refusal> {
    if bytes > most {
        return Err(invalid(field, format!("has more than {most} bytes")));
    }
    Ok(())
}

fn check_plan(plan: &AcmePlan) -> Result<(), Refusal> {
    bounded("directory", plan.directory.len(), Acme::FIELD_BYTES)?;
    if plan.names.is_empty() || plan.names.len() > Acme::NAMES {
        return Err(invalid("names", format!("must be 1 to {}", Acme::NAMES)));
    }
    let longest = plan.names.iter().map(String::len).max();
    bounded("names", longest.unwrap_or(0), 253)
}

fn check_account(account: &AcmeAccount) -> Result<(), Refusal> {
    bounded("directory", account.directory.len(), Acme::FIELD_BYTES)?;
    bounded("credentials", account.credentials.0.len(), Acme::FIELD_BYTES)
}

fn check_challenges(all: &[AcmeChallenge]) -> Result<(), Refusal> {
    if all.len() > Acme::NAMES {
        return Err(invalid("challenges", format!("must be {} at most", Acme::NAMES)));
    }
    all.iter()
        .try_for_each(|one| bounded("challenges", one.name.len(), 253))
}

fn check_certificate(certificate: &AcmeCertificate) -> Result<(), Refusal> {
    check_plan(&certificate.plan)?;
    bounded("chain", certificate.chain.len(), Acme::CHAIN_BYTES)?;
    bounded("key", certificate.key.0.len(), Acme::FIELD_BYTES)?;
    if certificate.until <= certificate.from {
        return Err(invalid("until", "is not after it begins"));
    }
    Ok(())
}

fn check_trouble(trouble: &AcmeTrouble) -> Result<(), Refusal> {
    check_plan(&trouble.plan)?;
    bounded("code", trouble.code.len(), 64)?;
    bounded("detail", trouble.detail.len(), Acme::FIELD_BYTES)
}
