//! What the bank knows: payments, reversals, and the messages that the program must be told about. Both sites share it.

use std::collections::{BTreeMap, BTreeSet};

use framelink_transport::session::Incoming;
use framelink_transport::tokio::LinkEvent;

/// What a program said about a payment.
pub(crate) type Outcome = Result<String, String>;

#[derive(Default)]
pub(crate) struct Ledger {
    /// By amount, which is different in each payment.
    payments: BTreeMap<String, Payment>,
    /// The amounts, by STAN.
    amounts: BTreeMap<String, String>,
    /// The STANs that were reversed, with the lines that the reversals came on.
    reversals: BTreeMap<String, Vec<u64>>,
    /// All STANs of the program.
    stans: BTreeSet<String>,
    /// Messages of the bank that answer no request, with the payment whose reply follows on the same line.
    unsolicited: Vec<(String, Option<String>)>,
    late: Vec<Late>,
    /// What the program must not do.
    pub(crate) faults: Vec<String>,
}

struct Payment {
    stan: String,
    is_booked: bool,
    reply: Option<String>,
}

/// A reply that was sent on this line when its reversal came.
struct Late {
    stan: String,
    line: u64,
}

impl Ledger {
    /// Notes a STAN of the program. None may repeat.
    pub(crate) fn on_stan(&mut self, message: &str) {
        if !self.stans.insert(message[4..10].to_owned()) {
            self.faults.push(format!("{message} repeats a STAN"));
        }
    }

    /// Notes a payment. Returns false if it was reversed before it came.
    pub(crate) fn on_payment(&mut self, request: &str, is_booked: bool) -> bool {
        let (stan, amount) = (request[4..10].to_owned(), request[20..].to_owned());
        let is_in_time = !self.reversals.contains_key(&stan);
        self.amounts.insert(stan.clone(), amount.clone());
        let payment = Payment { stan, is_booked: is_booked && is_in_time, reply: None };
        if self.payments.insert(amount, payment).is_some() {
            self.faults.push(format!("{request} was sent again"));
        }
        is_in_time
    }

    pub(crate) fn on_reply(&mut self, amount: &str, reply: &str) {
        self.payments.get_mut(amount).unwrap().reply = Some(reply.to_owned());
    }

    pub(crate) fn on_unsolicited(&mut self, message: &str, before_reply_to: Option<&str>) {
        self.unsolicited.push((message.to_owned(), before_reply_to.map(str::to_owned)));
    }

    pub(crate) fn on_late(&mut self, stan: &str, reply: &str, line: u64) {
        let amount = self.amounts[stan].clone();
        self.on_reply(&amount, reply);
        self.late.push(Late { stan: stan.to_owned(), line });
    }

    pub(crate) fn on_reversal(&mut self, stan: &str, line: u64) {
        self.reversals.entry(stan.to_owned()).or_default().push(line);
        if let Some(payment) = self.amounts.get(stan).and_then(|amount| self.payments.get_mut(amount)) {
            payment.is_booked = false;
        }
    }

    /// Compares what the program said with what happened. Returns how many outcomes there were of each kind: answered, reversed,
    /// not sent.
    pub(crate) fn check(&self, outcomes: &[(String, Outcome)], events: &[LinkEvent]) -> [usize; 3] {
        assert_eq!(self.faults, [""; 0]);
        let mut counts = [0; 3];
        for (amount, outcome) in outcomes {
            let payment = self.payments.get(amount);
            let kind = match outcome {
                Err(error) => {
                    assert!(error.ends_with("(not sent)"), "{error}");
                    assert!(payment.is_none(), "{amount} was received, and the program says: {error}");
                    2
                }
                Ok(said) if said == "reversed" => {
                    let is_reversed = |payment: &Payment| self.reversals.contains_key(&payment.stan);
                    assert!(payment.is_none_or(is_reversed), "{amount} was not reversed");
                    1
                }
                Ok(reply) => {
                    let payment = payment.expect("what was answered was received");
                    assert_eq!(Some(reply), payment.reply.as_ref(), "{amount} has another reply");
                    assert!(payment.is_booked, "{amount} was answered, and is not booked");
                    0
                }
            };
            counts[kind] += 1;
        }
        self.check_told(outcomes, events);
        counts
    }

    /// What answers no request in time was told, unless its line ended: a later reply on its line shows that it arrived.
    fn check_told(&self, outcomes: &[(String, Outcome)], events: &[LinkEvent]) {
        let answered: BTreeSet<_> =
            outcomes.iter().filter(|(_, said)| is_reply(said)).map(|(amount, _)| amount).collect();
        let (told, told_late) = told(events);
        for (stan, reply) in &told_late {
            let payment = &self.payments[&self.amounts[stan]];
            assert_eq!(payment.reply.as_ref(), Some(reply), "the late reply to {stan}");
            assert!(!answered.contains(&reply[20..32].to_owned()), "{reply} was returned, and is not late");
        }
        for Late { stan, line } in self.late.iter().filter(|late| self.reversals[&late.stan] == [late.line]) {
            assert!(told_late.contains_key(stan), "the reply to {stan} on line {line} was late, and was not told");
        }
        let sent: BTreeMap<_, _> = self.unsolicited.iter().map(|(message, before)| (message, before)).collect();
        for message in &told {
            assert!(sent.contains_key(message), "the bank did not send {message}");
        }
        for (message, before) in sent {
            let has_arrived = before.as_ref().is_some_and(|amount| answered.contains(amount));
            assert!(!has_arrived || told.contains(message), "the program was not told of {message}");
        }
        assert!(!told_late.is_empty() && !told.is_empty(), "nothing was told");
    }
}

fn is_reply(outcome: &Outcome) -> bool {
    outcome.as_ref().is_ok_and(|said| said != "reversed")
}

/// The messages that answer no request, and the late replies by STAN.
fn told(events: &[LinkEvent]) -> (BTreeSet<String>, BTreeMap<String, String>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (mut told, mut late) = (BTreeSet::new(), BTreeMap::new());
    for event in events {
        match event {
            LinkEvent::Incoming(Incoming::Message(message)) => drop(told.insert(text(message))),
            LinkEvent::Incoming(Incoming::Late(reply)) if reply.message().starts_with(b"0210") => {
                late.insert(text(reply.key().unwrap()), text(reply.message()));
            }
            _ => {}
        }
    }
    (told, late)
}
