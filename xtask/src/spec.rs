//! What spec-notes/ claims, held against the sources.
//!
//! A page is Markdown; its tables have the columns `id | level | requirement | state | item | test`. The states are
//! `done`, `open`, and `not for WebRTC`, each with words after it if there is more to say. For what is done, `item`
//! names what does it (`crates/ice/src/agent.rs::handle_binding`, or a Rust path), and `test` the functions that show
//! it; several are separated by commas.

use crate::shell::{Outcome, root};
use clap::Args;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What to print.
#[derive(Args)]
pub(crate) struct Options {
    /// Print every requirement that is open.
    #[arg(long)]
    open: bool,
    /// Print every requirement that is done without a test that shows it.
    #[arg(long)]
    untested: bool,
}

/// Checks every page and prints a line of coverage for each.
pub(crate) fn run(options: &Options) -> Outcome {
    let sources = Sources::read()?;
    let (mut problems, mut total) = (Vec::new(), Coverage::default());
    println!(
        "{:<16} {:>6} {:>6} {:>14} {:>6} {:>12}",
        "page", "done", "open", "not for WebRTC", "sum", "MUST done"
    );
    for page in files(&root().join("spec-notes"), &["md"])? {
        let name = page.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let rows = rows(&page.text);
        problems.extend(
            rows.iter()
                .filter_map(|row| row.as_ref().err())
                .map(|line| format!("spec-notes/{name}.md:{line}: a requirement's row needs six cells")),
        );
        let rows: Vec<_> = rows.into_iter().filter_map(Result::ok).collect();
        let (mut coverage, mut ids) = (Coverage::default(), BTreeSet::new());
        for row in &rows {
            coverage.count(row);
            let place = format!("spec-notes/{name}.md:{}: {}", row.line, row.id);
            if !ids.insert(row.id) {
                problems.push(format!("{place}: the id is used twice"));
            }
            problems.extend(sources.check(row).into_iter().map(|problem| format!("{place}: {problem}")));
            if options.open && row.state == Some(State::Open) {
                println!("open: {place}: {}", row.requirement);
            }
            if options.untested && row.is_untested() {
                println!("untested: {place}: {}", row.requirement);
            }
        }
        if !rows.is_empty() {
            println!("{}", coverage.line(&name));
        }
        total.add(&coverage);
    }
    println!("{}", total.line("all"));
    match problems.len() {
        0 => Ok(()),
        count => Err(format!("{}\n{count} problems", problems.join("\n"))),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Done,
    Open,
    NotForWebRtc,
}

impl State {
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let states = [("done", Self::Done), ("open", Self::Open), ("not", Self::NotForWebRtc)];
        states.into_iter().find(|(word, _)| text.starts_with(word)).map(|(_, state)| state)
    }
}

/// One requirement.
#[derive(Debug)]
struct Row<'a> {
    line: usize,
    id: &'a str,
    level: &'a str,
    requirement: &'a str,
    state: Option<State>,
    items: Vec<&'a str>,
    tests: Vec<&'a str>,
}

/// The rows of a page's requirements tables, which begin with a column `id`; or the numbers of lines in them that are not
/// such rows. Other tables are passed over.
fn rows(page: &str) -> Vec<Result<Row<'_>, usize>> {
    let (mut rows, mut is_requirements) = (Vec::new(), false);
    for (line, text) in (1..).zip(page.lines().map(str::trim)) {
        let is_header = text.starts_with("| id | level |");
        is_requirements = is_header || is_requirements && text.starts_with('|');
        if is_requirements && !is_header && !text.starts_with("|-") {
            rows.push(Row::parse(line, text).ok_or(line));
        }
    }
    rows
}

impl<'a> Row<'a> {
    /// A row of a requirements table: six cells, the last of which may be empty.
    fn parse(line: usize, text: &'a str) -> Option<Self> {
        let cells: Vec<_> = text.strip_prefix('|')?.strip_suffix('|')?.split(" |").map(str::trim).collect();
        let [id, level, requirement, state, item, test] = cells.as_slice() else { return None };
        let id = id.trim_matches('`');
        let state = State::parse(state);
        Some(Self { line, id, level, requirement, state, items: names(item), tests: names(test) })
    }

    fn is_untested(&self) -> bool {
        self.state == Some(State::Done) && self.tests.is_empty()
    }
}

/// The names in a cell: between commas, without their backticks; none for a dash.
fn names(cell: &str) -> Vec<&str> {
    let trim = |name: &'_ str| -> bool { !name.is_empty() && !matches!(name, "-" | "–" | "—") };
    let cleaned = cell.split(',').map(|name| name.trim().trim_matches('`'));
    cleaned.filter(|name| trim(name)).collect()
}

/// How much of a page is done.
#[derive(Clone, Copy, Debug, Default)]
struct Coverage {
    done: usize,
    open: usize,
    not_for_webrtc: usize,
    must: usize,
    must_done: usize,
}

impl Coverage {
    fn count(&mut self, row: &Row<'_>) {
        let must = row.level.starts_with("MUST") && row.state != Some(State::NotForWebRtc);
        self.must += usize::from(must);
        match row.state {
            Some(State::Done) => {
                self.done += 1;
                self.must_done += usize::from(must);
            }
            Some(State::NotForWebRtc) => self.not_for_webrtc += 1,
            Some(State::Open) | None => self.open += 1,
        }
    }

    const fn add(&mut self, other: &Self) {
        self.done += other.done;
        self.open += other.open;
        self.not_for_webrtc += other.not_for_webrtc;
        self.must += other.must;
        self.must_done += other.must_done;
    }

    fn line(&self, name: &str) -> String {
        let Self { done, open, not_for_webrtc, must, must_done } = self;
        let sum = done + open + not_for_webrtc;
        let must = format!("{must_done} of {must}");
        format!("{name:<16} {done:>6} {open:>6} {not_for_webrtc:>14} {sum:>6} {must:>12}")
    }
}

struct Source {
    path: PathBuf,
    text: String,
}

/// Everything that items and tests may be in.
struct Sources(Vec<Source>);

impl Sources {
    fn read() -> Outcome<Self> {
        let mut all = Vec::new();
        for folder in ["crates", "tests", "benches", "fuzz", "xtask"] {
            all.extend(files(&root().join(folder), &["rs", "mjs", "js", "html"])?);
        }
        Ok(Self(all))
    }

    fn check(&self, row: &Row<'_>) -> Vec<String> {
        match row.state {
            None => vec!["the state is none of done, open, not for WebRTC".to_owned()],
            Some(State::Open | State::NotForWebRtc) => Vec::new(),
            Some(State::Done) if row.items.is_empty() => vec!["done, but no item is named".to_owned()],
            Some(State::Done) => {
                let items = row.items.iter().filter(|item| !self.has_item(item));
                let tests = row.tests.iter().filter(|test| !self.has_test(test));
                let items = items.map(|item| format!("there is no item {item}"));
                items.chain(tests.map(|test| format!("there is no test {test}"))).collect()
            }
        }
    }

    /// Finds `file.rs`, `file.rs::name` (the last segment counts) or `sendrecv_layer::module::name`.
    fn has_item(&self, item: &str) -> bool {
        let name = item.rsplit("::").next().unwrap_or(item).trim_end_matches("()");
        let folder = match item.split_once(".rs") {
            Some((file, rest)) => {
                let file = root().join(format!("{file}.rs"));
                return self
                    .0
                    .iter()
                    .any(|source| source.path == file && (rest.is_empty() || source.has(name)));
            }
            None if item.ends_with('/') || root().join(item).exists() => return root().join(item).exists(),
            None => item.split("::").next().unwrap_or_default(),
        };
        let folder = match folder.strip_prefix("sendrecv_") {
            Some(layer) => format!("crates/{layer}"),
            None => "crates".to_owned(),
        };
        let folder = root().join(folder);
        self.0.iter().any(|source| source.path.starts_with(&folder) && source.has(name))
    }

    /// Finds a test function by its name, or an interop case by its words.
    fn has_test(&self, test: &str) -> bool {
        let name = test.rsplit("::").next().unwrap_or(test).trim_end_matches("()");
        let function = format!("fn {name}(");
        self.0.iter().any(|source| match source.path.extension().is_some_and(|extension| extension == "rs") {
            true => source.text.contains(&function),
            false => source.text.contains(test),
        })
    }
}

impl Source {
    /// Whether `name` occurs as a word of its own.
    fn has(&self, name: &str) -> bool {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        self.text.match_indices(name).any(|(at, _)| {
            let (before, after) = self.text.split_at(at);
            let after = after.strip_prefix(name).unwrap_or(after);
            !before.ends_with(is_part) && !after.starts_with(is_part)
        })
    }
}

/// The files below `folder` with one of these extensions, by name; nothing when there is no such folder.
fn files(folder: &Path, extensions: &[&str]) -> Outcome<Vec<Source>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let skipped = path.file_name().is_some_and(|name| name == "node_modules" || name == "target");
            let wanted = path.extension().is_some_and(|extension| extensions.iter().any(|e| extension == *e));
            if path.is_dir() && !skipped {
                folders.push(path);
            } else if wanted && path.is_file() {
                let text =
                    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_from_headers_prose_and_other_tables() {
        let page = "words\n\
            | id | level | requirement | state | item | test |\n\
            |---|---|---|---|---|---|\n\
            | rfc1-2 | MUST | do it | done, mostly | `a.rs::b`, `c` | t_one, `t_two` |\n\
            | x | MUST | y | open | – | |\n\
            | a | b |\n\n\
            | one | two | three | four | five | six |\n\
            | 1 | 2 | 3 | 4 | 5 | 6 |";
        let rows = rows(page);
        let [Ok(row), Ok(empty), Err(6)] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.line, row.id, row.state), (4, "rfc1-2", Some(State::Done)));
        assert_eq!((&row.items, &row.tests), (&vec!["a.rs::b", "c"], &vec!["t_one", "t_two"]));
        assert!(empty.items.is_empty() && empty.tests.is_empty());
    }

    #[test]
    fn claims_about_this_file_are_checked() {
        let sources = Sources::read().unwrap();
        assert!(sources.has_item("xtask/src/spec.rs::Coverage::line"));
        assert!(sources.has_item("sendrecv_core::Instant"));
        assert!(!sources.has_item(concat!("xtask/src/spec.rs::Cov", "er")), "part of a word is not the word");
        assert!(!sources.has_item("xtask/src/nowhere.rs"));
        assert!(sources.has_test("claims_about_this_file_are_checked"));
        assert!(!sources.has_test(concat!("no_such", "_test")));
    }
}
