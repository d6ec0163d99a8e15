use crate::{
    Capacity, Command, Mode, Outcome, Refusal, Seats, Told,
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
            Command::SignIn { device, user } => {
                let known = self.online.contains_key(device);
                if !known && free(self.capacity.online, taken_online(self)) == 0 {
                    return Err(Refusal::NoOnline);
                }
                self.online.insert(*device, user.clone());
            }
            Command::SignOut { device } => {
                self.online.remove(device);
            }
            Command::Join {
                participation,
                user,
                node,
            } => return self.join(at, *participation, user, *node, told),
            Command::JoinAsPartner { .. } | Command::Tick => {}
            Command::Left { participation } => self.left(at, |id, _| id == *participation),
            Command::NodeLost { node } => self.left(at, |_, on| on == *node),
            Command::AskForPro { user } => return self.ask(at, user, told),
            Command::Revoke { user } => return self.revoke(user, told),
            Command::Gone { user } => self.gone(user, told),
            Command::GuestJoin { guest } => {
                let taken = self.guests.len();
                if !self.guests.contains(guest) && free(self.capacity.guest, taken) == 0 {
                    return Err(Refusal::NoGuest);
                }
                self.guests.insert(guest.clone());
            }
            Command::GuestLeft { guest } => {
                self.guests.remove(guest);
            }
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
        for holder in self.holders.values_mut() {
            holder.seated = false;
        }
        self.online.clear();
        self.guests.clear();
        self.gateways.clear();
    }

    pub(crate) fn is_one_pool(&self) -> bool {
        self.capacity.mode == Mode::OnePool
    }
}
