//! A bank with two sites, which does what real hosts do: it answers in any order, late, or not at all, and sends messages of its
//! own with the STANs of the program. It shares no code with framelink.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::ledger::Ledger;

pub(crate) struct Bank {
    ledger: Mutex<Ledger>,
    /// How many payments both sites have received, and the primary.
    seen: watch::Sender<u64>,
    seen_at_primary: watch::Sender<u64>,
    pub(crate) kills: watch::Sender<u64>,
    /// Set to end both sites, until it is reset.
    pub(crate) is_down: watch::Sender<bool>,
    /// How often both sites have ended.
    pub(crate) outages: watch::Sender<u64>,
    pub(crate) signed_on: watch::Sender<u64>,
    /// How many echo tests of the program were answered, and how many of the bank's by the program.
    pub(crate) echoes: watch::Sender<u64>,
    pub(crate) answers: watch::Sender<u64>,
    /// Counts messages in both directions.
    pub(crate) progress: AtomicU64,
    /// No reply in time takes longer. Zero: replies are sent at once.
    slowest: Duration,
    /// Replies that wait for their reversals.
    held: Mutex<Vec<Held>>,
    lines: AtomicU64,
}

struct Held {
    stan: String,
    reply: String,
    line: u64,
    out: mpsc::UnboundedSender<String>,
}

/// A connection of the program.
struct Line {
    number: u64,
    is_primary: bool,
    out: mpsc::UnboundedSender<String>,
    is_signed_on: bool,
    /// The STANs of the bank's echo tests.
    echoed: BTreeSet<String>,
}

/// What the bank does with a payment.
enum Conduct {
    Replies,
    /// Sends a message of its own with the STAN of the payment before the reply.
    Says(String),
    /// Replies twice.
    RepliesTwice,
    /// Replies when the reversal comes.
    IsLate,
    LosesReply,
    LosesRequest,
}

impl Conduct {
    fn of(request: &str) -> Self {
        let (stan, amount) = (&request[4..10], request[20..].parse::<u64>().unwrap());
        match amount % 400 {
            7 | 107 | 207 | 307 => Self::IsLate,
            8 => Self::LosesReply,
            9 => Self::LosesRequest,
            10 => Self::RepliesTwice,
            11 | 211 => Self::Says(format!("0200{stan}0115080000{amount:012}")),
            12 => Self::Says(format!("0810{stan}011508000030100")),
            13 => Self::Says(format!("0800{stan}0115080000301")),
            _ => Self::Replies,
        }
    }
}

impl Bank {
    pub(crate) fn new(slowest: Duration) -> Arc<Self> {
        Arc::new(Self {
            ledger: Mutex::default(),
            seen: watch::Sender::new(0),
            seen_at_primary: watch::Sender::new(0),
            kills: watch::Sender::new(0),
            is_down: watch::Sender::new(false),
            outages: watch::Sender::new(0),
            signed_on: watch::Sender::new(0),
            echoes: watch::Sender::new(0),
            answers: watch::Sender::new(0),
            progress: AtomicU64::new(0),
            slowest,
            held: Mutex::default(),
            lines: AtomicU64::new(0),
        })
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// Returns whether replies are sent at once.
    pub(crate) const fn is_quick(&self) -> bool {
        self.slowest.is_zero()
    }

    /// Runs both sites, except while the bank is down.
    pub(crate) async fn run(self: Arc<Self>, mut primary: TcpListener, mut backup: TcpListener, each: u64) {
        let addresses = [&primary, &backup].map(|site| site.local_addr().unwrap());
        let is_down = async |yes| drop(self.is_down.subscribe().wait_for(|is_down| *is_down == yes).await);
        loop {
            tokio::select! {
                () = self.run_sites(primary, backup, each) => {}
                () = is_down(true) => {}
            }
            add_one(&self.outages);
            is_down(false).await;
            (primary, backup) = (listen_again(addresses[0]).await, listen_again(addresses[1]).await);
        }
    }

    /// Each time the primary has received `each` payments it is killed, until the backup has received half as many.
    async fn run_sites(self: &Arc<Self>, primary: TcpListener, backup: TcpListener, each: u64) {
        tokio::join!(self.accept(backup, false), async {
            let (address, mut listener) = (primary.local_addr().unwrap(), primary);
            loop {
                let kill_at = *self.seen_at_primary.borrow() + each;
                tokio::select! {
                    () = self.accept(listener, true) => {}
                    () = reached(&self.seen_at_primary, kill_at) => {}
                }
                add_one(&self.kills);
                let back_at = *self.seen.borrow() + each / 2;
                reached(&self.seen, back_at).await;
                listener = listen_again(address).await;
            }
        });
    }

    /// Accepts until it is dropped. Then all its connections end in the middle of what they do.
    async fn accept(self: &Arc<Self>, listener: TcpListener, is_primary: bool) {
        let mut lines = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (bank, number) = (Arc::clone(self), self.lines.fetch_add(1, Ordering::Relaxed));
            let (out, queue) = mpsc::unbounded_channel();
            let line = Line { number, is_primary, out, is_signed_on: false, echoed: BTreeSet::new() };
            lines.spawn(async move { drop(bank.serve(stream, line, queue).await) });
        }
    }

    async fn serve(
        self: Arc<Self>,
        mut stream: TcpStream,
        mut line: Line,
        mut queue: mpsc::UnboundedReceiver<String>,
    ) -> io::Result<()> {
        let mut received = Vec::new();
        loop {
            tokio::select! {
                read = stream.read_buf(&mut received) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    while let Some(message) = cut(&mut received) {
                        self.progress.fetch_add(1, Ordering::Relaxed);
                        self.on_message(&message, &mut line);
                    }
                }
                Some(message) = queue.recv() => {
                    let mut frames = framed(&message);
                    while let Ok(message) = queue.try_recv() {
                        frames += &framed(&message);
                    }
                    self.progress.fetch_add(1, Ordering::Relaxed);
                    stream.write_all(frames.as_bytes()).await?;
                }
            }
        }
    }

    fn on_message(self: &Arc<Self>, message: &str, line: &mut Line) {
        let (kind, stan, fields) = (&message[..4], &message[4..10], &message[20..]);
        if kind != "0810" {
            self.ledger().on_stan(message);
        }
        match (kind, fields) {
            ("0800", "001") if !line.is_signed_on => {
                line.is_signed_on = true;
                line.say(answer(message));
                add_one(&self.signed_on);
            }
            ("0800", "301") if line.is_signed_on => {
                line.say(answer(message));
                add_one(&self.echoes);
            }
            ("0810", "30100") if line.echoed.remove(stan) => add_one(&self.answers),
            ("0200", _) if line.is_signed_on => self.on_payment(message, line),
            ("0420", original) if line.is_signed_on => self.on_reversal(message, original, line),
            _ => self.ledger().faults.push(format!("{message} is unexpected")),
        }
    }

    fn on_payment(self: &Arc<Self>, request: &str, line: &mut Line) {
        let (conduct, amount) = (Conduct::of(request), &request[20..]);
        let is_in_time = self.ledger().on_payment(request, !matches!(conduct, Conduct::LosesRequest));
        add_one(&self.seen);
        if line.is_primary {
            add_one(&self.seen_at_primary);
        }
        let reply = answer(request);
        match conduct {
            _ if !is_in_time => {}
            Conduct::LosesReply | Conduct::LosesRequest => {}
            Conduct::IsLate => {
                let (stan, out) = (request[4..10].to_owned(), line.out.clone());
                self.held.lock().unwrap().push(Held { stan, reply, line: line.number, out });
            }
            Conduct::Replies => self.reply(amount, vec![reply], line),
            Conduct::RepliesTwice => {
                self.ledger().on_unsolicited(&reply, None);
                self.reply(amount, vec![reply.clone(), reply], line);
            }
            Conduct::Says(said) if said.starts_with("0800") => {
                line.echoed.insert(said[4..10].to_owned());
                self.reply(amount, vec![said, reply], line);
            }
            Conduct::Says(said) => {
                self.ledger().on_unsolicited(&said, Some(amount));
                self.reply(amount, vec![said, reply], line);
            }
        }
    }

    /// Sends the messages, of which the last is the reply, after a delay that differs from payment to payment.
    fn reply(self: &Arc<Self>, amount: &str, messages: Vec<String>, line: &Line) {
        self.ledger().on_reply(amount, messages.last().unwrap());
        let (out, number) = (line.out.clone(), amount.parse::<u32>().unwrap());
        let delay = self.slowest * (number.wrapping_mul(7919) % 1000) / 1000;
        let send = move || messages.into_iter().for_each(|message| drop(out.send(message)));
        if delay.is_zero() {
            return send();
        }
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            send();
        });
    }

    fn on_reversal(&self, request: &str, original: &str, line: &Line) {
        let mut ledger = self.ledger();
        ledger.on_reversal(original, line.number);
        let mut held = self.held.lock().unwrap();
        if let Some(at) = held.iter().position(|held| held.stan == original) {
            let Held { stan, reply, line, out } = held.swap_remove(at);
            ledger.on_late(&stan, &reply, line);
            let _ = out.send(reply);
        }
        line.say(answer(request));
    }
}

impl Line {
    fn say(&self, message: String) {
        // The line may have ended.
        let _ = self.out.send(message);
    }
}

/// The request as a response, with the response code 00: the third digit of its type is one more.
fn answer(request: &str) -> String {
    let third: u8 = request[2..3].parse().unwrap();
    format!("{}{}{}00", &request[..2], third + 1, &request[3..])
}

/// Takes the first whole message out of the bytes that were received: four digits of length, then the message.
fn cut(received: &mut Vec<u8>) -> Option<String> {
    let len: usize = std::str::from_utf8(received.get(..4)?).unwrap().parse().unwrap();
    let message = String::from_utf8(received.get(4..4 + len)?.to_vec()).unwrap();
    received.drain(..4 + len);
    Some(message)
}

fn framed(message: &str) -> String {
    format!("{:04}{message}", message.len())
}

fn add_one(count: &watch::Sender<u64>) {
    count.send_modify(|count| *count += 1);
}

pub(crate) async fn reached(count: &watch::Sender<u64>, least: u64) {
    count.subscribe().wait_for(|count| *count >= least).await.unwrap();
}

/// Another program may hold the port for a moment.
async fn listen_again(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}
