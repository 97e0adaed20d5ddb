//! Funds that move by a multiple of what they follow, or against it, as far as their names tell: a broker's contract says only
//! that it is a fund. A word of warning hangs on it, never a refusal.

/// What a fund's name says of how it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Geared {
    /// By a multiple.
    Leveraged,
    /// The other way.
    Inverse,
}

/// Words that follow `SHORT` in names of funds of bonds that end soon.
const OF_BONDS: &[&str] = &[
    "TERM",
    "TREASURY",
    "TREASURIES",
    "MATURITY",
    "DURATION",
    "BOND",
    "INCOME",
    "CORPORATE",
    "MUNICIPAL",
    "GOVT",
];

/// Whether a fund of this name is one; nothing where its name does not say so.
pub fn geared(name: &str) -> Option<Geared> {
    let upper = name.to_ascii_uppercase();
    let words: Vec<&str> = upper
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '+')))
        .filter(|word| !word.is_empty())
        .collect();
    let follows_bonds = |from: usize| words.iter().skip(from).any(|word| OF_BONDS.contains(word));
    words.iter().enumerate().find_map(|(place, word)| match *word {
        "INVERSE" | "BEAR" => Some(Geared::Inverse),
        "SHORT" if place > 0 && words.get(place - 1) != Some(&"ULTRA") && !follows_bonds(place) => {
            Some(Geared::Inverse)
        }
        "ULTRASHORT" | "ULTRAPRO" | "LEVERAGED" | "BULL" => Some(Geared::Leveraged),
        "ULTRA" if words.get(place + 1).is_some_and(|next| *next != "SHORT") => Some(Geared::Leveraged),
        word => multiple(word),
    })
}

/// `3X`, `-1X`, `1.5X`.
fn multiple(word: &str) -> Option<Geared> {
    let number: f64 = word.strip_suffix('X')?.parse().ok()?;
    if number < 0.0 {
        Some(Geared::Inverse)
    } else {
        (number > 1.0 && number < 10.0).then_some(Geared::Leveraged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_funds_say_how_they_follow() {
        for (name, is) in [
            ("PROSHARES ULTRAPRO QQQ", Some(Geared::Leveraged)),
            ("PROSHARES ULTRA S&P500", Some(Geared::Leveraged)),
            ("PROSHARES ULTRASHORT QQQ", Some(Geared::Leveraged)),
            ("PROSHARES SHORT S&P500", Some(Geared::Inverse)),
            ("DIREXION DAILY SEMI BULL 3X", Some(Geared::Leveraged)),
            ("DIREXION DAILY SEMI BEAR 3X", Some(Geared::Inverse)),
            ("-1X SHORT VIX FUTURES ETF", Some(Geared::Inverse)),
            ("GRANITESHARES 1.5X LONG NVDA", Some(Geared::Leveraged)),
            ("SPDR S&P 500 ETF TRUST", None),
            ("JPMORGAN ULTRA-SHORT INCOME", None),
            ("PGIM ULTRA SHORT BOND ETF", None),
            ("ISHARES SHORT TREASURY BOND", None),
            ("VANGUARD SHORT-TERM BOND", None),
            ("GLOBAL X COPPER MINERS ETF", None),
        ] {
            assert_eq!(geared(name), is, "{name}");
        }
    }
}
