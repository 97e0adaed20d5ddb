//! The house's rules, read from its own sources: who may import whom, what pure folders may not touch, and what nobody
//! leaves behind. Reads words, not text: comments and string literals don't count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Who may import whom: folder (or file) of `src`, and what of ours it may name. Nobody imports those that may name all.
const LAW: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &["domain"]),
    ("exchange", &["domain"]),
    ("metrics", &[]),
    ("market", &["domain"]),
    ("analytics", &["domain"]),
    ("engine", &["domain", "market"]),
    ("strategy", &["domain", "market", "engine"]),
    (
        "backtest",
        &["domain", "market", "engine", "strategy", "exchange", "analytics"],
    ),
    ("venue", &["domain", "market", "exchange"]),
    ("broker", &["domain", "market", "engine", "analytics"]),
    (
        "broker/sim",
        &["domain", "market", "engine", "analytics", "venue"],
    ),
    ("feed", &["domain", "market", "engine", "analytics"]),
    ("store", &["domain", "market", "engine", "analytics"]),
    ("wire", &["domain", "market", "engine", "analytics"]),
    ("gateway", &["domain", "market", "venue"]),
    (
        "server",
        &["domain", "market", "engine", "analytics", "wire", "metrics"],
    ),
    ("attach", &["domain", "market", "engine", "analytics", "wire"]),
    ("tui", &["domain", "market", "engine", "analytics", "config"]),
];
/// These may name everybody, and nobody below may name them.
const TOP: &[&str] = &["app", "cli", "cli.rs", "main.rs", "lib.rs"];
/// No clock, file, socket, thread, task, unseeded chance or unordered map.
const PURE: &[&str] = &[
    "domain",
    "market",
    "exchange",
    "engine",
    "strategy",
    "backtest",
    "analytics",
];
/// The one file that may hash.
const MAY_HASH: &str = "id_map.rs";

/// Paths that pure folders don't name, as the words of the path.
const IMPURE: &[(&[&str], &str)] = &[
    (&["tokio"], "tasks"),
    (&["std", "fs"], "files"),
    (&["std", "net"], "sockets"),
    (&["std", "env"], "the process"),
    (&["std", "process"], "the process"),
    (&["std", "thread"], "threads"),
    (&["Instant"], "a clock"),
    (&["SystemTime"], "a clock"),
    (&["Timestamp", "now"], "a clock"),
    (&["Zoned", "now"], "a clock"),
    (&["HashMap"], "an order that changes from run to run"),
    (&["HashSet"], "an order that changes from run to run"),
    (&["thread_rng"], "unseeded chance"),
    (&["rand", "rng"], "unseeded chance"),
    (&["RandomState"], "unseeded chance"),
];

/// A word or sign of a source, and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    line: usize,
}

/// The words and signs of a source, without comments and literals.
fn words(source: &str) -> Vec<Word> {
    let chars: Vec<char> = source.chars().collect();
    let (mut words, mut at, mut line) = (Vec::new(), 0, 1);
    let starts = |at: usize, text: &str| {
        text.chars()
            .enumerate()
            .all(|(i, c)| chars.get(at + i) == Some(&c))
    };
    while at < chars.len() {
        let c = chars[at];
        let from = at;
        if starts(at, "//") {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if starts(at, "/*") {
            let mut depth = 0;
            while at < chars.len() {
                match (starts(at, "/*"), starts(at, "*/")) {
                    (true, _) => depth += 1,
                    (_, true) => depth -= 1,
                    _ => {}
                }
                at += if starts(at, "/*") || starts(at, "*/") {
                    2
                } else {
                    1
                };
                if depth == 0 {
                    break;
                }
            }
        } else if let Some(hashes) = raw_string(&chars, at) {
            let end: String = std::iter::once('"')
                .chain(std::iter::repeat_n('#', hashes))
                .collect();
            at += hashes + 2;
            while at < chars.len() && !starts(at, &end) {
                at += 1;
            }
            at += end.len();
        } else if c == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c == '\'' && (chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')) {
            at += if chars.get(at + 1) == Some(&'\\') { 3 } else { 2 };
            while at < chars.len() && chars[at] != '\'' {
                at += 1;
            }
            at += 1;
        } else if c.is_alphanumeric() || c == '_' {
            while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            words.push(Word {
                text: chars[from..at].iter().collect(),
                line,
            });
        } else {
            at += if starts(at, "::") { 2 } else { 1 };
            if !c.is_whitespace() {
                words.push(Word {
                    text: chars[from..at].iter().collect(),
                    line,
                });
            }
        }
        at = at.min(chars.len());
        line += chars[from..at].iter().filter(|c| **c == '\n').count();
    }
    words
}

/// How many hashes open a raw string here.
fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).and_then(|i| chars.get(i));
    if chars.get(at) != Some(&'r') || before.is_some_and(|c| c.is_alphanumeric() || *c == '_') {
        return None;
    }
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(at + 1 + hashes) == Some(&'"')).then_some(hashes)
}

/// The words with `#[cfg(test)]` items left out.
fn without_tests(words: &[Word]) -> Vec<Word> {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < words.len() {
        let marked = words[at..]
            .iter()
            .zip(mark)
            .filter(|(word, sign)| word.text == *sign)
            .count()
            == mark.len();
        if !marked {
            kept.push(words[at].clone());
            at += 1;
            continue;
        }
        let mut depth = 0usize;
        at += mark.len();
        while at < words.len() {
            match words[at].text.as_str() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            at += 1;
            if depth == 0 && matches!(words[at - 1].text.as_str(), "}" | ";") {
                break;
            }
        }
    }
    kept
}

/// The first names after a path's root: `a` of `crate::a::b`, `a` and `c` of `crate::{a::b, c}`.
fn first_names(words: &[Word]) -> Vec<&Word> {
    match words.first().map(|word| word.text.as_str()) {
        Some("{") => {
            let (mut names, mut depth, mut fresh) = (Vec::new(), 0usize, true);
            for word in words {
                match word.text.as_str() {
                    "{" => depth += 1,
                    "}" if depth == 1 => break,
                    "}" => depth -= 1,
                    "," if depth == 1 => fresh = true,
                    _ if fresh && depth == 1 => {
                        names.push(word);
                        fresh = false;
                    }
                    _ => {}
                }
            }
            names
        }
        Some(_) => words.first().into_iter().collect(),
        None => Vec::new(),
    }
}

/// Every folder of ours that a source names, with the line. `depth` is how deep its module lies below the crate.
fn imports(words: &[Word], depth: usize) -> Vec<(String, usize)> {
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let (mut found, mut at) = (Vec::new(), 0);
    // Open braces, and whether each is a module's.
    let mut braces: Vec<bool> = Vec::new();
    while at < words.len() {
        match text(at) {
            "{" => braces.push(at >= 2 && text(at - 2) == "mod"),
            "}" => drop(braces.pop()),
            "crate" | "tradewind" if text(at + 1) == "::" => {
                found.extend(
                    first_names(&words[at + 2..])
                        .into_iter()
                        .map(|word| (word.text.clone(), word.line)),
                );
            }
            "super" if at == 0 || text(at - 1) != "::" => {
                let mut up = 0;
                while text(at + 2 * up) == "super" && text(at + 2 * up + 1) == "::" {
                    up += 1;
                }
                if up >= depth + braces.iter().filter(|module| **module).count() && up > 0 {
                    let rest = first_names(&words[at + 2 * up..]);
                    found.extend(rest.into_iter().map(|word| (word.text.clone(), word.line)));
                }
                at += (2 * up).saturating_sub(1);
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// What is wrong with one source, given by its path below `src`.
fn faults_of(path: &Path, source: &str, folders: &BTreeSet<String>) -> Vec<String> {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let Some((folder, file)) = parts.first().zip(parts.last()) else {
        return Vec::new();
    };
    let all = words(source);
    let mut faults = leftovers(path, &all);
    if TOP.contains(folder) {
        return faults;
    }
    let sub = parts[..parts.len().saturating_sub(1).min(2)].join("/");
    let row = LAW
        .iter()
        .find(|(name, _)| *name == sub)
        .or(LAW.iter().find(|(name, _)| name == folder));
    let Some((_, allowed)) = row else {
        faults.push(format!("{}: the law has no row for {folder}", path.display()));
        return faults;
    };
    let depth = parts.len() - usize::from(*file == "mod.rs");
    for (name, line) in imports(&all, depth) {
        if folders.contains(&name) && name != *folder && !allowed.contains(&name.as_str()) {
            faults.push(format!(
                "{}:{line}: {folder} may not import {name}",
                path.display()
            ));
        }
    }
    let is_test = parts.iter().any(|part| matches!(*part, "tests" | "tests.rs"));
    if PURE.contains(folder) && !is_test {
        faults.extend(impurities(path, file, &without_tests(&all)));
    }
    faults
}

/// Clocks, files, chance and the like.
fn impurities(path: &Path, file: &str, words: &[Word]) -> Vec<String> {
    let mut faults = Vec::new();
    for at in 0..words.len() {
        for (names, what) in IMPURE {
            let hashing = matches!(names[0], "HashMap" | "HashSet") && file == MAY_HASH;
            // `a::b` as the words a, ::, b; and `use a::{b, c}`.
            let begins = words[at].text == names[0];
            let ends = match names.get(1) {
                None => true,
                Some(second) => {
                    words.get(at + 1).is_some_and(|word| word.text == "::")
                        && first_names(&words[(at + 2).min(words.len())..])
                            .iter()
                            .any(|word| word.text == *second)
                }
            };
            if begins && ends && !hashing {
                faults.push(format!(
                    "{}:{}: {} is {what}: not in a pure folder",
                    path.display(),
                    words[at].line,
                    names.join("::")
                ));
            }
        }
    }
    faults
}

/// A state is read by the trait: the derived function of the same name leaves its index of what lives empty.
fn read_without_index(path: &Path, words: &[Word]) -> Vec<String> {
    let found = words.windows(3).filter(|three| {
        let texts = [&three[0].text, &three[1].text, &three[2].text];
        texts.map(String::as_str) == ["State", "::", "deserialize"]
    });
    let place = |three: &[Word]| format!("{}:{}", path.display(), three[0].line);
    found
        .map(|three| format!("{}: say <State as Deserialize>::deserialize", place(three)))
        .collect()
}

/// What nobody leaves behind.
fn leftovers(path: &Path, words: &[Word]) -> Vec<String> {
    let pairs = words.windows(2).filter(|pair| {
        matches!(
            (pair[0].text.as_str(), pair[1].text.as_str()),
            ("dbg" | "todo" | "unimplemented", "!") | ("[", "ignore")
        )
    });
    let mut faults = read_without_index(path, words);
    faults.extend(pairs.map(|pair| {
        format!(
            "{}:{}: {}{} is left over",
            path.display(),
            pair[0].line,
            pair[0].text,
            pair[1].text
        )
    }));
    faults
}

/// The names that a source's types have in the document of the port: of two with one name only one would be in it.
fn rows_of(words: &[Word]) -> Vec<&Word> {
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let mut rows = Vec::new();
    let mut derived = false;
    let mut named = None;
    for at in 0..words.len() {
        match text(at) {
            "derive" => {
                let list = words[at..].iter().take_while(|word| word.text != ")");
                derived |= list.into_iter().any(|word| word.text == "ToSchema");
            }
            "as" if derived && text(at + 1) == "=" => named = words.get(at + 2),
            "struct" | "enum" if text(at.wrapping_sub(1)) != "#" => {
                rows.extend(named.take().or(words.get(at + 1)).filter(|_| derived));
                derived = false;
            }
            _ => {}
        }
    }
    rows
}

/// Rows of the document that have a name twice, each with its place.
fn doubled_rows<'a>(sources: impl IntoIterator<Item = (&'a Path, &'a [Word])>) -> Vec<String> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut faults = Vec::new();
    for (path, words) in sources {
        for row in rows_of(words) {
            let place = format!("{}:{}", path.display(), row.line);
            if let Some(first) = seen.get(&row.text) {
                faults.push(format!(
                    "{place}: {} is a row of the document at {first} too",
                    row.text
                ));
            } else {
                seen.insert(row.text.clone(), place);
            }
        }
    }
    faults
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Everything wrong in a project's sources, and how many files were read.
fn faults_in(project: &Path) -> (Vec<String>, usize) {
    let src = project.join("src");
    let mut files = Vec::new();
    files_below(&src, &mut files);
    let below = |path: &PathBuf| path.strip_prefix(&src).map(Path::to_path_buf).ok();
    let name = |path: PathBuf| {
        path.iter()
            .next()
            .and_then(|part| part.to_str())
            .map(|part| part.trim_end_matches(".rs").to_owned())
    };
    let folders: BTreeSet<String> = files.iter().filter_map(below).filter_map(name).collect();
    let mut faults = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        faults.extend(faults_of(&below(file).unwrap_or_default(), &text, &folders));
    }
    let sources = files.len();
    let mut others = Vec::new();
    for folder in ["tests", "benches"] {
        files_below(&project.join(folder), &mut others);
    }
    for file in &others {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        faults.extend(leftovers(
            file.strip_prefix(project).unwrap_or(file),
            &words(&text),
        ));
    }
    faults.sort();
    (faults, sources + others.len())
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_sources_keep_the_rules_of_the_house() {
    let (faults, files) = faults_in(project());
    println!("{files} sources read");
    assert!(
        files > 50,
        "only {files} sources found below {}",
        project().display()
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_row_of_the_document_has_a_name_of_its_own() {
    let mut files = Vec::new();
    files_below(&project().join("src"), &mut files);
    files.sort();
    let read = |file: &PathBuf| (file.clone(), words(&std::fs::read_to_string(file).unwrap()));
    let sources: Vec<(PathBuf, Vec<Word>)> = files.iter().map(read).collect();
    let each = || {
        sources
            .iter()
            .map(|(path, words)| (path.as_path(), words.as_slice()))
    };
    let rows: usize = each().map(|(_, words)| rows_of(words).len()).sum();
    assert!(rows > 100, "only {rows} rows found");
    let faults = doubled_rows(each());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let planted = words(
        "#[derive(ToSchema)] struct A { b: u8 } #[derive(ToSchema)] #[schema(as = A)] pub enum C { D } #[derive(Clone)] struct A;",
    );
    let found = doubled_rows([(Path::new("x.rs"), planted.as_slice())]);
    assert_eq!(found, ["x.rs:1: A is a row of the document at x.rs:1 too"]);
}

#[test]
fn a_planted_fault_is_found() {
    let folders: BTreeSet<String> = LAW
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .chain(["app".into(), "cli".into()])
        .collect();
    let faults = |path: &str, source: &str| faults_of(Path::new(path), source, &folders);
    for (path, source, words) in [
        (
            "domain/price.rs",
            "use crate::engine::State;",
            "price.rs:1: domain may not import engine",
        ),
        (
            "engine/core.rs",
            "\nuse crate::{domain::Price, exchange::{book, Fill}, market};",
            "core.rs:2: engine may not import exchange",
        ),
        (
            "exchange/book/mod.rs",
            "fn f(q: super::super::market::Quote) {}",
            "may not import market",
        ),
        (
            "exchange/book/slab.rs",
            "mod inner { use super::super::super::super::venue::Venue; }",
            "may not import venue",
        ),
        (
            "tui/desk.rs",
            "let s = crate::store::Journal::open();",
            "tui may not import store",
        ),
        (
            "wire/codec.rs",
            "use tradewind::server;",
            "wire may not import server",
        ),
        (
            "store/row.rs",
            "pub use crate::app::clock;",
            "store may not import app",
        ),
        (
            "broker/ibkr/wire.rs",
            "use crate::venue::Venue;",
            "broker may not import venue",
        ),
        ("novelty/mod.rs", "", "no row for novelty"),
        ("market/bars.rs", "use std::collections::HashMap;", "HashMap"),
        (
            "engine/core.rs",
            "let now = std::time::Instant::now();",
            "a clock",
        ),
        (
            "engine/core.rs",
            "use std::time::{Duration, SystemTime};",
            "a clock",
        ),
        ("engine/core.rs", "let now = jiff::Timestamp::now();", "a clock"),
        ("domain/id.rs", "use std::{fmt, fs};", "files"),
        (
            "exchange/mod.rs",
            "async fn f() { tokio::task::yield_now().await }",
            "tasks",
        ),
        ("app/mod.rs", "fn f() { todo!() }", "left over"),
        (
            "app/mod.rs",
            "#[ignore = \"slow\"] fn f() { dbg!(1); }",
            "left over",
        ),
    ] {
        let found = faults(path, source);
        assert!(
            found.iter().any(|fault| fault.contains(words)),
            "{path}: {source}: {found:?}"
        );
    }
    for (path, source) in [
        (
            "engine/core.rs",
            "use crate::{domain::Price, market::Market}; use super::state::State;",
        ),
        (
            "engine/decide/mod.rs",
            "use super::super::engine::State; // crate::venue is not meant\n const A: &str = \"crate::venue\";",
        ),
        (
            "exchange/book/slab.rs",
            "mod inner { use super::super::super::Fill; }",
        ),
        ("broker/sim/mod.rs", "use crate::venue::Venue;"),
        ("market/id_map.rs", "use std::collections::HashMap;"),
        (
            "market/bars.rs",
            "#[cfg(test)] mod tests { use std::collections::HashMap; } fn f<'a>(x: &'a str) -> char { '\"' }",
        ),
        (
            "market/bars.rs",
            "const X: &str = r#\"dbg!( \"crate::app\" \"#; fn f(at: Timestamp) {}",
        ),
        ("app/mod.rs", "use crate::venue::Venue; use std::time::Instant;"),
    ] {
        let found = faults(path, source);
        assert!(found.is_empty(), "{path}: {source}: {found:?}");
    }
}

#[test]
fn a_fault_planted_in_a_copy_of_the_project_is_found() {
    let copy = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    files_below(&project().join("src"), &mut files);
    for file in &files {
        let to = copy.path().join(file.strip_prefix(project()).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(file, to).unwrap();
    }
    let (before, _) = faults_in(copy.path());
    std::fs::write(
        copy.path().join("src/domain/planted.rs"),
        "use crate::engine::State;\n",
    )
    .unwrap();
    let (mut after, _) = faults_in(copy.path());
    after.retain(|fault| !before.contains(fault));
    assert_eq!(after, ["domain/planted.rs:1: domain may not import engine"]);
}
