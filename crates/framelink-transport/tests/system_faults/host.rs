//! Runs all cells of a row in one network, while the row causes its fault.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crate::cell::{Cell, Done, Role, WIRES};
use crate::driver::{Blocking, NonBlocking, Tokio};
use crate::namespace::Network;
use crate::ours::Serves;
use crate::stage::{NoticeStage, Part};

/// The surroundings of one cell.
pub(crate) struct Scene {
    pub(crate) cell: Cell,
    /// The network, if the row has one of its own.
    network: Option<Arc<Network>>,
    pub(crate) part: Part,
}

impl Scene {
    /// Returns the network of the row.
    pub(crate) fn network(&self) -> &Network {
        self.network.as_deref().expect("a row with a network")
    }
}

/// The behaviour of a row in each of its cells, generic over the driver.
pub(crate) trait Play: Clone + Send + 'static {
    fn roles(&self) -> &'static [Role] {
        &[Role::Client, Role::Server]
    }
    fn client<D: Serves>(&self, scene: &Scene);
    fn server<D: Serves>(&self, scene: &Scene);
}

/// Runs each cell on a thread of its own in our host, and causes the fault meanwhile.
pub(crate) fn on_all<P: Play>(play: &P, strike: impl FnOnce(&Network, &Arc<NoticeStage>, &[Part])) -> Vec<Done> {
    let network = Arc::new(Network::new().expect("a network of our own"));
    let scene = Inside(Arc::clone(&network));
    run_all(play, Some(&scene), |stage, parts| strike(&network, stage, parts))
}

/// Runs each cell without a network of its own. The peers are other processes.
pub(crate) fn beside_all<P: Play>(play: &P, strike: impl FnOnce(&Arc<NoticeStage>, &[Part])) -> Vec<Done> {
    run_all(play, None, strike)
}

struct Inside(Arc<Network>);

fn run_all<P: Play>(play: &P, inside: Option<&Inside>, strike: impl FnOnce(&Arc<NoticeStage>, &[Part])) -> Vec<Done> {
    let stage = Arc::new(NoticeStage::default());
    let mut running = Vec::new();
    for wire in WIRES {
        for &role in play.roles() {
            running.push(begin::<P, Blocking>(play, wire, role, inside, &stage));
            running.push(begin::<P, NonBlocking>(play, wire, role, inside, &stage));
            running.push(begin::<P, Tokio>(play, wire, role, inside, &stage));
        }
    }
    let parts: Vec<Part> = running.iter().map(|(_, part, _)| part.clone()).collect();
    let struck = catch_unwind(AssertUnwindSafe(|| strike(&stage, &parts)));
    if struck.is_err() {
        stage.end();
    }
    let done: Vec<Done> = running.into_iter().map(|(cell, _, thread)| Done { cell, ended: thread.join() }).collect();
    if let Err(panic) = struck {
        // A fault in a cell explains a failure of the row.
        let faults: Vec<_> = done.iter().filter_map(Done::fault).collect();
        println!("{}", faults.join("\n"));
        std::panic::resume_unwind(panic);
    }
    done
}

type Running = (Cell, Part, thread::JoinHandle<()>);

fn begin<P: Play, D: Serves>(
    play: &P,
    wire: crate::wire::Wire,
    role: Role,
    inside: Option<&Inside>,
    stage: &Arc<NoticeStage>,
) -> Running {
    let cell = Cell { wire, driver: D::NAME, role };
    let scene = Scene { cell, network: inside.map(|inside| Arc::clone(&inside.0)), part: stage.part() };
    let (part, play) = (scene.part.clone(), play.clone());
    let thread = thread::spawn(move || {
        let ended = catch_unwind(AssertUnwindSafe(|| {
            if let Some(network) = &scene.network {
                network.near.enter();
            }
            match role {
                Role::Client => play.client::<D>(&scene),
                Role::Server => play.server::<D>(&scene),
            }
        }));
        scene.part.ends();
        if let Err(panic) = ended {
            std::panic::resume_unwind(panic);
        }
    });
    (cell, part, thread)
}
