//! A model test of the reply rules of a server.

use std::time::Duration;

use framelink_template::{Inputs, Match, NumberSource, NumbersError, Template};

use crate::serving::{ReplyFault, ReplyRule, ReplyRules, RuledReply};

/// Makes rules of the first bytes, and answers the other bytes as requests of two connections. The first rule answers
/// that is for a request and not used up, and each connection counts for itself.
///
/// # Panics
/// If that does not hold.
pub fn reply_rules(data: &[u8]) {
    let Some((&count, data)) = data.split_first() else { return };
    let count = usize::from(count) % 8;
    let Some((said, requests)) = data.split_at_checked(count * 2) else { return };
    let rules: Vec<_> = said.chunks_exact(2).map(|bytes| rule(bytes[0], bytes[1])).collect();
    let mut connections = [(); 2].map(|()| (ReplyRules::new(rules.clone()), vec![0; rules.len()]));
    for request in requests.chunks(4) {
        let (state, answered) = &mut connections[usize::from(request[0] & 1)];
        let mut holding = (0..rules.len()).filter(|&at| rules[at].when().holds(request, None));
        let expected = holding.find(|&at| rules[at].limit().is_none_or(|most| answered[at] < most));
        if let Some(at) = expected {
            answered[at] += 1;
        }
        check(&rules, expected, request, state);
    }
    for (rule, before) in ReplyRules::unreachable(&rules) {
        assert!(before < rule);
        assert!(connections.iter().all(|(_, answered)| answered[rule] == 0), "rule {rule} is behind {before}");
    }
}

fn check(rules: &[ReplyRule], expected: Option<usize>, request: &[u8], state: &mut ReplyRules) {
    let inputs = Inputs {
        now: Duration::ZERO,
        local_offset: 0,
        request: None,
        numbers: &Seven,
        random: &|| 0,
        variable: &|_| None,
    };
    let Some(rule) = expected.map(|at| &rules[at]) else {
        assert_eq!(state.answer(request, &inputs), Ok(RuledReply::default()), "no rule is for it");
        return;
    };
    let composed = rule.reply().map(|reply| reply.compose(&inputs.answering(request))).transpose();
    match (state.answer(request, &inputs), composed) {
        (Ok(reply), Ok(message)) => {
            let fault = rule.reply_fault();
            assert_eq!(reply, RuledReply { rule: expected, message, after: rule.delay(), fault });
        }
        (reply, composed) => assert_eq!(reply.err(), composed.err(), "the request is too short"),
    }
}

fn rule(what: u8, how: u8) -> ReplyRule {
    let when = match what % 4 {
        0 => Match::any(),
        1 => Match::from(&[what / 4]),
        kind => matches(["1:1=odd", "len=2..3"][usize::from(kind % 2)]),
    };
    let mut rule = ReplyRule::new(when).after(Duration::from_secs(u64::from(how % 3)));
    if let Some(reply) = ["text:{number:2}", "hex:{request}", "hex:{request:1:2}"].get(usize::from(how % 4)) {
        rule = rule.say(template(reply));
    }
    if how & 0x10 != 0 {
        rule = rule.fault(ReplyFault::ALL[usize::from(how % 4)]);
    }
    if how & 0x80 != 0 { rule.times(u32::from(how / 32 % 4)) } else { rule }
}

fn matches(text: &str) -> Match {
    text.parse().expect("a match")
}

fn template(text: &str) -> Template {
    text.parse().expect("a template")
}

/// The number seven each time.
struct Seven;

impl NumberSource for Seven {
    fn next_of(&self, _name: Option<&str>) -> Result<u64, NumbersError> {
        Ok(7)
    }
}
