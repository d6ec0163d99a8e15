use super::{Time, parse};
use crate::{
    backend::{ProSeat as Row, WithoutPro as WithoutRow},
    problem::Problem,
};
use plenary_licensing::{Desk, RulesPatch};
use plenary_seats::{Figures, Holding, Mode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Seats of one kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeatUse {
    /// What the licences give, or what is leased.
    pub total: u32,
    /// More than `total` after a licence has ended: nobody is thrown out, and nobody new gets one.
    pub taken: u32,
}

/// A group whose members have permanent PRO.
#[derive(Debug, Serialize, ToSchema)]
pub struct PermanentGroup {
    pub id: String,
    /// Null if the group is no more.
    #[schema(required)]
    pub name: Option<String>,
}

/// Who may use what, in numbers, and what administrators chose.
#[derive(Debug, Serialize, ToSchema)]
pub struct Seats {
    /// With an Enterprise licence PRO and online seats are one pool, told as `online`.
    pub one_pool: bool,
    pub pro: SeatUse,
    pub online: SeatUse,
    pub guest: SeatUse,
    pub gateway: SeatUse,
    /// Users with permanent PRO.
    pub permanent: u64,
    /// All others with PRO, those included whose seat was taken back and is still in use.
    pub temporary: u64,
    pub without_permanent: u64,
    pub without_temporary: u64,
    /// Users see their own PRO.
    pub show_pro: bool,
    /// Users may ask for temporary PRO before they join.
    pub ask_for_pro: bool,
    /// Whether the licences allow permanent PRO.
    pub permanent_pro: bool,
    /// The first ones first.
    pub permanent_groups: Vec<PermanentGroup>,
    /// When permanent PRO was given out last.
    #[schema(required)]
    pub picked_at: Option<Time>,
    /// When it will be given out next by itself.
    #[schema(required)]
    pub next_pick: Option<Time>,
    /// Of the settings; also the `ETag`.
    #[schema(pattern = "^[0-9]+$")]
    pub revision: String,
}

impl Seats {
    pub(crate) fn of(desk: &Desk, groups: Vec<PermanentGroup>) -> Self {
        let seats = desk.seats();
        let (pool, taken, settings) = (desk.places(), seats.in_use(), seats.settings());
        let of = |total, taken| SeatUse { total, taken };
        let permanent = |holding: &Holding| matches!(holding, Holding::Permanent { .. });
        let count = |wanted: bool| {
            seats
                .holders()
                .filter(|(_, holding)| permanent(holding) == wanted)
                .count() as u64
        };
        Self {
            one_pool: seats.capacity().mode == Mode::OnePool,
            pro: of(pool.pro, taken.pro),
            online: of(pool.online, taken.online),
            guest: of(pool.guest, taken.guest),
            gateway: of(pool.gateway, taken.gateway),
            permanent: count(true),
            temporary: count(false),
            without_permanent: seats.without_permanent().0.len() as u64,
            without_temporary: seats.without_temporary().count() as u64,
            show_pro: settings.show_pro,
            ask_for_pro: settings.ask_for_pro,
            permanent_pro: desk.gives().permanent_pro,
            permanent_groups: groups,
            picked_at: seats.without_permanent().1.map(Time),
            next_pick: seats.next_pick().map(Time),
            revision: desk.rules().revision.to_string(),
        }
    }
}

/// Changes to what administrators choose; what is missing or null stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeatsPatch {
    pub show_pro: Option<bool>,
    pub ask_for_pro: Option<bool>,
    /// IDs of groups with permanent PRO, the first ones first. It counts from the next time that it is given out.
    #[schema(max_items = 1000)]
    pub permanent_groups: Option<Vec<String>>,
}

impl SeatsPatch {
    pub(crate) fn read(self) -> Result<RulesPatch, Problem> {
        let groups = self.permanent_groups.map(|groups| {
            let read = |(at, text): (usize, &String)| parse(&format!("permanent_groups[{at}]"), text);
            groups.iter().enumerate().map(read).collect()
        });
        Ok(RulesPatch {
            show_pro: self.show_pro,
            ask_for_pro: self.ask_for_pro,
            groups: groups.transpose()?,
        })
    }
}

/// What somebody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProKind {
    /// By the groups, without an end.
    Permanent,
    /// Until `until`, and while in a conference.
    Temporary,
    /// Taken back; free when the user has left the last conference.
    Ending,
}

fn kind(holding: Holding) -> (ProKind, Option<Time>) {
    match holding {
        Holding::Permanent { .. } => (ProKind::Permanent, None),
        Holding::Temporary { until } => (ProKind::Temporary, Some(Time(until))),
        Holding::Ending { .. } => (ProKind::Ending, None),
    }
}

/// A user with PRO.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProSeat {
    pub user: String,
    pub display_name: String,
    pub kind: ProKind,
    /// Of temporary ones: when it ends, unless the user is in a conference then.
    #[schema(required)]
    pub until: Option<Time>,
    /// There are fewer seats than before, and this user waits for one.
    pub waiting: bool,
    /// Places in conferences that the user has now.
    pub places: u64,
}

impl From<Row> for ProSeat {
    fn from(row: Row) -> Self {
        let (kind, until) = kind(row.holding);
        Self {
            user: row.user.into(),
            display_name: row.display_name,
            kind,
            until,
            waiting: !row.seated,
            places: row.places,
        }
    }
}

/// A user who got no PRO.
#[derive(Debug, Serialize, ToSchema)]
pub struct WithoutPro {
    pub user: String,
    pub display_name: String,
    /// When permanent PRO was given out, or when the user was refused first.
    pub since: Time,
}

impl From<WithoutRow> for WithoutPro {
    fn from(row: WithoutRow) -> Self {
        Self {
            user: row.user.into(),
            display_name: row.display_name,
            since: Time(row.since),
        }
    }
}

/// What who is signed in has of PRO.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnPro {
    /// Whether the server shows it to users; if not, the rest says nothing.
    pub shown: bool,
    /// With an Enterprise licence nobody needs PRO.
    pub needed: bool,
    #[schema(required)]
    pub kind: Option<ProKind>,
    #[schema(required)]
    pub until: Option<Time>,
    /// Whether it can be asked for in advance.
    pub may_ask: bool,
}

impl OwnPro {
    pub(crate) fn of(figures: &Figures, row: Option<Row>) -> Self {
        let (settings, mode) = (figures.settings, figures.capacity.mode);
        let held = row.filter(|_| settings.show_pro).map(|row| kind(row.holding));
        Self {
            shown: settings.show_pro,
            needed: mode == Mode::Apart,
            kind: held.map(|(kind, _)| kind),
            until: held.and_then(|(_, until)| until),
            may_ask: settings.show_pro && settings.ask_for_pro && mode == Mode::Apart,
        }
    }
}
