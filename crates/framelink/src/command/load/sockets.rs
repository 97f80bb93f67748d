//! The sockets of all connections of a thread, and which of them are ready.
//!
//! On Linux one task waits for all sockets and drives their connections itself. A task for each connection, woken by the
//! runtime for each arrival, would cost the load more than its messages do. Elsewhere the runtime wakes each task.

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{Socket, Sockets};
#[cfg(target_os = "linux")]
pub(super) use linux::{Socket, Sockets};

/// A connection that is driven when its socket is ready.
pub(super) trait Driven {
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "elsewhere the task of the connection drives it"))]
    fn socket(&mut self) -> &mut Socket;

    /// Does what can be done now, because the socket is ready.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "elsewhere the task of the connection drives it"))]
    fn on_ready(&mut self);
}

#[cfg(target_os = "linux")]
mod linux {
    use std::cell::RefCell;
    use std::io;
    use std::net::TcpStream;
    use std::os::fd::OwnedFd;
    use std::rc::Rc;
    use std::task::Context;

    use rustix::buffer::spare_capacity;
    use rustix::event::Timespec;
    use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
    use rustix::net::{RecvFlags, SendFlags, recv, send};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::Driven;

    /// So many events are taken at once.
    const EVENTS: usize = 256;
    /// After this many rounds the other tasks of the thread have their turn.
    const ROUNDS: u32 = 16;
    /// In a closed loop the thread itself waits this long, before it leaves the waiting to the runtime.
    const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
    const NO_PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

    /// A socket of one connection.
    pub(crate) struct Socket {
        stream: TcpStream,
        /// A read may find something.
        pub(crate) is_readable: bool,
        /// The peer has ended the connection, so a read that finds little is not the last one.
        has_ended: bool,
    }

    impl Socket {
        pub(crate) fn new(stream: tokio::net::TcpStream) -> io::Result<Self> {
            Ok(Self { stream: stream.into_std()?, is_readable: false, has_ended: false })
        }

        /// Reads once. A read that does not fill the space has emptied the socket: that saves the read that would find
        /// nothing.
        #[inline]
        pub(crate) fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
            let least = space.len();
            let read = recv(&self.stream, space, RecvFlags::empty());
            self.is_readable = read.is_ok_and(|(_, count)| count == least || self.has_ended);
            Ok(read?.1)
        }

        /// Writes once.
        #[inline]
        pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
            Ok(send(&self.stream, bytes, SendFlags::NOSIGNAL)?)
        }

        /// The socket is watched by [`Sockets`].
        #[expect(clippy::unused_self, reason = "other systems need it")]
        pub(crate) const fn poll_ready(&self, _: &mut Context<'_>, _has_output: bool) -> bool {
            false
        }
    }

    pub(crate) struct Sockets {
        epoll: AsyncFd<OwnedFd>,
        /// In an open loop timers are more precise than waiting in [`Sockets::run`].
        is_open_loop: bool,
        wires: RefCell<Wires>,
    }

    #[derive(Default)]
    struct Wires {
        places: Vec<Option<Rc<RefCell<dyn Driven>>>>,
        free: Vec<usize>,
    }

    impl Sockets {
        pub(crate) fn new(is_open_loop: bool) -> io::Result<Self> {
            let epoll = epoll::create(CreateFlags::CLOEXEC)?;
            #[allow(deprecated, reason = "an OwnedFd is sound here, and its replacement is unsafe")]
            let epoll = AsyncFd::with_interest(epoll, Interest::READABLE)?;
            Ok(Self { epoll, is_open_loop, wires: RefCell::default() })
        }

        /// Drives this connection whenever its socket is ready, until the answer is dropped.
        pub(crate) fn add(&self, wire: Rc<RefCell<dyn Driven>>) -> io::Result<Registered<'_>> {
            let wires = &mut *self.wires.borrow_mut();
            let place = wires.free.pop().unwrap_or(wires.places.len());
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
            let data = EventData::new_u64(place as u64);
            epoll::add(self.epoll.get_ref(), &wire.borrow_mut().socket().stream, data, flags)?;
            if place == wires.places.len() {
                wires.places.push(None);
            }
            wires.places[place] = Some(wire);
            Ok(Registered { sockets: self, place })
        }

        /// Drives connections for as long as it is polled.
        pub(crate) async fn run(&self) -> io::Result<()> {
            let mut events = Vec::with_capacity(EVENTS);
            loop {
                self.epoll.readable().await?.clear_ready();
                let mut rounds = 0;
                while self.round(&mut events)? {
                    rounds += 1;
                    if rounds == ROUNDS {
                        rounds = 0;
                        tokio::task::yield_now().await;
                    }
                }
            }
        }

        /// Drives the connections whose sockets are ready. Returns whether there was one.
        fn round(&self, events: &mut Vec<epoll::Event>) -> io::Result<bool> {
            let patience = if self.is_open_loop { NO_PATIENCE } else { PATIENCE };
            events.clear();
            match epoll::wait(self.epoll.get_ref(), spare_capacity(events), Some(&patience)) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
            for event in &*events {
                let (flags, place) = (event.flags, event.data.u64());
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                let wire = self.wires.borrow().places.get(place).and_then(Clone::clone);
                // An event for a connection that has just ended, or its successor: a look does no harm.
                let Some(wire) = wire else { continue };
                let mut wire = wire.borrow_mut();
                let has_ended = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
                let socket = wire.socket();
                socket.has_ended |= has_ended;
                socket.is_readable |= has_ended || flags.contains(EventFlags::IN);
                wire.on_ready();
            }
            Ok(!events.is_empty())
        }
    }

    /// A connection that is driven.
    pub(crate) struct Registered<'s> {
        sockets: &'s Sockets,
        place: usize,
    }

    impl Drop for Registered<'_> {
        fn drop(&mut self) {
            let wires = &mut *self.sockets.wires.borrow_mut();
            if let Some(wire) = wires.places[self.place].take() {
                // Closing the socket would remove it too.
                let _ = epoll::delete(self.sockets.epoll.get_ref(), &wire.borrow_mut().socket().stream);
            }
            wires.free.push(self.place);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::cell::RefCell;
    use std::io;
    use std::rc::Rc;
    use std::task::Context;

    use tokio::net::TcpStream;

    use super::Driven;

    /// A socket of one connection.
    pub(crate) struct Socket {
        stream: TcpStream,
        /// A read may find something.
        pub(crate) is_readable: bool,
    }

    impl Socket {
        pub(crate) const fn new(stream: TcpStream) -> io::Result<Self> {
            Ok(Self { stream, is_readable: true })
        }

        /// Reads once. Only a read that finds nothing tells the runtime that the socket is empty.
        pub(crate) fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
            let read = self.stream.try_read(space);
            self.is_readable = read.is_ok();
            read
        }

        /// Writes once.
        pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
            self.stream.try_write(bytes)
        }

        /// Returns whether the socket is ready; if not, its task is woken when it is.
        pub(crate) fn poll_ready(&mut self, context: &mut Context<'_>, has_output: bool) -> bool {
            self.is_readable = self.stream.poll_read_ready(context).is_ready();
            self.is_readable || (has_output && self.stream.poll_write_ready(context).is_ready())
        }
    }

    pub(crate) struct Sockets;

    impl Sockets {
        pub(crate) const fn new(_is_open_loop: bool) -> io::Result<Self> {
            Ok(Self)
        }

        #[expect(clippy::unused_self, reason = "Linux needs it")]
        pub(crate) const fn add(&self, _: &Rc<RefCell<dyn Driven>>) -> io::Result<()> {
            Ok(())
        }

        #[expect(clippy::unused_self, reason = "Linux needs it")]
        pub(crate) async fn run(&self) -> io::Result<()> {
            std::future::pending().await
        }
    }
}
