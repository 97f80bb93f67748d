//! Races of simulated addresses on a virtual clock.

use std::rc::Rc;

use proptest::prelude::*;

use super::*;

/// How a simulated address reacts to a try.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Connects before the call that begins the try returns.
    Connects,
    /// Fails before the call that begins the try returns.
    Fails,
    /// Connects this long after the try began.
    ConnectsAfter(Duration),
    /// Refuses this long after the try began.
    RefusesAfter(Duration),
    Silent,
}

use Does::{Connects, ConnectsAfter, Fails, RefusesAfter, Silent};

/// A simulated socket, which is counted while it is open.
struct Socket {
    does: Does,
    began: Duration,
    open: Rc<()>,
}

/// The result of a race.
struct Went {
    /// The address of each try, by its index in the list, and when it began.
    begins: Vec<(usize, Duration)>,
    /// The winner, or the address and the error of the failure.
    end: Result<usize, (usize, io::ErrorKind, Duration)>,
    at: Duration,
    most_open: usize,
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns an address; the families alternate.
fn address(number: usize) -> SocketAddr {
    let port = u16::try_from(number).expect("a port");
    if number.is_multiple_of(2) { ([127, 0, 0, 1], port).into() } else { (std::net::Ipv6Addr::LOCALHOST, port).into() }
}

impl Socket {
    /// Returns when the address reacts, if it does.
    fn ready_at(&self) -> Option<Duration> {
        match self.does {
            ConnectsAfter(time) | RefusesAfter(time) => Some(self.began + time),
            _ => None,
        }
    }

    fn look(&self, now: Duration) -> Poll<io::Result<()>> {
        match self.does {
            ConnectsAfter(time) if now >= self.began + time => Poll::Ready(Ok(())),
            RefusesAfter(time) if now >= self.began + time => Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into())),
            _ => Poll::Pending,
        }
    }
}

/// Runs a race as a driver does.
fn run(answered: &Arc<Answered>, all: &[Does], deadline: Duration) -> Went {
    let counted = Rc::new(());
    simulate(Race::new(Arc::clone(answered), (0..all.len()).map(address).collect(), deadline), all, &counted)
}

fn simulate(mut race: Race<Socket>, all: &[Does], counted: &Rc<()>) -> Went {
    let (mut now, mut begins, mut most_open) = (Duration::ZERO, Vec::new(), 0);
    let end = loop {
        most_open = most_open.max(Rc::strong_count(counted) - 1);
        match race.step(now) {
            Step::Begin(begun) => {
                let number = usize::from(begun.address.port());
                begins.push((number, now));
                let socket = Socket { does: all[number], began: now, open: Rc::clone(counted) };
                let socket = match socket.does {
                    Connects => Ok(Begun::Connected(socket)),
                    Fails => Err(io::ErrorKind::NetworkUnreachable.into()),
                    _ => Ok(Begun::UnderWay(socket)),
                };
                race.on_begun(begun, socket);
            }
            Step::Wait { until } => {
                assert!(race.sockets().next().is_some(), "there is something to wait for");
                let ready = race.sockets().filter_map(Socket::ready_at).min();
                now = now.max(ready.map_or(until, |ready| ready.min(until)));
                let is_ready = race.look(|socket| socket.look(now)).is_ready();
                assert!(is_ready || now >= until, "a wait ends for a reason");
            }
            Step::Connected(socket, address) => {
                drop(race);
                assert_eq!(Rc::strong_count(&socket.open), 2, "all sockets but the winner's are closed");
                break Ok(usize::from(address.port()));
            }
            Step::Failed(failure) => {
                let failure = failure.expect("there were addresses");
                break Err((usize::from(failure.address.port()), failure.error.kind(), failure.after));
            }
        }
    };
    Went { begins, end, at: now, most_open }
}

fn race(all: &[Does]) -> Went {
    run(&Arc::default(), all, ms(10_000))
}

#[test]
fn an_address_that_does_not_answer_costs_250_ms() {
    let went = race(&[Silent, ConnectsAfter(ms(5))]);
    assert_eq!((went.end, went.at), (Ok(1), ms(255)));
    let went = race(&[Silent, Silent, Silent, Connects]);
    assert_eq!((went.end, went.at), (Ok(3), ms(750)));
}

#[test]
fn an_address_that_answers_soon_is_the_only_one_tried() {
    for does in [Connects, ConnectsAfter(ms(249))] {
        let went = race(&[does, Connects]);
        assert_eq!((went.end, went.begins.len()), (Ok(0), 1), "{does:?}");
    }
}

#[test]
fn the_next_try_begins_at_once_when_the_one_before_it_fails() {
    let went = race(&[RefusesAfter(ms(20)), Fails, ConnectsAfter(ms(5))]);
    assert_eq!(went.begins, [(0, ms(0)), (1, ms(20)), (2, ms(20))]);
    assert_eq!((went.end, went.at), (Ok(2), ms(25)));
}

#[test]
fn a_try_that_fails_late_hastens_nothing() {
    // The first address fails while the second has had 50 ms.
    let went = race(&[RefusesAfter(ms(300)), Silent, Connects]);
    assert_eq!(went.begins, [(0, ms(0)), (1, ms(250)), (2, ms(500))]);
}

#[test]
fn the_first_that_connects_wins_although_it_began_later() {
    let went = race(&[ConnectsAfter(ms(400)), ConnectsAfter(ms(100))]);
    assert_eq!((went.end, went.at), (Ok(1), ms(350)));
    let went = race(&[ConnectsAfter(ms(300)), ConnectsAfter(ms(100))]);
    assert_eq!((went.end, went.at), (Ok(0), ms(300)));
}

#[test]
fn the_race_ends_at_its_deadline_with_the_error_of_the_last_address() {
    let answered = Arc::default();
    let went = run(&answered, &[Silent], ms(200));
    assert_eq!((went.end, went.at), (Err((0, io::ErrorKind::TimedOut, ms(200))), ms(200)));
    let went = run(&answered, &[Silent, Silent], ms(1000));
    assert_eq!((went.end, went.at), (Err((1, io::ErrorKind::TimedOut, ms(750))), ms(1000)));
    let went = run(&answered, &[Silent, RefusesAfter(ms(1))], ms(1000));
    assert_eq!(went.end.unwrap_err().1, io::ErrorKind::ConnectionRefused, "though the first one failed later");
    let went = run(&answered, &[RefusesAfter(ms(5)), Fails], ms(1000));
    assert_eq!((went.end.unwrap_err().1, went.at), (io::ErrorKind::NetworkUnreachable, ms(5)));
}

#[test]
fn a_short_deadline_leaves_each_address_its_share() {
    let went = run(&Arc::default(), &[Silent, Silent, ConnectsAfter(ms(10)), Silent], ms(200));
    assert_eq!(went.begins, [(0, ms(0)), (1, ms(50)), (2, ms(100))]);
    assert_eq!(went.end, Ok(2));
    let went = run(&Arc::default(), &[Connects, Connects], ms(0));
    assert_eq!((went.end, went.begins.len()), (Err((0, io::ErrorKind::TimedOut, ms(0))), 0));
}

#[test]
fn one_address_at_a_time_has_its_share_of_the_time() {
    let race = Race::new(Arc::default(), (0..3).map(address).collect(), ms(3000)).one_at_a_time();
    let went = simulate(race, &[Silent, RefusesAfter(ms(400)), ConnectsAfter(ms(900))], &Rc::new(()));
    assert_eq!(went.begins, [(0, ms(0)), (1, ms(1000)), (2, ms(1400))]);
    assert_eq!((went.end, went.at, went.most_open), (Ok(2), ms(2300), 1));
}

#[test]
fn a_socket_that_connected_while_the_process_was_stopped_wins() {
    let mut race = Race::new(Arc::default(), vec![address(0), address(1)], ms(1000));
    let Step::Begin(begun) = race.step(ms(0)) else { panic!() };
    race.on_begun(begun, Ok(Begun::UnderWay(())));
    let Step::Wait { until } = race.step(ms(5000)) else { panic!("it is looked at first") };
    assert_eq!(until, ms(250));
    assert!(race.look(|()| Poll::Ready(Ok(()))).is_ready());
    let Step::Connected((), won) = race.step(ms(5000)) else { panic!() };
    assert_eq!(won, address(0));
}

#[test]
fn the_sockets_that_have_not_won_are_closed_when_one_wins() {
    let mut race = Race::new(Arc::default(), vec![address(0), address(1)], ms(1000));
    let sockets: Vec<_> = (0..2).map(Rc::new).collect();
    for (socket, at) in sockets.iter().zip([0, 300]) {
        let Step::Begin(begun) = race.step(ms(at)) else { panic!() };
        race.on_begun(begun, Ok(Begun::UnderWay(Rc::clone(socket))));
        assert!(matches!(race.step(ms(at)), Step::Wait { .. }));
    }
    assert!(race.look(|socket| if **socket == 1 { Poll::Ready(Ok(())) } else { Poll::Pending }).is_ready());
    let Step::Connected(_won, _) = race.step(ms(310)) else { panic!() };
    assert_eq!(sockets.iter().map(Rc::strong_count).collect::<Vec<_>>(), [1, 2], "while the race is there still");
}

#[test]
fn a_race_without_addresses_fails_at_once() {
    assert!(matches!(Race::<()>::new(Arc::default(), Vec::new(), ms(1000)).step(ms(0)), Step::Failed(None)));
}

#[test]
fn an_address_that_answered_is_remembered() {
    let answered: Arc<Answered> = Arc::default();
    let sorted = || {
        let mut addresses: Vec<_> = (0..3).map(address).collect();
        answered.sort(&mut addresses);
        addresses.iter().map(|address| address.port()).collect::<Vec<_>>()
    };
    assert_eq!(run(&answered, &[Silent, Silent, Connects], ms(10_000)).end, Ok(2));
    assert_eq!(sorted(), [2, 0, 1]);
    assert!(run(&answered, &[Fails, Fails, Fails], ms(10_000)).end.is_err());
    assert_eq!(sorted(), [0, 1, 2]);
}

#[test]
fn families_alternate_beginning_with_the_first_address() {
    let order = |numbers: &[usize]| -> Vec<_> {
        alternating(numbers.iter().copied().map(address).collect()).iter().map(SocketAddr::port).collect()
    };
    assert_eq!(order(&[0, 2, 4, 1, 3]), [0, 1, 2, 3, 4]);
    assert_eq!(order(&[1, 3, 5, 0]), [1, 0, 3, 5]);
    assert_eq!(order(&[1, 0, 2, 4]), [1, 0, 2, 4]);
    assert_eq!(order(&[0, 2]), [0, 2]);
    assert_eq!(order(&[]), Vec::<u16>::new());
}

fn does() -> impl Strategy<Value = Does> {
    let time = (0..2000_u64).prop_map(ms);
    prop_oneof![
        1 => Just(Connects),
        3 => Just(Fails),
        3 => time.clone().prop_map(ConnectsAfter),
        4 => time.prop_map(RefusesAfter),
        6 => Just(Silent),
    ]
}

proptest! {
    /// For all reactions of the addresses: they are tried in order and once each, no try begins earlier or later than
    /// allowed, the number of open sockets is bounded, and the race ends with the earliest connection or at the
    /// deadline.
    #[test]
    fn any_race_keeps_the_rules(all in prop::collection::vec(does(), 1..20), deadline in 0..6000_u64) {
        let deadline = ms(deadline);
        let went = run(&Arc::default(), &all, deadline);
        prop_assert!(went.at <= deadline);
        prop_assert!(went.most_open <= Race::<Socket>::MOST_UNDER_WAY);
        for (place, &(number, at)) in went.begins.iter().enumerate() {
            prop_assert_eq!(place, number, "in order, once each");
            let Some(&(_, next_at)) = went.begins.get(place + 1) else { continue };
            let share = (deadline - at) / u32::try_from(all.len() - place).unwrap();
            let latest = at + share.min(Race::<Socket>::DELAY);
            let failed_at = match all[number] {
                Fails => Some(at),
                RefusesAfter(time) => Some(at + time),
                _ => None,
            };
            prop_assert_eq!(next_at, failed_at.map_or(latest, |failed| failed.min(latest)));
        }
        // When each try would have connected, in the time that a try has.
        let connections = went.begins.iter().filter_map(|&(number, at)| match all[number] {
            Connects => Some((at, number)),
            ConnectsAfter(time) => Some((at + time, number)),
            _ => None,
        });
        let given_up = |number: usize| went.begins.get(number + Race::<Socket>::MOST_UNDER_WAY).is_some();
        match went.end {
            Ok(winner) => {
                prop_assert!(connections.clone().any(|(at, number)| (at, number) == (went.at, winner)));
                prop_assert!(connections.filter(|(_, number)| !given_up(*number)).all(|(at, _)| at >= went.at));
            }
            Err((number, ..)) => {
                prop_assert!(connections.filter(|(_, number)| !given_up(*number)).all(|(at, _)| at > deadline || at >= went.at));
                prop_assert_eq!(number, went.begins.last().map_or(0, |begun| begun.0), "the error is that of the last address");
                prop_assert!(deadline.is_zero() || went.at == deadline || went.begins.len() == all.len(), "each address was tried");
            }
        }
    }
}
