//! Transport-wide feedback as receivers write it (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

const REFERENCE_US: i64 = 64_000;
const TICK_US: i64 = 250;

/// `arrivals` from the number `base` on, in microseconds of the receiver's clock; `None`: did not arrive. Without any
/// arrival the reference time is 0.
pub(crate) fn write(base: u16, messages: u8, arrivals: &[Option<i64>]) -> Vec<u8> {
    let first_us = arrivals.iter().flatten().next().copied().unwrap_or(0);
    let reference = first_us.div_euclid(REFERENCE_US);
    let mut last_ticks = reference * (REFERENCE_US / TICK_US);
    let mut deltas = Vec::new();
    let mut statuses = Vec::new();
    for arrival in arrivals {
        let Some(arrived_us) = arrival else {
            statuses.push(0);
            continue;
        };
        let ticks = arrived_us.div_euclid(TICK_US);
        let delta = ticks - last_ticks;
        if let Ok(small) = u8::try_from(delta) {
            deltas.push(small);
            statuses.push(1);
        } else {
            let large = delta.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
            deltas.extend(large.to_be_bytes());
            statuses.push(2_u16);
        }
        last_ticks = ticks;
    }
    let mut message = Vec::new();
    message.extend(base.to_be_bytes());
    message.extend((arrivals.len() as u16).to_be_bytes());
    message.extend(&(reference as u32).to_be_bytes()[1..]);
    message.push(messages);
    chunks(&statuses, &mut message);
    message.extend(deltas);
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

fn chunks(mut statuses: &[u16], message: &mut Vec<u8>) {
    while let Some(first) = statuses.first().copied() {
        let same = statuses
            .iter()
            .take_while(|status| **status == first)
            .count()
            .min(0x1fff);
        let single = statuses.iter().take(14).all(|status| *status < 2);
        let (chunk, taken) = if same > 14 || same == statuses.len() {
            (first << 13 | same as u16, same)
        } else if single {
            (0x8000 | vector(statuses, 14, 1), 14)
        } else {
            (0xc000 | vector(statuses, 7, 2), 7)
        };
        message.extend(chunk.to_be_bytes());
        statuses = statuses.get(taken..).unwrap_or_default();
    }
}

fn vector(statuses: &[u16], count: usize, bits: usize) -> u16 {
    let padded = statuses.iter().copied().chain(std::iter::repeat(0)).take(count);
    padded.fold(0, |vector, status| vector << bits | status)
}
