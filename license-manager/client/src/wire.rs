//! Messages as they travel. What a stranger sends is bounded by gRPC's limit and by the types here.

use plenary_contracts::leases::v1 as pb;
use plenary_licences::{
    Answer, Ask, Epoch, Incarnation, Order, PoolId, Position, Recall, Refusal, Reply, Request, Seats,
};

/// A message that cannot be read; the text says what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message has no {0} that can be read")]
pub struct WireError(&'static str);

/// Largest message between a server and a manager, in bytes.
pub const MESSAGE_BYTES: usize = 64 * 1024;

/// Numbers of seats as they travel.
pub fn seats_to(seats: Seats) -> pb::Seats {
    let Seats {
        pro,
        online,
        guest,
        gateway,
    } = seats;
    pb::Seats {
        pro,
        online,
        guest,
        gateway,
    }
}

/// Numbers of seats; what is missing is none.
pub fn seats_from(seats: Option<pb::Seats>) -> Seats {
    seats.map_or(Seats::NONE, |seats| Seats {
        pro: seats.pro,
        online: seats.online,
        guest: seats.guest,
        gateway: seats.gateway,
    })
}

fn epoch_to(epoch: Epoch) -> pb::Epoch {
    pb::Epoch {
        pool: epoch.pool,
        number: epoch.number,
    }
}

fn epoch_from(epoch: Option<pb::Epoch>) -> Result<Epoch, WireError> {
    let pb::Epoch { pool, number } = epoch.ok_or(WireError("epoch"))?;
    Ok(Epoch { pool, number })
}

fn order_to(order: Order) -> pb::Order {
    pb::Order {
        epoch: Some(epoch_to(order.epoch)),
        term: order.term,
        seq: order.seq,
    }
}

fn order_from(order: Option<pb::Order>) -> Result<Order, WireError> {
    let order = order.ok_or(WireError("order"))?;
    Ok(Order {
        epoch: epoch_from(order.epoch)?,
        term: order.term,
        seq: order.seq,
    })
}

fn position_to(position: Position) -> pb::Position {
    pb::Position {
        epoch: position.epoch,
        branch: position.branch,
        index: position.index,
        reign: position.reign,
    }
}

fn position_from(position: Option<pb::Position>) -> Position {
    position.map_or(Position::default(), |position| Position {
        epoch: position.epoch,
        branch: position.branch,
        index: position.index,
        reign: position.reign,
    })
}

/// 16 bytes, big-endian.
pub fn id_to(id: u128) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

/// # Errors
/// When there are not 16 bytes.
pub fn id_from(bytes: &[u8], what: &'static str) -> Result<u128, WireError> {
    bytes
        .try_into()
        .map(u128::from_be_bytes)
        .map_err(|_| WireError(what))
}

fn amount_to(order: Order, seats: Seats) -> pb::Amount {
    pb::Amount {
        order: Some(order_to(order)),
        seats: Some(seats_to(seats)),
    }
}

fn amount_from(amount: pb::Amount) -> Result<(Order, Seats), WireError> {
    Ok((order_from(amount.order)?, seats_from(amount.seats)))
}

/// A request as it travels.
pub fn request_to(request: &Request) -> pb::Request {
    use pb::request::Ask as To;
    let ask = match request.ask {
        Ask::Register { incarnation } => To::Register(id_to(incarnation.0)),
        Ask::Renew { order, used, wanted } => To::Renew(pb::Renew {
            order: Some(order_to(order)),
            used: Some(seats_to(used)),
            wanted: Some(seats_to(wanted)),
        }),
        Ask::Grow { order, to } => To::Grow(amount_to(order, to)),
        Ask::Return { order, to } => To::GiveBack(amount_to(order, to)),
        Ask::Reclaim { order, held } => To::Reclaim(amount_to(order, held)),
        Ask::Leave { order } => To::Leave(order_to(order)),
    };
    pb::Request {
        server: request.server.to_string(),
        pool: request.pool.map_or_else(Vec::new, |pool| id_to(pool.0)),
        seen: Some(position_to(request.seen)),
        ask: Some(ask),
    }
}

/// # Errors
/// When something is missing.
pub fn request_from(request: pb::Request) -> Result<Request, WireError> {
    use pb::request::Ask as From;
    let ask = match request.ask.ok_or(WireError("question"))? {
        From::Register(id) => Ask::Register {
            incarnation: Incarnation(id_from(&id, "incarnation")?),
        },
        From::Renew(renew) => Ask::Renew {
            order: order_from(renew.order)?,
            used: seats_from(renew.used),
            wanted: seats_from(renew.wanted),
        },
        From::Grow(amount) => amount_from(amount).map(|(order, to)| Ask::Grow { order, to })?,
        From::GiveBack(amount) => amount_from(amount).map(|(order, to)| Ask::Return { order, to })?,
        From::Reclaim(amount) => amount_from(amount).map(|(order, held)| Ask::Reclaim { order, held })?,
        From::Leave(order) => Ask::Leave {
            order: order_from(Some(order))?,
        },
    };
    let pool = match request.pool.is_empty() {
        true => None,
        false => Some(PoolId(id_from(&request.pool, "pool")?)),
    };
    Ok(Request {
        server: request
            .server
            .parse()
            .map_err(|_| WireError("name of a server"))?,
        pool,
        seen: position_from(request.seen),
        ask,
    })
}

/// An answer as it travels.
pub fn answer_to(answer: &Answer) -> pb::Answer {
    use pb::answer::Reply as To;
    let reply = match answer.reply {
        Reply::Registered {
            pool,
            incarnation,
            epoch,
        } => To::Registered(pb::Registered {
            pool: id_to(pool.0),
            incarnation: id_to(incarnation.0),
            epoch: Some(epoch_to(epoch)),
        }),
        Reply::Renewed { order, seats, ttl_ms } => To::Renewed(pb::Renewed {
            order: Some(order_to(order)),
            seats: Some(seats_to(seats)),
            ttl_ms,
        }),
        Reply::Grown { order, seats } => To::Grown(amount_to(order, seats)),
        Reply::Returned { order, seats } => To::Returned(amount_to(order, seats)),
        Reply::Left { order } => To::Left(order_to(order)),
        Reply::Refused { order, refusal } => To::Refused(pb::Refused {
            order: order.map(order_to),
            code: refusal.code().to_owned(),
        }),
    };
    pb::Answer {
        position: Some(position_to(answer.position)),
        reply: Some(reply),
    }
}

/// # Errors
/// When something is missing, or a refusal is of a newer version.
pub fn answer_from(answer: pb::Answer) -> Result<Answer, WireError> {
    use pb::answer::Reply as From;
    let reply = match answer.reply.ok_or(WireError("reply"))? {
        From::Registered(registered) => Reply::Registered {
            pool: PoolId(id_from(&registered.pool, "pool")?),
            incarnation: Incarnation(id_from(&registered.incarnation, "incarnation")?),
            epoch: epoch_from(registered.epoch)?,
        },
        From::Renewed(renewed) => Reply::Renewed {
            order: order_from(renewed.order)?,
            seats: seats_from(renewed.seats),
            ttl_ms: renewed.ttl_ms,
        },
        From::Grown(amount) => amount_from(amount).map(|(order, seats)| Reply::Grown { order, seats })?,
        From::Returned(amount) => {
            amount_from(amount).map(|(order, seats)| Reply::Returned { order, seats })?
        }
        From::Left(order) => Reply::Left {
            order: order_from(Some(order))?,
        },
        From::Refused(refused) => Reply::Refused {
            order: refused.order.map(|order| order_from(Some(order))).transpose()?,
            refusal: refusal_from(&refused.code)?,
        },
    };
    Ok(Answer {
        position: position_from(answer.position),
        reply,
    })
}

fn refusal_from(code: &str) -> Result<Refusal, WireError> {
    let known = Refusal::ALL.into_iter().find(|refusal| refusal.code() == code);
    known.ok_or(WireError("refusal"))
}

/// A recall as it travels.
pub fn recall_to(recall: Recall) -> pb::Recall {
    pb::Recall {
        epoch: Some(epoch_to(recall.epoch)),
        seats: Some(seats_to(recall.seats)),
    }
}

/// # Errors
/// When something is missing.
pub fn recall_from(recall: pb::Recall) -> Result<Recall, WireError> {
    Ok(Recall {
        epoch: epoch_from(recall.epoch)?,
        seats: seats_from(recall.seats),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: Order = Order {
        epoch: Epoch { pool: 3, number: 4 },
        term: 5,
        seq: 6,
    };
    const SEATS: Seats = Seats {
        pro: 1,
        online: 2,
        guest: 3,
        gateway: 4,
    };
    const POSITION: Position = Position {
        epoch: 7,
        branch: 8,
        index: 9,
        reign: 10,
    };

    #[test]
    fn every_request_arrives_as_it_was() {
        let order = ORDER;
        let asks = [
            Ask::Register {
                incarnation: Incarnation(u128::MAX - 1),
            },
            Ask::Renew {
                order,
                used: SEATS,
                wanted: Seats::NONE,
            },
            Ask::Grow { order, to: SEATS },
            Ask::Return { order, to: SEATS },
            Ask::Reclaim { order, held: SEATS },
            Ask::Leave { order },
        ];
        for ask in asks {
            for pool in [None, Some(PoolId(11))] {
                let request = Request {
                    server: "paris.example.com".parse().expect("a name"),
                    pool,
                    seen: POSITION,
                    ask: ask.clone(),
                };
                assert_eq!(request_from(request_to(&request)), Ok(request));
            }
        }
    }

    #[test]
    fn every_answer_arrives_as_it_was() {
        let order = ORDER;
        let mut replies = vec![
            Reply::Registered {
                pool: PoolId(1),
                incarnation: Incarnation(2),
                epoch: ORDER.epoch,
            },
            Reply::Renewed {
                order,
                seats: SEATS,
                ttl_ms: 60_000,
            },
            Reply::Grown { order, seats: SEATS },
            Reply::Returned { order, seats: SEATS },
            Reply::Left { order },
        ];
        for refusal in Refusal::ALL {
            let order = Some(order);
            replies.push(Reply::Refused { order, refusal });
            replies.push(Reply::Refused { order: None, refusal });
        }
        for reply in replies {
            let answer = Answer {
                position: POSITION,
                reply,
            };
            assert_eq!(answer_from(answer_to(&answer)), Ok(answer));
        }
        let recall = Recall {
            epoch: ORDER.epoch,
            seats: SEATS,
        };
        assert_eq!(recall_from(recall_to(recall)), Ok(recall));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = request_from(pb::Request::default()).expect_err("nothing is asked");
        assert!(error.to_string().contains("question"));
        answer_from(pb::Answer::default()).expect_err("nothing is said");
    }
}
