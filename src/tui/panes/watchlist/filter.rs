//! The filter of the watchlist: a small language of comparisons, `last > 5 and volume > 1m`, `% > 2 or pos != 0`,
//! `kind = future and not (session = closed)`. Reading a text is pure and points at the word that is wrong; what a column
//! is worth is for others. A comparison with what is not known is false, whichever way it is asked.

use super::column::Col;
use crate::tui::theme::nearest;
use std::ops::Range;

/// How deep brackets may lie in each other.
const DEEP: usize = 32;

/// How two things are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
}

impl Compare {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "=" | "==" | "is" => Self::Equal,
            "!=" | "<>" => Self::Unequal,
            _ => return None,
        })
    }
    #[allow(
        clippy::float_cmp,
        reason = "what a person typed is compared with what a person reads"
    )]
    fn numbers(self, a: f64, b: f64) -> bool {
        match self {
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            Self::Greater => a > b,
            Self::GreaterOrEqual => a >= b,
            Self::Equal => a == b,
            Self::Unequal => a != b,
        }
    }
}

/// One part of a filter.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Number(Col, Compare, f64),
    Word(Col, bool, String),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
}

/// A filter that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(Node);

/// What is wrong with a filter: where in the text, in bytes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The word.
    pub at: Range<usize>,
    /// What is wrong with it, and what would be right.
    pub text: String,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// It is none: where, and what would be right.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let words = words(text);
        let mut reader = Reader {
            words: &words,
            at: 0,
            end: text.len(),
            deep: 0,
        };
        let node = reader.any()?;
        match reader.next() {
            None => Ok(Self(node)),
            Some((at, word)) => Err(FilterError {
                at,
                text: format!("'{word}' is too much: join comparisons by and, or"),
            }),
        }
    }
    /// Does it let through what has these numbers and words?
    pub fn passes(&self, number: &dyn Fn(Col) -> Option<f64>, word: &dyn Fn(Col) -> String) -> bool {
        fn holds(node: &Node, number: &dyn Fn(Col) -> Option<f64>, word: &dyn Fn(Col) -> String) -> bool {
            match node {
                Node::Number(col, compare, to) => number(*col).is_some_and(|is| compare.numbers(is, *to)),
                Node::Word(col, equal, to) => word(*col).eq_ignore_ascii_case(to) == *equal,
                Node::Not(inner) => !holds(inner, number, word),
                Node::And(a, b) => holds(a, number, word) && holds(b, number, word),
                Node::Or(a, b) => holds(a, number, word) || holds(b, number, word),
            }
        }
        holds(&self.0, number, word)
    }
}

type Word<'a> = (Range<usize>, &'a str);

/// Cuts a text into words, brackets and signs of comparison.
fn words(text: &str) -> Vec<Word<'_>> {
    let sign = |c: char| matches!(c, '<' | '>' | '=' | '!');
    let (mut found, mut chars) = (Vec::new(), text.char_indices().peekable());
    while let Some((start, first)) = chars.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut end = start + first.len_utf8();
        let same = |c: char| match first {
            '(' | ')' => false,
            first if sign(first) => sign(c),
            _ => !c.is_whitespace() && !sign(c) && !matches!(c, '(' | ')'),
        };
        while let Some((at, c)) = chars.next_if(|(_, c)| same(*c)) {
            end = at + c.len_utf8();
        }
        found.push((start..end, &text[start..end]));
    }
    found
}

struct Reader<'a> {
    words: &'a [Word<'a>],
    at: usize,
    end: usize,
    deep: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Word<'a>> {
        let word = self.words.get(self.at).cloned();
        self.at += usize::from(word.is_some());
        word
    }
    /// Takes the next word where it is one of these.
    fn take(&mut self, any: &[&str]) -> bool {
        let is = self
            .words
            .get(self.at)
            .is_some_and(|(_, word)| any.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)));
        self.at += usize::from(is);
        is
    }
    fn missing(&self, what: &str) -> FilterError {
        let at = self
            .words
            .get(self.at)
            .map_or(self.end..self.end, |word| word.0.clone());
        FilterError {
            at,
            text: format!("{what} is missing here"),
        }
    }
    fn any(&mut self) -> Result<Node, FilterError> {
        let mut node = self.all()?;
        while self.take(&["or", "||"]) {
            node = Node::Or(Box::new(node), Box::new(self.all()?));
        }
        Ok(node)
    }
    fn all(&mut self) -> Result<Node, FilterError> {
        let mut node = self.one()?;
        while self.take(&["and", "&&"]) {
            node = Node::And(Box::new(node), Box::new(self.one()?));
        }
        Ok(node)
    }
    fn one(&mut self) -> Result<Node, FilterError> {
        self.deep += 1;
        if self.deep > DEEP {
            return Err(self.missing("an end: it is nested too deep; what"));
        }
        let node = if self.take(&["not"]) {
            Node::Not(Box::new(self.one()?))
        } else if self.take(&["("]) {
            let node = self.any()?;
            if !self.take(&[")"]) {
                return Err(self.missing("a )"));
            }
            node
        } else {
            self.comparison()?
        };
        self.deep -= 1;
        Ok(node)
    }
    fn comparison(&mut self) -> Result<Node, FilterError> {
        let Some((at, name)) = self.next() else {
            return Err(self.missing("a column, as in last > 5,"));
        };
        let Some(col) = Col::named(name) else {
            let near = nearest(&name.to_ascii_lowercase(), Col::ALL.iter().map(|col| col.name()));
            let hint = near.map_or_else(
                || "such as last, %, volume, spread, pos, kind".to_owned(),
                |near| format!("did you mean '{near}'?"),
            );
            return Err(FilterError {
                at,
                text: format!("'{name}' is no column; {hint}"),
            });
        };
        let Some((at, sign)) = self.next() else {
            return Err(self.missing("<, >, = or !="));
        };
        let Some(compare) = Compare::of(&sign.to_ascii_lowercase()) else {
            return Err(FilterError {
                at,
                text: format!("'{sign}' compares nothing; <, <=, >, >=, = or !="),
            });
        };
        let Some((at, value)) = self.next() else {
            return Err(self.missing("what to compare with"));
        };
        if col.is_word() {
            let equal = match compare {
                Compare::Equal => true,
                Compare::Unequal => false,
                _ => {
                    return Err(FilterError {
                        at,
                        text: format!("{} is a word: it is = or != '{value}'", col.name()),
                    });
                }
            };
            return Ok(Node::Word(col, equal, value.to_owned()));
        }
        match number(value) {
            Some(number) => Ok(Node::Number(col, compare, number)),
            None => Err(FilterError {
                at,
                text: format!("'{value}' is no number; write 5, -0.5, 2%, 10k, 1.5m or 1b"),
            }),
        }
    }
}

/// A number with its unit: `5`, `-0.5`, `2%`, `10k`, `1.5m`, `1b`.
fn number(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let (digits, unit) = match lower.chars().last()? {
        'k' => (&lower[..lower.len() - 1], 1e3),
        'm' => (&lower[..lower.len() - 1], 1e6),
        'b' => (&lower[..lower.len() - 1], 1e9),
        '%' => (&lower[..lower.len() - 1], 1.0),
        _ => (lower.as_str(), 1.0),
    };
    let plain = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
    let value: f64 = digits.parse().ok().filter(|_| plain)?;
    Some(value * unit).filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(text: &str, percent: Option<f64>) -> bool {
        let number = |col| match col {
            Col::Last => Some(10.0),
            Col::Volume => Some(2_000_000.0),
            Col::Percent => percent,
            _ => None,
        };
        let word = |col| if col == Col::Kind { "future" } else { "ESZ6" }.to_owned();
        Filter::parse(text).unwrap().passes(&number, &word)
    }

    #[test]
    fn comparisons_are_joined_as_people_read_them() {
        assert!(passes("last > 5 and volume > 1m", None));
        assert!(passes("LAST>=10 AND volume<=2M", None));
        assert!(!passes("last > 10", None));
        // `and` binds closer than `or`.
        assert!(passes("last = 10 or last = 11 and last = 12", None));
        assert!(!passes("(last = 10 or last = 11) and last = 12", None));
        assert!(passes("not last < 5 and kind = Future", None));
        assert!(passes("symbol != AAPL", None) && !passes("kind != future", None));
        assert!(passes("% > -2.5%", Some(-2.0)));
    }

    #[test]
    fn what_is_unknown_passes_no_comparison() {
        for text in ["% > 0", "% < 0", "% = 0", "% != 0"] {
            assert!(!passes(text, None), "{text}");
        }
        assert!(passes("% > 0 or last > 5", None));
    }

    #[test]
    fn errors_point_at_the_word() {
        for (text, at, wanted) in [
            ("lst > 5", 0..3, "did you mean 'last'?"),
            ("last > five", 7..11, "'five' is no number"),
            ("last about 5", 5..10, "'about' compares nothing"),
            ("last > 5 volume > 1", 9..15, "too much"),
            ("last >", 6..6, "what to compare with is missing"),
            ("last > 5 and", 12..12, "a column"),
            ("(last > 5", 9..9, "a ) is missing"),
            ("kind > future", 7..13, "is a word"),
            ("last > inf", 7..10, "no number"),
            ("", 0..0, "a column"),
        ] {
            let error = Filter::parse(text).unwrap_err();
            assert_eq!(error.at, at, "{text}: {}", error.text);
            assert!(error.text.contains(wanted), "{text}: {}", error.text);
        }
        let deep = "(".repeat(10_000);
        assert!(Filter::parse(&deep).is_err());
        assert!(Filter::parse("日本 > 5").is_err());
    }
}
