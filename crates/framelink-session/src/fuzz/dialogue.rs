//! A model test of the dialogue before the first message.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use framelink_codec::Encode;
use framelink_heartbeat::{Form, Heartbeat, Role};
use framelink_length::Length;
use framelink_template::{Inputs, Match, NumberRange, NumberSource, Numbers, NumbersError};

use crate::dialogue::{Cut, Dialogue, DialogueError, DialogueRules, Greeting, Meanwhile, Sign, Step, StepMessage};
use crate::message::Message;
use crate::opening::{Opening, OpeningFault, advance_dialogue};
use crate::receiving::Received;
use crate::sending::Transmit;
use crate::session::Session;

/// Opens a connection beside a model while a peer sends random messages in random pieces. The first step, the greeting
/// and the sign-on happen in this order. Each probe and each message with a rule is answered once, in order. Each
/// message for the application is delivered once, in order, whether the peer accepts or refuses. No other message is
/// taken for the reply.
///
/// # Panics
/// If that does not hold.
pub fn dialogue(data: &[u8]) {
    let Some((&[shape], data)) = data.split_first_chunk::<1>() else { return };
    let mut model = Model::new(shape);
    let mut pieces = Vec::new();
    for (number, &step) in (0..=u8::MAX).cycle().zip(data) {
        match step % 8 {
            0 => model.sends(b'R', number),
            1 => model.sends(b'P', 0),
            2 => model.sends(b'M', number),
            3 => model.sends(b'A', 0),
            4 if step > 127 => model.sends(b'B', 0),
            _ => pieces.push(usize::from(step / 8) + 1),
        }
    }
    model.run(pieces.into_iter());
}

/// Numbers that are always 1.
struct One;

impl NumberSource for One {
    fn next_of(&self, _: Option<&str>) -> Result<u64, NumbersError> {
        Ok(1)
    }
}

struct Model {
    session: Session<Length, Length>,
    framing: Length,
    /// The bytes of the peer.
    wire: Vec<u8>,
    /// What this side must have written at the end.
    written: Vec<u8>,
    /// What the application must receive.
    delivered: Vec<Vec<u8>>,
    /// What must be handed over as unread.
    unread: Vec<Vec<u8>>,
    heard_unread: Arc<Mutex<Vec<Vec<u8>>>>,
    has_receiver: bool,
    /// Whether the reply was sent, and which.
    reply: Option<u8>,
}

impl Model {
    fn new(shape: u8) -> Self {
        let framing: Length = "net:1".parse().expect("a notation");
        let (has_first, has_greeting, has_receiver) = (shape & 1 != 0, shape & 2 != 0, shape & 4 != 0);
        let the_match = |text: &str| text.parse::<Match>().expect("a match");
        let mut rules = DialogueRules::default();
        let (mut wire, mut written) = (Vec::new(), Vec::new());
        if has_first {
            let sent = StepMessage::Sent("text:HI".parse().expect("a template"));
            let received = StepMessage::Received { expect: the_match("0:3=text:YES"), say: None };
            let step = |message, cut| Step { message, cut, is_optional: false };
            rules.first = vec![step(sent, Cut::Whole), step(received, Cut::Bytes(3))];
            written.extend_from_slice(b"HI");
            wire.extend_from_slice(b"YES");
        }
        let append = |message: &[u8], out: &mut Vec<u8>| framing.append_frame(message, out).expect("a short message");
        if has_greeting {
            rules.greeting = Some(Greeting::new().expect(the_match("0:1=text:G")));
            append(b"G0", &mut wire);
        }
        let sign = Sign::new("text:S{number:2}".parse::<framelink_template::Template>().expect("a template"));
        rules.sign_on = Some(sign.expect(the_match("0:1=text:A")).reply_rule(the_match("0:1=text:A|text:B")));
        append(b"S01", &mut written);
        rules.meanwhile =
            vec![Meanwhile::new(the_match("0:1=text:M"), "text:N{request:1:1}".parse().expect("a template"))];
        rules.heartbeat = Some(Arc::new(Heartbeat::strict(Form::literal(b"P0", b"Q"))));
        rules.has_receiver = has_receiver;
        let numbers = Numbers::over(NumberRange::new(1, 9).expect("not empty"));
        let mut session = Session::new(framing, framing);
        session.receiving.set_dialogue(Dialogue::new(Arc::new(rules), Role::Client, numbers));
        let heard_unread = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&heard_unread);
        session.receiving.set_unread(Some(Arc::new(move |message: Message| {
            heard.lock().expect("no panic").push(message.to_vec());
        })));
        let (delivered, unread) = (Vec::new(), Vec::new());
        Self { session, framing, wire, written, delivered, unread, heard_unread, has_receiver, reply: None }
    }

    /// The peer sends a message. Says what must become of it.
    fn sends(&mut self, kind: u8, number: u8) {
        let message = if kind == b'P' { b"P0".to_vec() } else { vec![kind, number] };
        if self.reply == Some(b'B') {
            return;
        }
        self.framing.append_frame(&message, &mut self.wire).expect("a short message");
        if self.reply.is_some() {
            // Heartbeats have begun, and all other messages are the application's.
            if kind != b'P' {
                self.delivered.push(message);
            }
            return;
        }
        let answer = match kind {
            b'P' => Some(b"Q".to_vec()),
            b'M' => Some(vec![b'N', number]),
            b'A' | b'B' => {
                self.reply = Some(kind);
                None
            }
            _ if self.has_receiver => {
                self.delivered.push(message);
                None
            }
            _ => {
                self.unread.push(message);
                None
            }
        };
        if let Some(answer) = answer {
            self.framing.append_frame(&answer, &mut self.written).expect("a short message");
        }
    }

    fn run(mut self, mut pieces: impl Iterator<Item = usize>) {
        let inputs = Inputs {
            now: Duration::ZERO,
            local_offset: 0,
            request: None,
            numbers: &One,
            random: &|| 0,
            variable: &|_| None,
        };
        let (mut written, mut delivered, mut rest) = (Vec::new(), Vec::new(), &std::mem::take(&mut self.wire)[..]);
        let mut opened = None;
        let mut kept = 0;
        loop {
            let mut is_to_go_on = false;
            if opened.is_none() {
                let Session { receiving, sending, .. } = &mut self.session;
                match advance_dialogue(receiving, sending, &inputs, || 0, Duration::ZERO) {
                    Ok(Opening::Over) => opened = Some(true),
                    Ok(Opening::Write) => is_to_go_on = true,
                    Ok(Opening::Read(_)) => {}
                    Err(OpeningFault::Dialogue(error)) => {
                        if let DialogueError::TooManyKept { .. } = error {
                            kept = 65;
                        } else {
                            let is_refusal = matches!(error, DialogueError::Unexpected(_));
                            assert!(is_refusal && self.reply == Some(b'B'), "{error}");
                        }
                        opened = Some(false);
                    }
                    Err(fault) => panic!("{fault:?}"),
                }
            }
            while let Transmit::Write(bytes) = self.session.sending.poll() {
                written.extend_from_slice(bytes);
                let count = bytes.len();
                self.session.sending.on_written(count, Duration::ZERO);
            }
            if opened == Some(false) {
                break;
            }
            if opened == Some(true) {
                while let Ok(Received::Message(message)) = self.session.receiving.poll() {
                    delivered.push(message.to_vec());
                }
            }
            if rest.is_empty() {
                if is_to_go_on {
                    continue;
                }
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(pieces.next().unwrap_or(1)));
            self.session.receiving.on_bytes(now, Duration::ZERO);
            rest = later;
        }
        self.check(opened, kept, &written, delivered);
    }

    fn check(self, opened: Option<bool>, kept: usize, written: &[u8], delivered: Vec<Vec<u8>>) {
        let unread = self.heard_unread.lock().expect("no panic").clone();
        if kept > 0 {
            assert_eq!(unread.len() + 1, kept, "all that fitted are handed over");
            assert_eq!(unread, self.delivered[..64]);
            return;
        }
        let reply_came = opened.is_some();
        assert_eq!(opened == Some(true), reply_came && self.reply == Some(b'A'));
        if reply_came && self.reply == Some(b'A') {
            // The last write of the dialogue may be followed by answers of the heartbeats.
            assert!(written.starts_with(&self.written) || self.written.starts_with(written));
            assert_eq!(delivered, self.delivered);
            assert_eq!(unread, self.unread);
        } else if reply_came {
            assert_eq!(unread, if self.has_receiver { self.delivered } else { self.unread });
            assert!(delivered.is_empty());
        } else {
            assert!(self.reply.is_none(), "the reply ends it");
            assert!(delivered.is_empty());
            assert_eq!(written, self.written);
        }
    }
}
