//! Opens one tape file, whatever it is packed in (zip, gzip or plain), and hands out its lines one by one. Memory stays
//! bounded: lines are cut at [`MAX_LINE`], unpacked bytes counted, nothing is read ahead further than one buffer. What the
//! lines mean is left to the formats beside it.

use super::TapeError;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Longest line taken, in bytes; a longer one is reported and skipped.
pub const MAX_LINE: usize = 4096;
/// Most members of one zip archive that are looked at.
const MAX_MEMBERS: usize = 256;
/// Most bytes unpacked from one file or archive member: 16 GiB.
const MAX_UNPACKED: u64 = 16 << 30;

/// How a part of a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    /// A member of a zip archive, copied without compression.
    Stored {
        start: u64,
        length: u64,
    },
    /// A compressed member of a zip archive.
    Deflated {
        start: u64,
        length: u64,
    },
}

/// One stream of lines: a file, or one member of an archive.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub path: PathBuf,
    /// Name of the archive's member.
    pub member: Option<String>,
    packing: Packing,
}

impl Part {
    /// How errors name this part.
    pub(super) fn shown(&self) -> String {
        let shown = match &self.member {
            Some(member) => format!("{}#{member}", self.path.display()),
            None => self.path.display().to_string(),
        };
        crate::domain::SafeText::new(&shown).to_string()
    }

    /// Opens the part at its first line.
    pub(super) fn open(&self) -> Result<Lines, TapeError> {
        let unreadable = |error| TapeError::Unreadable {
            path: self.shown(),
            error,
        };
        let mut file = File::open(&self.path).map_err(unreadable)?;
        let inner: Box<dyn Read + Send> = match self.packing {
            Packing::Plain => Box::new(file),
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file))),
            Packing::Stored { start, length } => {
                file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
                Box::new(file.take(length))
            }
            Packing::Deflated { start, length } => {
                file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
                Box::new(flate2::read::DeflateDecoder::new(BufReader::new(
                    file.take(length),
                )))
            }
        };
        Ok(Lines {
            reader: BufReader::with_capacity(64 * 1024, inner),
            number: 0,
            unpacked: 0,
            line: Vec::new(),
        })
    }
}

/// The parts of the file at `path`, in the archive's order.
pub(super) fn parts(path: &Path) -> Result<Vec<Part>, TapeError> {
    let unreadable = |error| TapeError::Unreadable {
        path: path.display().to_string(),
        error,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(TapeError::NotAFile(path.display().to_string()));
    }
    let mut magic = [0; 4];
    let mut got = 0;
    while got < magic.len() {
        match file.read(&mut magic[got..]).map_err(unreadable)? {
            0 => break,
            more => got += more,
        }
    }
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    match magic {
        _ if got == 0 => Err(TapeError::Empty(path.display().to_string())),
        [b'P', b'K', ..] => members(path, file),
        [0x1f, 0x8b, ..] => Ok(vec![part(path, None, Packing::Gzip)]),
        _ if extension.eq_ignore_ascii_case("zip") || extension.eq_ignore_ascii_case("gz") => {
            Err(TapeError::Damaged {
                path: path.display().to_string(),
                why: format!("its name ends in .{extension}, but it does not begin like such a file"),
            })
        }
        _ => Ok(vec![part(path, None, Packing::Plain)]),
    }
}

fn part(path: &Path, member: Option<String>, packing: Packing) -> Part {
    Part {
        path: path.to_path_buf(),
        member,
        packing,
    }
}

/// The members of a zip archive, from its central directory: an archive whose end is missing has none.
fn members(path: &Path, file: File) -> Result<Vec<Part>, TapeError> {
    let damaged = |error: zip::result::ZipError| TapeError::Damaged {
        path: path.display().to_string(),
        why: error.to_string(),
    };
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    if archive.len() > MAX_MEMBERS {
        return Err(TapeError::Damaged {
            path: path.display().to_string(),
            why: format!("it has {} members; at most {MAX_MEMBERS} are read", archive.len()),
        });
    }
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index(index).map_err(damaged)?;
        if member.is_dir() {
            continue;
        }
        let name = String::from_utf8_lossy(member.name_raw())
            .chars()
            .take(120)
            .collect::<String>();
        let (start, length) = (member.data_start(), member.compressed_size());
        let packing = match (start, member.compression()) {
            (Some(start), zip::CompressionMethod::Stored) => Packing::Stored { start, length },
            (Some(start), zip::CompressionMethod::Deflated) => Packing::Deflated { start, length },
            (_, method) => {
                return Err(TapeError::Damaged {
                    path: format!("{}#{name}", path.display()),
                    why: format!("it is packed with {method}; only stored and deflated members are read"),
                });
            }
        };
        found.push(part(path, Some(name), packing));
    }
    if found.is_empty() {
        return Err(TapeError::Empty(path.display().to_string()));
    }
    Ok(found)
}

/// What reading a line gave.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// A line without its end.
    Line(&'a str),
    /// A line that can't be used, and why.
    Bad(&'static str),
    /// The end.
    End,
    /// The file can't be read any further, and why.
    Broken(String),
}

/// The lines of a part.
pub(super) struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    number: u64,
    unpacked: u64,
    line: Vec<u8>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Lines {
    /// The number of the line last read, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line.
    pub(super) fn step(&mut self) -> Step<'_> {
        self.line.clear();
        let (mut any, mut long) = (false, false);
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Step::Broken(format!("it breaks off after line {}: {error}", self.number));
                }
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(chunk.len(), |end| end + 1);
            if self.line.len() + taken <= MAX_LINE + 2 {
                self.line.extend_from_slice(&chunk[..taken]);
            } else {
                long = true;
            }
            self.reader.consume(taken);
            self.unpacked = self.unpacked.saturating_add(taken as u64);
            if end.is_some() {
                break;
            }
            if self.unpacked > MAX_UNPACKED {
                return Step::Broken(format!("it unpacks to more than {} GiB", MAX_UNPACKED >> 30));
            }
        }
        if !any {
            return Step::End;
        }
        self.number += 1;
        if self.unpacked > MAX_UNPACKED {
            return Step::Broken(format!("it unpacks to more than {} GiB", MAX_UNPACKED >> 30));
        }
        if long {
            return Step::Bad("the line is longer than 4096 bytes");
        }
        match std::str::from_utf8(&self.line) {
            Ok(line) => Step::Line(line.trim_end_matches(['\r', '\n'])),
            Err(_) => Step::Bad("the line is not text"),
        }
    }
}
