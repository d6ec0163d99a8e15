use super::{
    command::{Command, Denial, Done, Entry, Event, Happened, Outcome},
    state::{File, Guest, Invitation, Manager, Member, Office},
};
use crate::{
    Ask, Refusal,
    lessor::{self, Standing},
    licence::LicenceId,
};
use plenary_model::{NodeId, NodeName, ServerName, Timestamp};

impl Manager {
    /// Applies the command at `index` of the log, which the leader stamped with `now`. Equal states and commands give
    /// equal outcomes.
    pub fn apply(&mut self, index: u64, now: Timestamp, entry: &Entry) -> Outcome {
        let mut outcome = Outcome {
            answer: None,
            done: Ok(Done::Done),
            events: Vec::new(),
            touched: None,
        };
        let mut events = Vec::new();
        match &entry.command {
            Command::Lend(command) => self.lend(index, command, &mut outcome, &mut events),
            other => {
                self.lessor.pass(index);
                outcome.done = self.office.apply(now, other, &self.lessor, &mut events);
            }
        }
        outcome.events = events
            .into_iter()
            .map(|event| Happened {
                at: now,
                by: entry.by.clone(),
                event,
            })
            .collect();
        outcome
    }

    fn lend(
        &mut self,
        index: u64,
        command: &lessor::Command,
        outcome: &mut Outcome,
        events: &mut Vec<Event>,
    ) {
        if let lessor::Command::Ask(request) = command
            && !self.office.servers.contains(&request.server)
            && !matches!(request.ask, Ask::Return { .. } | Ask::Leave { .. })
        {
            outcome.answer = Some(self.lessor.refuse(index, request, Refusal::Unknown));
            return;
        }
        match command {
            lessor::Command::Limits { server, .. } | lessor::Command::DeclareDead { server }
                if !self.office.servers.contains(server) && !self.lessor.servers().contains_key(server) =>
            {
                self.lessor.pass(index);
                outcome.done = Err(unknown("server", server));
                return;
            }
            lessor::Command::Recover { .. } if self.lessor.standing() != Standing::Behind => {
                outcome.done = Err(Denial::NotBehind);
            }
            _ => {}
        }
        let lent = self.lessor.apply(index, command);
        outcome.answer = lent.answer;
        outcome.touched = lent.touched;
        events.extend(lent.events.into_iter().map(Event::Lease));
        match command {
            lessor::Command::Limits { server, limits } => events.push(Event::LimitsSet {
                server: server.clone(),
                limits: *limits,
            }),
            lessor::Command::Ttl { .. } => events.push(Event::TtlSet {
                ms: self.lessor.ttl_ms(),
            }),
            lessor::Command::Licensed { seats, .. } => events.push(Event::Licensed { seats: *seats }),
            _ => {}
        }
    }
}

fn unknown(what: &str, name: &impl ToString) -> Denial {
    Denial::Unknown {
        what: what.to_owned(),
        name: name.to_string(),
    }
}

impl Office {
    fn apply(
        &mut self,
        now: Timestamp,
        command: &Command,
        lessor: &lessor::Lessor,
        events: &mut Vec<Event>,
    ) -> Result<Done, Denial> {
        self.invitations.retain(|_, invitation| invitation.expires > now);
        match command {
            // A second beginning begins nothing.
            Command::Lend(_) | Command::Begin { .. } => Ok(Done::Done),
            Command::StandAlone { member, facts } => {
                self.members = [(*member, facts.clone())].into();
                self.last_member = self.last_member.max(*member);
                self.invitations.clear();
                events.push(Event::StandsAlone { member: *member });
                Ok(Done::Done)
            }
            Command::Invite {
                id,
                secret,
                expires,
                guest,
            } => {
                at_most(self.invitations.len(), Manager::INVITATIONS)?;
                let invitation = Invitation {
                    secret: *secret,
                    expires: *expires,
                    guest: guest.clone(),
                };
                self.invitations.insert(id.clone(), invitation);
                events.push(Event::Invited { guest: guest.clone() });
                Ok(Done::Done)
            }
            Command::AdmitMember {
                invitation,
                secret,
                facts,
            } => self.admit_member(invitation, secret, facts, events),
            Command::MoveMember { member, address } => self.move_member(*member, address, events),
            Command::RemoveMember { name } => self.remove_member(name, events),
            Command::AdmitServer {
                invitation,
                secret,
                server,
            } => self.admit_server(invitation, secret, server, events),
            Command::RemoveServer { server } => self.remove_server(server, lessor, events),
            Command::Oversee { server, may } => self.oversee(server, *may, events),
            Command::Install { id, text } => self.install(*id, text, events),
            Command::Confirm { id, text } => self.confirm(*id, text, events),
            Command::RemoveLicence { id } => self.remove_licence(*id, events),
        }
    }

    /// Uses a token up.
    fn take(&mut self, id: &str, secret: &[u8; 32], found: &Guest) -> Result<(), Denial> {
        let invitation = self.invitations.get(id).filter(|known| known.secret == *secret);
        let guest = &invitation.ok_or(Denial::BadInvitation)?.guest;
        if guest != found {
            return Err(Denial::OtherGuest {
                wanted: guest.to_string(),
                found: found.to_string(),
            });
        }
        self.invitations.remove(id);
        Ok(())
    }

    fn admit_member(
        &mut self,
        invitation: &str,
        secret: &[u8; 32],
        facts: &Member,
        events: &mut Vec<Event>,
    ) -> Result<Done, Denial> {
        if self.members.values().any(|member| member.name == facts.name) {
            return Err(Denial::NameTaken);
        }
        at_most(self.members.len(), Manager::MEMBERS)?;
        self.take(invitation, secret, &Guest::Member)?;
        let member = NodeId(self.last_member.0 + 1);
        self.last_member = member;
        self.members.insert(member, facts.clone());
        events.push(Event::MemberAdmitted {
            member,
            name: facts.name.clone(),
        });
        Ok(Done::Admitted(member))
    }

    fn move_member(
        &mut self,
        member: NodeId,
        address: &str,
        events: &mut Vec<Event>,
    ) -> Result<Done, Denial> {
        let known = self
            .members
            .get_mut(&member)
            .ok_or_else(|| unknown("replica", &member))?;
        if known.address != address {
            known.address = address.to_owned();
            events.push(Event::MemberMoved {
                name: known.name.clone(),
                address: address.to_owned(),
            });
        }
        Ok(Done::Done)
    }

    fn remove_member(&mut self, name: &NodeName, events: &mut Vec<Event>) -> Result<Done, Denial> {
        let member = self.members.iter().find(|(_, member)| member.name == *name);
        let member = *member.ok_or_else(|| unknown("replica", name))?.0;
        if self.members.len() == 1 {
            return Err(Denial::LastMember);
        }
        self.members.remove(&member);
        events.push(Event::MemberRemoved { name: name.clone() });
        Ok(Done::Done)
    }

    fn admit_server(
        &mut self,
        invitation: &str,
        secret: &[u8; 32],
        server: &ServerName,
        events: &mut Vec<Event>,
    ) -> Result<Done, Denial> {
        at_most(self.servers.len(), Manager::SERVERS)?;
        self.take(invitation, secret, &Guest::Server(server.clone()))?;
        if self.servers.insert(server.clone()) {
            events.push(Event::ServerAdmitted {
                server: server.clone(),
            });
        }
        Ok(Done::Done)
    }

    fn remove_server(
        &mut self,
        server: &ServerName,
        lessor: &lessor::Lessor,
        events: &mut Vec<Event>,
    ) -> Result<Done, Denial> {
        let holds = lessor
            .servers()
            .get(server)
            .is_some_and(|server| !server.leased().is_none());
        if holds {
            return Err(Denial::HoldsSeats);
        }
        let before = self.invitations.len();
        self.invitations
            .retain(|_, invitation| invitation.guest != Guest::Server(server.clone()));
        if !self.servers.remove(server) && before == self.invitations.len() {
            return Err(unknown("server", server));
        }
        self.overseers.remove(server);
        events.push(Event::ServerRemoved {
            server: server.clone(),
        });
        Ok(Done::Done)
    }

    fn oversee(&mut self, server: &ServerName, may: bool, events: &mut Vec<Event>) -> Result<Done, Denial> {
        if !self.servers.contains(server) {
            return Err(unknown("server", server));
        }
        let changed = match may {
            true => self.overseers.insert(server.clone()),
            false => self.overseers.remove(server),
        };
        if changed {
            events.push(Event::OverseerSet {
                server: server.clone(),
                may,
            });
        }
        Ok(Done::Done)
    }

    fn install(&mut self, id: LicenceId, text: &str, events: &mut Vec<Event>) -> Result<Done, Denial> {
        if self.licences.iter().any(|file| file.id == id) {
            return Err(Denial::Known);
        }
        at_most(self.licences.len(), Manager::FILES)?;
        let text = text.to_owned();
        self.licences.push(File { id, text });
        events.push(Event::LicenceInstalled { id: id.to_string() });
        Ok(Done::Done)
    }

    fn confirm(&mut self, id: LicenceId, text: &str, events: &mut Vec<Event>) -> Result<Done, Denial> {
        if !self.licences.iter().any(|file| file.id == id) {
            return Err(unknown("licence", &id));
        }
        self.confirmations.retain(|file| file.id != id);
        let text = text.to_owned();
        self.confirmations.push(File { id, text });
        events.push(Event::LicenceConfirmed { id: id.to_string() });
        Ok(Done::Done)
    }

    fn remove_licence(&mut self, id: LicenceId, events: &mut Vec<Event>) -> Result<Done, Denial> {
        let before = self.licences.len();
        self.licences.retain(|file| file.id != id);
        if self.licences.len() == before {
            return Err(unknown("licence", &id));
        }
        self.confirmations.retain(|file| file.id != id);
        events.push(Event::LicenceRemoved { id: id.to_string() });
        Ok(Done::Done)
    }
}

fn at_most(there_are: usize, most: usize) -> Result<(), Denial> {
    (there_are < most).then_some(()).ok_or(Denial::TooMany(most))
}
