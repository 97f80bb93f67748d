//! The plot of runs: latency percentiles, and the rate over time, as SVG.

use std::error::Error;
use std::fs::OpenOptions;
use std::path::Path;

use plotters::coord::ranged1d::{KeyPointHint, Ranged};
use plotters::prelude::*;
use serde::Deserialize;

use super::report::Report;
use crate::failure::Failure;
use crate::output::bytes_text::Line;

const SIZE: (u32, u32) = (1000, 900);

/// What is plotted of a run. It is read from the JSON report of an earlier run too.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct PlottedRun {
    name: String,
    percentiles: Vec<(f64, f64)>,
    rates: Vec<(f64, f64)>,
}

impl PlottedRun {
    pub(super) fn of(report: &Report) -> Self {
        Self { name: report.name.clone(), percentiles: report.percentiles.clone(), rates: report.rates.clone() }
    }

    /// Reads the report of an earlier run.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let name = file.to_string_lossy().into_owned();
        let failed = |error: String| Failure::usage(format!("--plot-with {}: {error}", Line(name.as_bytes())));
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| failed(format!("expected a report of `load --json`: {error}")))
    }
}

/// Refuses a file that cannot be written, before a run that may take long. The file keeps its content.
pub(super) fn check(file: &Path) -> Result<(), Failure> {
    let opened = OpenOptions::new().create(true).append(true).open(file);
    opened
        .map(drop)
        .map_err(|error| Failure::usage(format!("--plot {}: {error}", Line(file.to_string_lossy().as_bytes()))))
}

/// Writes the plot of these runs.
pub(super) fn write(file: &Path, runs: &[PlottedRun]) -> Result<(), Failure> {
    let name = file.to_string_lossy().into_owned();
    let failed = |error: String| Failure::fault(format!("--plot {}: {error}", Line(name.as_bytes())));
    let svg = svg(runs).map_err(|error| failed(error.to_string()))?;
    let is_html = file.extension().is_some_and(|extension| extension == "html");
    let text = if is_html { html(&svg) } else { svg };
    std::fs::write(file, text).map_err(|error| failed(error.to_string()))
}

fn html(svg: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html>\n<head><meta charset=\"utf-8\"><title>framelink load</title></head>\n<body>\n{svg}\n</body>\n</html>\n"
    )
}

fn svg(runs: &[PlottedRun]) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let (above, below) = area.split_vertically(SIZE.1 * 6 / 10);
        draw_latency(&above, runs).map_err(|error| error.to_string())?;
        draw_rate(&below, runs).map_err(|error| error.to_string())?;
        area.present()?;
    }
    Ok(text)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw_latency(area: &Area<'_>, runs: &[PlottedRun]) -> Result<(), Box<dyn Error>> {
    let points = || runs.iter().flat_map(|run| &run.percentiles);
    let nines =
        points().filter(|(percent, _)| *percent < 100.0).map(|(percent, _)| of_nines(*percent)).fold(1.0, f64::max);
    let least = points().map(|(_, micros)| *micros).fold(f64::MAX, f64::min).clamp(0.1, 1e9);
    let most = points().map(|(_, micros)| *micros).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption("Latency: the share of replies that take no longer", ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(80)
        .build_cartesian_2d(Nines(nines + 0.2), (least * 0.8..most.max(least) * 1.25).log_scale())?;
    let label = |micros: &f64| match *micros {
        micros if micros < 1000.0 => format!("{micros} µs"),
        micros if micros < 1e6 => format!("{} ms", micros / 1e3),
        micros => format!("{} s", micros / 1e6),
    };
    chart
        .configure_mesh()
        .x_label_formatter(&|nines| percent_text(*nines))
        .y_label_formatter(&label)
        .x_desc("percentile")
        .draw()?;
    for (number, run) in runs.iter().enumerate() {
        let color = Palette99::pick(number).to_rgba();
        let last = run
            .percentiles
            .iter()
            .map(|(percent, _)| of_nines(*percent))
            .filter(|nines| nines.is_finite())
            .fold(0.0, f64::max);
        let points =
            run.percentiles.iter().map(|&(percent, micros)| (of_nines(percent).min(last + 0.1), micros.max(0.1)));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(Line(run.name.as_bytes()).to_string())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    let place = SeriesLabelPosition::LowerRight;
    chart
        .configure_series_labels()
        .position(place)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}

fn draw_rate(area: &Area<'_>, runs: &[PlottedRun]) -> Result<(), Box<dyn Error>> {
    let points = || runs.iter().flat_map(|run| &run.rates);
    let secs = points().map(|(secs, _)| *secs).fold(0.1, f64::max);
    let most = points().map(|(_, rate)| *rate).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption("Rate: right replies a second", ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(80)
        .build_cartesian_2d(0.0..secs, 0.0..most * 1.1)?;
    chart.configure_mesh().x_desc("seconds since the start").y_label_formatter(&|rate| format!("{rate:.0}")).draw()?;
    for (number, run) in runs.iter().enumerate() {
        let color = Palette99::pick(number).to_rgba();
        chart.draw_series(LineSeries::new(run.rates.iter().copied(), color.stroke_width(2)))?;
    }
    Ok(())
}

/// Returns a percentile as the number of its nines: 1 for 90 %, 2 for 99 %.
fn of_nines(percent: f64) -> f64 {
    -(1.0 - percent / 100.0).log10()
}

fn percent_text(nines: f64) -> String {
    let percent = 100.0 * (1.0 - 0.1_f64.powf(nines));
    let digits = if nines > 2.5 { nines - 1.5 } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of digits, below 20")]
    let digits = digits.clamp(0.0, 20.0) as usize;
    format!("{percent:.digits$} %")
}

/// The axis of percentiles, with a mark at 50 % and at each nine.
struct Nines(f64);

impl Ranged for Nines {
    type FormatOption = plotters::coord::ranged1d::NoDefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "a place in the plot, in pixels")]
    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * value / self.0) as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        let nines = (1..10).map(f64::from);
        [0.0, of_nines(50.0)].into_iter().chain(nines).filter(|nines| *nines <= self.0).collect()
    }

    fn range(&self) -> std::ops::Range<f64> {
        0.0..self.0
    }
}

impl plotters::coord::ranged1d::ValueFormatter<f64> for Nines {
    fn format_ext(&self, value: &f64) -> String {
        percent_text(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str) -> PlottedRun {
        let percentiles =
            [0.0, 50.0, 90.0, 99.0, 99.9, 100.0].into_iter().zip([10.0, 20.0, 40.0, 100.0, 900.0, 1500.0]);
        PlottedRun {
            name: name.to_owned(),
            percentiles: percentiles.collect(),
            rates: vec![(0.0, 900.0), (0.1, 1100.0)],
        }
    }

    #[test]
    fn several_runs_are_in_one_plot_with_their_names() {
        let svg = svg(&[run("before"), run("after <&>")]).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for text in ["before", "after &lt;&amp;&gt;", "Latency", "Rate", "50 %", "90 %", "99 %", "99.9 %", "seconds"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        // A line for each run in each of the two charts, and one beside each name.
        assert_eq!(svg.matches("stroke-width=\"2\"").count(), 6, "{svg}");
    }

    #[test]
    fn runs_without_replies_can_be_plotted() {
        let none = PlottedRun { name: "none".to_owned(), percentiles: Vec::new(), rates: Vec::new() };
        assert!(svg(std::slice::from_ref(&none)).unwrap().contains("none"));
        assert!(svg(&[none, run("some")]).unwrap().contains("some"));
        assert!(svg(&[]).unwrap().contains("Latency"));
    }

    #[test]
    fn percentiles_are_shown_with_their_nines() {
        let shown = [0.0, of_nines(50.0), 1.0, 2.0, 3.0, 4.0, 5.0].map(percent_text);
        assert_eq!(shown, ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"]);
    }

    #[test]
    fn html_holds_the_svg() {
        let text = html("<svg/>");
        assert!(text.starts_with("<!DOCTYPE html>") && text.contains("\n<svg/>\n"));
    }
}
