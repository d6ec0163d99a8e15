use crate::{
    Capacity, Command, Device, Mode, Outcome, Refusal, Seats, Told,
    counted::{free, taken_online},
};
use plenary_model::Timestamp;

impl Seats {
    /// Applies a command at `at`, the time that the leader stamped; times never go back. What ended by then ends first.
    ///
    /// # Errors
    /// A [`Refusal`]; then the command itself changed nothing but the lists of those without a licence. What ended by
    /// `at` is told beside it.
    pub fn apply(&mut self, at: Timestamp, command: &Command) -> Outcome {
        let mut told = Vec::new();
        self.expire(at, &mut told);
        match self.decide(at, command, &mut told) {
            Ok(()) => {
                self.seat_those_who_wait();
                Ok(told)
            }
            Err(refusal) => Err((refusal, told)),
        }
    }

    fn decide(&mut self, at: Timestamp, command: &Command, told: &mut Vec<Told>) -> Result<(), Refusal> {
        match command {
            Command::Capacity(capacity) => self.capacity = *capacity,
            Command::NewLease(capacity) => self.new_lease(at, *capacity),
            Command::Settings(settings) => self.settings = *settings,
            Command::Recompute { why, candidates } => self.recompute(at, *why, candidates, told),
            Command::SignIn { device, user, node } => {
                let known = self.online.contains_key(device);
                if !known && free(self.capacity.online, taken_online(self)) == 0 {
                    return Err(Refusal::NoOnline);
                }
                let here = Device {
                    user: user.clone(),
                    node: *node,
                };
                self.online.insert(device.clone(), here);
            }
            Command::SignOut { device, node } => {
                if self.online.get(device).is_some_and(|here| here.node == *node) {
                    self.online.remove(device);
                }
            }
            Command::Join {
                participation,
                user,
                node,
            } => return self.join(at, *participation, user, *node, told),
            Command::JoinAsPartner { .. } | Command::Tick => {}
            Command::Left { participation } => self.left(at, |id, _| id == *participation),
            Command::NodeLost { node, kept } => {
                self.left(at, |id, on| on == *node && !kept.contains(&id));
                self.online.retain(|_, device| device.node != *node);
            }
            Command::AskForPro { user } => return self.ask(at, user, told),
            Command::Revoke { user } => return self.revoke(user, told),
            Command::Gone { user } => self.gone(user, told),
            Command::GuestJoin {
                participation,
                guest,
                node,
            } => return self.guest_join(*participation, guest, *node),
            Command::GatewayUp { connection, account } => {
                if self.gateways.contains_key(connection) {
                    return Ok(());
                }
                if free(self.capacity.gateway, self.gateways.len()) == 0 {
                    return Err(Refusal::NoGateway);
                }
                if account.is_some() && free(self.capacity.online, taken_online(self)) == 0 {
                    return Err(Refusal::NoOnline);
                }
                self.gateways.insert(*connection, account.clone());
            }
            Command::GatewayDown { connection } => {
                self.gateways.remove(connection);
            }
        }
        Ok(())
    }

    /// Nothing of before is in use: nodes ended it when they saw the new lease. Devices sign in again.
    fn new_lease(&mut self, at: Timestamp, capacity: Capacity) {
        self.capacity = capacity;
        self.left(at, |_, _| true);
        for user in self.holders.keys_where(|_, holder| holder.seated) {
            if let Some(holder) = self.holders.get_mut(&user) {
                holder.seated = false;
            }
        }
        self.online.clear();
        self.guests.clear();
        self.gateways.clear();
    }

    /// Whether whoever is signed in may join (LIC-11).
    pub fn is_one_pool(&self) -> bool {
        self.capacity.mode == Mode::OnePool
    }
}
