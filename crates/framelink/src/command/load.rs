//! `framelink load`: measures how fast a server answers, and checks every reply.

mod basis;
mod buffers;
mod calls;
mod compose;
mod cpu;
mod descriptors;
mod dialogue;
mod failures;
mod frames;
mod local;
mod numbers;
mod payloads;
mod phases;
mod plan;
mod plot;
mod progress;
mod report;
mod run;
mod schedule;
mod search;
mod sockets;
mod sources;
mod tally;
mod template;
mod text;
mod timer;
mod traffic;
mod window;
mod wire;
mod worker;

use std::sync::Arc;

use serde::Serialize;

use self::plan::Plan;
use self::plot::PlottedRun;
use self::progress::Progress;
use self::report::{Report, Trial};
use self::run::Outcome;
use self::search::Search;
use crate::arguments::load::{Load, Target};
use crate::failure::Failure;
use crate::output::bytes_text::Json;
use crate::output::say;
use crate::server::drain::Signals;

/// The first rate of a search.
const FIRST_RATE: u64 = 1000;

pub(crate) async fn run(load: Load) -> Result<(), Failure> {
    let plan = Plan::of(&load)?;
    if let Some(pid) = load.pid.filter(|&pid| cfg!(target_os = "linux") && cpu::of_process(pid).is_none()) {
        return Err(Failure::usage(format!("--pid {pid}: there is no such process, or it cannot be read")));
    }
    let earlier = load.plot_with.iter().map(|file| PlottedRun::read(file)).collect::<Result<Vec<_>, _>>()?;
    load.plot.as_deref().map_or(Ok(()), plot::check)?;
    descriptors::raise_limit();
    let mut signals = Signals::listen().map_err(|error| Failure::fault(format!("listening for signals: {error}")))?;
    let progress = Progress::start();
    let measured = match load.find_rate {
        None => run_once(plan, &mut signals, &progress).await,
        Some(target) => find_rate(&plan, target, &mut signals, &progress).await,
    };
    progress.end();
    let measured = measured?;
    measured.print(&load)?;
    if let Some(file) = &load.plot {
        let ours = measured.plotted().map(PlottedRun::of);
        plot::write(file, &earlier.into_iter().chain(ours).collect::<Vec<_>>())?;
    }
    measured.fault().map_or(Ok(()), |fault| Err(Failure::Fault(fault)))
}

/// What a run or a search has measured.
struct Measured {
    /// The run, or the trial with the highest rate that holds.
    report: Option<Report>,
    trials: Vec<Trial>,
    target: Option<Target>,
    is_interrupted: bool,
}

async fn run_once(plan: Plan, signals: &mut Signals, progress: &Progress) -> Result<Measured, Failure> {
    progress.begin("load");
    let plan = Arc::new(plan);
    let outcome = run::run(&plan, signals, progress).await?;
    let report = Report::of(&plan, &outcome);
    Ok(Measured { report: Some(report), trials: Vec::new(), target: None, is_interrupted: outcome.is_interrupted })
}

/// Searches the highest rate that holds the target.
async fn find_rate(
    plan: &Plan,
    target: Target,
    signals: &mut Signals,
    progress: &Progress,
) -> Result<Measured, Failure> {
    let mut search = Search::new(plan.workload.rate.unwrap_or(FIRST_RATE));
    let mut measured = Measured { report: None, trials: Vec::new(), target: Some(target), is_interrupted: false };
    while let Some(rate) = search.next() {
        progress.begin(&format!("{rate}/s"));
        let trial = Arc::new(plan.at_rate(rate));
        let outcome = run::run(&trial, signals, progress).await?;
        if outcome.is_interrupted {
            measured.is_interrupted = true;
            break;
        }
        let holds = holds(&outcome, target);
        search.on_trial(rate, holds);
        measured.trials.push(Trial::of(&trial, &outcome, target.percentile, holds));
    }
    let best = measured.trials.iter().find(|trial| trial.holds && trial.report.is_at(search.best()));
    measured.report = best.map(|trial| trial.report.clone());
    Ok(measured)
}

/// Returns whether all messages were sent and answered, and the latency was held.
fn holds(outcome: &Outcome, target: Target) -> bool {
    let tally = &outcome.tally;
    tally.failures.is_empty()
        && tally.unsent == 0
        && tally.replied > 0
        && tally.percentile(target.percentile) <= target.within
}

impl Measured {
    fn print(&self, load: &Load) -> Result<(), Failure> {
        if load.json {
            let json = serde_json::to_string(&self.as_json()).map_err(Failure::fault)?;
            return say(Json(&json));
        }
        self.trials.iter().try_for_each(say)?;
        match (&self.report, self.target) {
            (Some(report), None) => say(report),
            (Some(report), Some(_)) => say(format_args!("found        the highest rate that holds\n{report}")),
            (None, _) => {
                say("found        no rate that holds")?;
                let hint = self.trials.iter().find_map(|trial| trial.report.hint.as_ref());
                hint.map_or(Ok(()), |hint| say(format_args!("careful      {hint}")))
            }
        }
    }

    fn as_json(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Document<'m> {
            #[serde(flatten)]
            report: Option<&'m Report>,
            #[serde(skip_serializing_if = "Option::is_none")]
            trials: Option<&'m [Trial]>,
        }
        Document { report: self.report.as_ref(), trials: self.target.map(|_| &*self.trials) }
    }

    /// Returns the runs that a plot shows: all trials of a search.
    fn plotted(&self) -> impl Iterator<Item = &Report> {
        let trials = self.trials.iter().map(|trial| &trial.report);
        trials.chain(self.report.as_ref().filter(|_| self.target.is_none()))
    }

    fn fault(&self) -> Option<String> {
        match (&self.report, self.target) {
            (Some(report), _) => report.fault(),
            (None, Some(_)) if self.is_interrupted => Some("interrupted before a rate was found".to_owned()),
            (None, _) => Some("no rate holds the latency".to_owned()),
        }
    }
}
