//! Reads the oracles' files where they stand: which there are, and their text whether it is plain, gzip or
//! zip. What the columns mean is the tests' business.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use std::io::Read;
use std::path::{Path, PathBuf};
use tradewind::domain::{InstrumentId, Price, Quantity, Timestamp};

/// The folder of the oracles and the data; nothing where none is given and none is required.
pub fn shared() -> Option<PathBuf> {
    match std::env::var_os("TRADEWIND_SHARED") {
        Some(root) => Some(PathBuf::from(root)),
        None if required() => panic!("oracles are required, but TRADEWIND_SHARED is not set"),
        None => {
            println!("no oracles found, skipped");
            None
        }
    }
}

/// True where finding no case is a failure.
pub fn required() -> bool {
    std::env::var_os("TRADEWIND_REQUIRE_ORACLES").is_some_and(|value| value == "1")
}

/// Says how many cases ran.
pub fn report(what: &str, cases: usize) {
    assert!(
        cases > 0 || !required(),
        "{what}: oracles are required, but there is no case"
    );
    println!("{what}: {cases} cases");
}

/// Files of a folder, by name.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

/// A file's name without `.csv`, `.csv.gz` and the like.
pub fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap().to_string_lossy();
    name.split('.').next().unwrap().to_owned()
}

/// The first file below `root` whose path ends in `end`.
pub fn find(root: &Path, end: &str) -> Option<PathBuf> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in files_in(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                return Some(path);
            }
        }
    }
    None
}

/// The text of a plain, gzip or zip file (the zip's first entry).
pub fn text(path: &Path) -> String {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    let read = match path.extension().and_then(|end| end.to_str()) {
        Some("gz") => flate2::read::GzDecoder::new(file).read_to_string(&mut text),
        Some("zip") => zip::ZipArchive::new(file)
            .unwrap()
            .by_index(0)
            .unwrap()
            .read_to_string(&mut text),
        _ => std::io::BufReader::new(file).read_to_string(&mut text),
    };
    read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text
}

/// A CSV file with a head: rows in which cells are found by column name.
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// One row of a [`Table`].
#[derive(Clone, Copy)]
pub struct Row<'a> {
    head: &'a [String],
    cells: &'a [String],
}

impl Table {
    pub fn read(path: &Path) -> Self {
        let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let text = text(path);
        let mut lines = text.lines();
        Self {
            head: cells(lines.next().unwrap_or_default()),
            rows: lines.map(cells).collect(),
        }
    }
    pub fn columns(&self) -> &[String] {
        &self.head
    }
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row {
            head: &self.head,
            cells,
        })
    }
}

impl<'a> Row<'a> {
    /// The cell of a column; nothing where it is empty or there is no such column.
    pub fn find(self, column: &str) -> Option<&'a str> {
        let at = self.head.iter().position(|name| name == column)?;
        self.cells
            .get(at)
            .map(String::as_str)
            .filter(|cell| !cell.is_empty())
    }
    pub fn cell(self, column: &str) -> &'a str {
        self.find(column)
            .unwrap_or_else(|| panic!("no {column} in {:?}", self.cells))
    }
    pub fn f64(self, column: &str) -> f64 {
        self.cell(column).parse().unwrap()
    }
    pub fn price(self, column: &str) -> Price {
        self.cell(column).parse().unwrap()
    }
    /// Epoch seconds.
    pub fn time(self) -> Timestamp {
        Timestamp::from_seconds(self.cell("time").parse().unwrap())
    }
}

/// True where the two differ by no more than `tolerance` of the larger one, or by nothing worth a digit.
pub fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs()) + 1e-12
}

/// A decimal text over a power of ten that the file leaves out: `1674100` at 4 is 167.41.
pub fn scaled_price(text: &str, decimals: u32) -> Price {
    let whole: Price = text.parse().unwrap();
    Price::from_raw(whole.raw() / 10i64.pow(decimals))
}

/// A size such as `0.60046` or `1.2e-05`; more digits than a quantity has (sums in binary) are rounded off.
pub fn size(text: &str) -> Quantity {
    let size: f64 = text.parse().unwrap();
    format!("{size:.8}").parse().unwrap()
}

/// The instrument of a file's symbol.
pub fn instrument(symbol: &str) -> InstrumentId {
    InstrumentId::new(&symbol.to_uppercase()).unwrap()
}

/// Midnight of a day such as `20131007` in a zone, or at a fixed offset such as `-05`.
pub fn midnight(day: &str, zone: &str) -> Timestamp {
    let date = jiff::civil::Date::strptime("%Y%m%d", day).unwrap();
    let zone = match zone.parse::<i8>() {
        Ok(hours) => jiff::tz::TimeZone::fixed(jiff::tz::offset(hours)),
        Err(_) => jiff::tz::TimeZone::get(zone).unwrap(),
    };
    Timestamp::from_jiff(date.to_zoned(zone).unwrap().timestamp())
}

/// The zone that the times of a file below `lean` are told in, and the decimals that its prices leave out.
pub fn lean_conventions(path: &Path) -> (&'static str, u32) {
    let path = path.to_string_lossy();
    if path.contains("/equity/") {
        ("America/New_York", 4)
    } else if path.contains("/index/") {
        ("America/Chicago", 0)
    } else if path.contains("/fxcm/") {
        ("-05", 0)
    } else {
        ("UTC", 0)
    }
}
