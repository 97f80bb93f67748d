//! Reports as text.

use std::fmt::{self, Display};

use super::report::{Latency, PERCENTILES, Report, Trial, as_f64};
use crate::output::bytes_text::Line;

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, connected, connections, depth, sent, replied, failed, elapsed_s, .. } = self;
        let rate = self.asked_rate.map(|rate| format!(" at {rate} messages a second")).unwrap_or_default();
        let name = Line(name.as_bytes());
        writeln!(f, "{name}: {} connections, {} loop{rate}", self.connection, self.of_loop)?;
        let kept = if *depth > 1 { format!(", {depth} messages in flight on each") } else { String::new() };
        match self.connection {
            "long" => writeln!(f, "connections  {connected} of {connections} in {:.1} ms{kept}", self.connecting_ms)?,
            _ => writeln!(f, "connections  {connections}{kept}")?,
        }
        if self.reconnects > 0 {
            writeln!(f, "reconnected  {}", self.reconnects)?;
        }
        writeln!(f, "messages     {sent} sent, {replied} replied, {failed} failed, in {elapsed_s:.3} s")?;
        if self.unsent > 0 {
            writeln!(f, "unsent       {} were due, and were not sent before the end", self.unsent)?;
        }
        let bytes = as_f64(self.sent_bytes + self.received_bytes) / (1024.0 * 1024.0) / elapsed_s.max(1e-9);
        writeln!(f, "rate         {:.0} messages a second, {bytes:.1} MiB a second both ways", self.rate)?;
        self.write_latency(f)?;
        self.write_cpu(f)?;
        for failure in &self.failures {
            write!(f, "\n{:<12} {}, first: {}", failure.kind, failure.count, failure.first)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\ncareful      {hint}")?;
        }
        if self.interrupted {
            write!(f, "\ninterrupted  a signal ended the run early")?;
        }
        Ok(())
    }
}

impl Report {
    fn write_latency(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(latency) = &self.latency_us else { return write!(f, "latency      no reply") };
        write!(f, "latency      min {}, mean {}", Micros(latency.min), Micros(latency.mean))?;
        let Latency { p50, p90, p99, p99_9, p99_99, max, .. } = *latency;
        for ((name, _), value) in PERCENTILES.iter().zip([p50, p90, p99, p99_9, p99_99, max]) {
            write!(f, ", {name} {}", Micros(value))?;
        }
        Ok(())
    }

    fn write_cpu(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |per_message: Option<f64>, cores: Option<f64>| match (per_message, cores) {
            (Some(micros), Some(cores)) => format!("{micros:.2} µs a message, {cores:.2} cores"),
            (None, Some(cores)) => format!("{cores:.2} cores"),
            _ => "not available".to_owned(),
        };
        write!(f, "\ncpu          load {}", shown(self.cpu.load_us_per_message, self.cpu.load_cores))?;
        if let Some(pid) = self.cpu.server_pid {
            let server = shown(self.cpu.server_us_per_message, self.cpu.server_cores);
            write!(f, "; process {pid} {server}")?;
        }
        if self.cpu.load_was_busy {
            f.write_str(
                "\ncareful      the load was busy all the time: with more --threads it may find a higher rate",
            )?;
        }
        Ok(())
    }
}

/// A time in microseconds, with a unit that fits.
struct Micros(f64);

impl Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            micros if micros < 1000.0 => write!(f, "{micros:.1} µs"),
            micros if micros < 1e6 => write!(f, "{:.2} ms", micros / 1e3),
            micros => write!(f, "{:.2} s", micros / 1e6),
        }
    }
}

impl Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { asked_rate, failed, unsent, .. } = &self.report;
        write!(f, "trial        {} messages a second: ", asked_rate.unwrap_or_default())?;
        match self.searched_latency_us {
            Some(latency) => write!(f, "{}", Micros(latency))?,
            None => f.write_str("no reply")?,
        }
        for (count, what) in [(failed, "failed"), (unsent, "unsent")] {
            if *count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        f.write_str(if self.holds { ", holds" } else { ", does not hold" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_that_fits() {
        let shown = [0.5, 999.94, 1500.0, 2e6].map(|micros| Micros(micros).to_string());
        assert_eq!(shown, ["0.5 µs", "999.9 µs", "1.50 ms", "2.00 s"]);
    }
}
