//! One run: threads with their workers, from the first connection to the last reply.

use std::rc::Rc;
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::calls::Route;
use super::cpu::CpuTimes;
use super::local::Local;
use super::phases::{Event, Live, Phase};
use super::plan::Plan;
use super::progress::Progress;
use super::sockets::Sockets;
use super::tally::Tally;
use super::worker;
use crate::arguments::load::Kind;
use crate::failure::Failure;
use crate::server::drain::Signals;

/// What a run was.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    /// From the end of the warm-up to the last reply or failure.
    pub(super) took: Duration,
    pub(super) connected: u64,
    pub(super) connecting_took: Duration,
    pub(super) cpu: CpuTimes,
    /// From the end of the warm-up to the end of the last worker: the time that `cpu` is about.
    pub(super) cpu_took: Duration,
    /// A signal ended the run.
    pub(super) is_interrupted: bool,
}

/// Runs a plan.
pub(super) async fn run(plan: &Arc<Plan>, signals: &mut Signals, progress: &Progress) -> Result<Outcome, Failure> {
    let (phase, phases) = watch::channel(Phase::Connecting);
    let (sender, events) = mpsc::unbounded_channel();
    let lives: Vec<Arc<Live>> = (0..plan.threads).map(|_| Arc::default()).collect();
    for (thread, live) in lives.iter().enumerate() {
        let (plan, live, phases, sender) = (Arc::clone(plan), Arc::clone(live), phases.clone(), sender.clone());
        let name = format!("framelink-load-{thread}");
        let begun = Builder::new().name(name).spawn(move || run_thread(&plan, thread, live, phases, sender));
        begun.map_err(|error| Failure::fault(format!("the system has no thread left ({error})")))?;
    }
    drop(sender);
    let mut crew = Crew { plan, phase, events, is_interrupted: false, first_error: None, connected: 0 };
    let began = Instant::now();
    crew.connect(signals, progress).await?;
    let connecting_took = began.elapsed();
    if crew.connected == 0 && !crew.is_interrupted {
        let error = crew.first_error.take().unwrap_or_else(|| "no worker could begin".to_owned());
        crew.phase.send_replace(Phase::Cut);
        return Err(Failure::fault(format!("no connection: {error}")));
    }
    let start = Instant::now();
    if !crew.is_interrupted {
        crew.phase.send_replace(Phase::Running(start));
    }
    let mut cpu = (CpuTimes::now(plan.pid), start);
    let tally = crew.finish(signals, progress, &lives, &mut cpu).await?;
    let (before, counted_from) = cpu;
    let cpu = CpuTimes::now(plan.pid).since(before);
    let (connected, is_interrupted) = (crew.connected, crew.is_interrupted);
    Ok(Outcome {
        took: tally.last,
        tally,
        connected,
        connecting_took,
        cpu,
        cpu_took: counted_from.elapsed(),
        is_interrupted,
    })
}

/// The threads of a run.
struct Crew<'p> {
    plan: &'p Plan,
    phase: watch::Sender<Phase>,
    events: mpsc::UnboundedReceiver<Event>,
    is_interrupted: bool,
    first_error: Option<String>,
    connected: u64,
}

impl Crew<'_> {
    /// Waits until each worker is connected or has failed to connect.
    async fn connect(&mut self, signals: &mut Signals, progress: &Progress) -> Result<(), Failure> {
        let workers = self.plan.workers();
        let mut answered = 0;
        while answered < workers {
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(Event::Connected(Ok(()))) => self.connected += 1,
                    Some(Event::Connected(Err(error))) => drop(self.first_error.get_or_insert(error)),
                    Some(Event::Failed(error)) => return Err(Failure::fault(error)),
                    Some(Event::Ended(_)) | None => return Err(Failure::fault("a thread has ended before its time")),
                },
                () = signals.next() => {
                    self.is_interrupted = true;
                    self.phase.send_replace(Phase::Stopping);
                    return Ok(());
                }
            }
            answered += 1;
            progress.on_connected(answered, workers);
        }
        Ok(())
    }

    /// Waits until all threads have ended, and adds up their counts. `cpu` has the CPU times at the start; the times at
    /// the end of the warm-up replace them.
    async fn finish(
        &mut self,
        signals: &mut Signals,
        progress: &Progress,
        lives: &[Arc<Live>],
        cpu: &mut (CpuTimes, Instant),
    ) -> Result<Tally, Failure> {
        let mut all = Tally::new(Duration::ZERO);
        let mut ticks = interval(Duration::from_millis(200));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut running = lives.len();
        let (start, warm_up) = (cpu.1, self.plan.workload.warm_up);
        let warmed_up = sleep(warm_up);
        tokio::pin!(warmed_up);
        let mut is_warming_up = !warm_up.is_zero();
        while running > 0 {
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(Event::Ended(tally)) => {
                        all.merge(*tally);
                        running -= 1;
                    }
                    Some(Event::Connected(_)) => {}
                    Some(Event::Failed(error)) => return Err(Failure::fault(error)),
                    None => return Err(Failure::fault("a thread of the load has panicked")),
                },
                () = &mut warmed_up, if is_warming_up => {
                    is_warming_up = false;
                    *cpu = (CpuTimes::now(self.plan.pid), Instant::now());
                }
                _ = ticks.tick() => progress.on_tick(lives, start.elapsed(), &self.plan.workload),
                () = told_to_end(signals, self.is_interrupted) => {
                    let phase = if self.is_interrupted { Phase::Cut } else { Phase::Stopping };
                    self.is_interrupted = true;
                    self.phase.send_replace(phase);
                }
            }
        }
        Ok(all)
    }
}

/// Waits for the first signal, or for one that cuts.
async fn told_to_end(signals: &mut Signals, is_interrupted: bool) {
    if is_interrupted { signals.next_that_cuts().await } else { signals.next().await }
}

/// Runs the workers of one thread.
fn run_thread(
    plan: &Arc<Plan>,
    thread: usize,
    live: Arc<Live>,
    phases: watch::Receiver<Phase>,
    events: mpsc::UnboundedSender<Event>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = events.send(Event::Failed(format!("a thread of the load cannot begin: {error}")));
            return;
        }
    };
    let workers = plan.workers_of(thread);
    let sockets = {
        let _guard = runtime.enter();
        Sockets::new(plan.workload.rate.is_some())
    };
    let sockets = match sockets {
        Ok(sockets) => sockets,
        Err(error) => {
            let _ = events.send(Event::Failed(format!("a thread of the load cannot begin: {error}")));
            return;
        }
    };
    let local = Rc::new(Local::new(Arc::clone(plan), workers.len(), live, events.clone(), sockets));
    let tasks = LocalSet::new();
    let done = tasks.block_on(&runtime, run_workers(Rc::clone(&local), workers, phases));
    if let Err(error) = done {
        let _ = events.send(Event::Failed(error));
    }
    // Tasks of links hold it too.
    drop(tasks);
    drop(runtime);
    if let Ok(local) = Rc::try_unwrap(local) {
        local.end();
    }
}

async fn run_workers(local: Rc<Local>, workers: Vec<u64>, mut phases: watch::Receiver<Phase>) -> Result<(), String> {
    let mut routes = match local.plan.kind {
        Kind::Long => Vec::new(),
        _ => Route::for_workers(&local, &workers).map_err(|error| error.to_string())?,
    }
    .into_iter();
    let mut tasks = JoinSet::new();
    for (place, worker) in workers.into_iter().enumerate() {
        tasks.spawn_local(worker::run(Rc::clone(&local), place, worker, routes.next()));
    }
    let driving = local.sockets.run();
    tokio::pin!(driving);
    loop {
        tokio::select! {
            joined = tasks.join_next() => match joined {
                Some(Ok(())) => {}
                Some(Err(error)) => return Err(format!("a worker of the load has failed: {error}")),
                None => return Ok(()),
            },
            Err(error) = &mut driving => return Err(format!("waiting for sockets: {error}")),
            Ok(()) = phases.changed() => {
                let phase = *phases.borrow_and_update();
                local.enter(phase);
            }
        }
    }
}
