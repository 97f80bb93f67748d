//! What is written: the results as JSON, and the table in the book with where and when it was measured.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

use crate::load::output;
use crate::servers::Server;

/// Where and how the results were measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Setting {
    pub(crate) commit: String,
    pub(crate) date: String,
    pub(crate) machine: String,
    pub(crate) method: String,
    pub(crate) left_out: Vec<String>,
}

impl Setting {
    pub(crate) fn new(root: &Path, method: String, missing: &[(Server, String)]) -> Self {
        let shown = |command: &mut Command| output(command).unwrap_or_default();
        let commit = shown(Command::new("git").arg("-C").arg(root).args(["describe", "--always", "--dirty"]));
        let left_out = missing.iter().map(|(server, why)| format!("{}: {why}", server.title)).collect();
        Self { commit, date: shown(Command::new("date").args(["-u", "+%F"])), machine: machine(), method, left_out }
    }

    fn text(&self) -> String {
        let Self { commit, date, machine, method, left_out } = self;
        let mut text = format!("Commit `{commit}`, {date}, {machine}; {method}.");
        if !left_out.is_empty() {
            text += &format!("\nLeft out: {}.", left_out.join("; "));
        }
        text
    }
}

/// Returns the processor, how many there are, and the system.
fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models = || cpus.lines().filter_map(|line| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim()));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} × {}, Linux {}", models().count(), models().next().unwrap_or("processor"), kernel.trim())
}

/// Replaces what is between the two marks of this name in the book's page.
pub(crate) fn write(
    page: &Path,
    name: &str,
    table: &str,
    setting: &Setting,
    plot: Option<String>,
) -> Result<(), String> {
    let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", page.display());
    let text = fs::read_to_string(page).map_err(|error| fault(&error))?;
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let plot = plot.map(|plot| format!("![Latency and rate]({}/{plot})\n\n", name_of(page))).unwrap_or_default();
    let new = between(&text, &begin, &end, &format!("\n{table}\n{}\n\n{plot}", setting.text()));
    fs::write(page, new.ok_or_else(|| fault(&format!("no section {name}")))?).map_err(|error| fault(&error))
}

/// Returns the name of a page without its extension, which is also that of the folder with its pictures.
fn name_of(page: &Path) -> String {
    page.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn between(text: &str, begin: &str, end: &str, new: &str) -> Option<String> {
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{new}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_section_is_replaced() {
        let text = "one\n<!-- a -->\nold\n<!-- end of a -->\ntwo\n";
        let new = between(text, "<!-- a -->\n", "<!-- end of a -->", "new\n").unwrap();
        assert_eq!(new, "one\n<!-- a -->\nnew\n<!-- end of a -->\ntwo\n");
        assert_eq!(between(text, "<!-- b -->\n", "<!-- end of b -->", ""), None);
    }
}
