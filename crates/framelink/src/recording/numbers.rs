//! Counters and random digits in replies.

use framelink_transport::session::Encoding;

use super::exchange::{Exchange, Side};

/// The most digits of a counter that zeros before it are added to.
const MOST_DIGITS: usize = 8;
const MOST_BYTES: usize = 4;
/// Fewer random digits may be an accident.
const LEAST_RANDOM: usize = 4;
/// A counter of other requests too goes up by at most this much.
const MOST_STEP: u64 = 1000;

/// A number in all replies of a group.
pub(super) struct NumberRun {
    /// How many zeros before it are part of it.
    pub(super) zeros: usize,
    pub(super) end: usize,
    /// The field of a template.
    pub(super) field: String,
}

/// Returns the number that begins here, where the replies differ, behind this many fixed zeros. `is_other` says
/// whether another field begins at a place.
pub(super) fn run_at(
    group: &[&Exchange],
    at: usize,
    zeros: usize,
    is_other: impl Fn(usize) -> bool,
) -> Option<NumberRun> {
    let is_digit = |at: usize| Side::Reply.all(group, at, |byte| byte.is_ascii_digit());
    let varies = |at: usize| !Side::Reply.is_constant(group, at..at + 1);
    let len = Side::Reply.least_len(group);
    let run = |is_part: &dyn Fn(usize) -> bool| {
        (at + 1..len).take_while(|at| is_part(*at) && !is_other(*at)).filter(|at| varies(*at)).last().unwrap_or(at) + 1
    };
    if is_digit(at) {
        let end = run(&is_digit);
        return number(group, at, zeros.min(MOST_DIGITS.saturating_sub(end - at)), end, Encoding::Ascii)
            .or_else(|| random(group, at, end));
    }
    let end = run(&varies);
    let zeros = zeros.min(MOST_BYTES.saturating_sub(end - at));
    [Encoding::Binary, Encoding::Bcd].into_iter().find_map(|encoding| number(group, at, zeros, end, encoding))
}

fn number(group: &[&Exchange], at: usize, zeros: usize, end: usize, encoding: Encoding) -> Option<NumberRun> {
    let values = group.iter().map(|exchange| encoding.decode(exchange.reply.get(at..end)?));
    if !goes_up(&values.collect::<Option<Vec<_>>>()?) {
        return None;
    }
    let len = end - at + zeros;
    let field = match encoding {
        Encoding::Ascii => format!("{{number:{len}}}"),
        _ => format!("{{number:{len},{encoding}}}"),
    };
    Some(NumberRun { zeros, end, field })
}

fn random(group: &[&Exchange], at: usize, end: usize) -> Option<NumberRun> {
    let mut values: Vec<_> = group.iter().filter_map(|exchange| exchange.reply.get(at..end)).collect();
    values.sort_unstable();
    values.dedup();
    let is_random = group.len() >= 2 && values.len() == group.len() && end - at >= LEAST_RANDOM;
    is_random.then(|| NumberRun { zeros: 0, end, field: format!("{{random:{}}}", end - at) })
}

/// Returns whether numbers go up: by one if there are only two.
pub(super) fn goes_up(values: &[u64]) -> bool {
    let most = if values.len() < 3 { 1 } else { MOST_STEP };
    let mut steps = values.windows(2).map(|pair| pair[1].checked_sub(pair[0]));
    values.len() >= 2 && steps.all(|step| step.is_some_and(|step| (1..=most).contains(&step)))
}
