//! Masks card numbers in the fixed bytes of replies.

use super::card_numbers::{Hidden, hidden_in, hide_copies};
use super::exchange::Exchange;
use super::fields::Part;

/// Masks what is hidden in one of the replies of a group. Returns how many digits and characters that is.
///
/// Whole replies are searched, because a card number may be partly fixed, and partly copied from the request or varied.
pub(super) fn mask(group: &[&Exchange], parts: &mut [Part]) -> usize {
    let fixed_len = parts.iter().map(|part| if let Part::Literal(bytes) = part { bytes.len() } else { 0 }).sum();
    let mut all_hidden = vec![Hidden::default(); fixed_len];
    for exchange in group {
        let is_written = written(exchange, parts);
        let mut hidden = hidden_in(&exchange.reply, |at| is_written.get(at) == Some(&true));
        hide_copies((&exchange.request, &exchange.hidden), (&exchange.reply, &mut hidden));
        let fixed = hidden.iter().zip(&is_written).filter(|(_, is_written)| **is_written);
        all_hidden.iter_mut().zip(fixed).for_each(|(all, (hidden, _))| *all |= *hidden);
    }
    let fixed = parts.iter_mut().filter_map(|part| if let Part::Literal(bytes) = part { Some(bytes) } else { None });
    fixed.flatten().zip(&all_hidden).for_each(|(byte, hidden)| *byte = hidden.mask(*byte));
    all_hidden.iter().map(|hidden| hidden.count()).sum()
}

/// Returns for each byte of a reply whether it is fixed.
fn written(exchange: &Exchange, parts: &[Part]) -> Vec<bool> {
    let mut is_written = Vec::with_capacity(exchange.reply.len());
    for part in parts {
        let (is_fixed, len) = match part {
            Part::Literal(bytes) => (true, bytes.len()),
            Part::Copied(place) => (false, place.len()),
            Part::Field(_, len) => (false, *len),
            Part::Request => (false, exchange.request.len()),
        };
        is_written.extend(std::iter::repeat_n(is_fixed, len));
    }
    is_written
}
