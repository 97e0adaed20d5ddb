//! Rule packs: those that are part of the program, and files of one's own.

use crate::domain::RulePack;
use std::path::Path;

/// The built-in packs: name and file.
pub const BUILT_IN: &[(&str, &str)] = &[
    (
        "topstep-combine-50k",
        include_str!("../../rules/topstep-combine-50k.toml"),
    ),
    (
        "topstep-combine-100k",
        include_str!("../../rules/topstep-combine-100k.toml"),
    ),
    (
        "topstep-combine-150k",
        include_str!("../../rules/topstep-combine-150k.toml"),
    ),
    ("apex-eval-50k", include_str!("../../rules/apex-eval-50k.toml")),
];

/// The pack of a name, or of a file where the name ends in `.toml`.
///
/// # Errors
/// There is none, or it says what can't be: in words.
pub fn load(name: &str) -> Result<RulePack, String> {
    let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
    let text = match built_in {
        Some((_, text)) => (*text).to_owned(),
        None if Path::new(name).extension().is_some_and(|end| end == "toml") => {
            std::fs::read_to_string(name).map_err(|error| format!("{name} can't be read: {error}"))?
        }
        None => {
            let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "'{}' is no rule pack; there are {}, or a file that ends in .toml",
                name.escape_default(),
                known.join(", ")
            ));
        }
    };
    let pack: RulePack = toml::from_str(&text).map_err(|error| format!("{name}: {}", error.message()))?;
    pack.check().map_err(|what| format!("{name}: {what}"))?;
    Ok(pack)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LimitName, LimitValue, Money};

    #[test]
    fn every_pack_is_sound_and_ours_are_never_beyond_the_firms() {
        for (name, _) in BUILT_IN {
            let pack = load(name).unwrap();
            let ours = pack.tighter();
            for (limit, firm) in [
                (LimitName::MaxDailyLoss, pack.daily_loss),
                (LimitName::MaxDrawdown, pack.max_drawdown),
            ] {
                match (ours.get(&limit), firm) {
                    (Some(LimitValue::Money(ours)), Some(firm)) => assert!(*ours <= firm, "{name} {limit}"),
                    (ours, firm) => assert!(ours.is_none() && firm.is_none(), "{name} {limit}"),
                }
            }
        }
        let pack = load("topstep-combine-50k").unwrap();
        let ours = pack.tighter();
        assert_eq!(
            ours[&LimitName::MaxDrawdown],
            LimitValue::Money(Money::whole(1_900))
        );
        // The floor trails, and stops at what the account began with.
        for (high, floor) in [
            (50_000, 48_000),
            (51_400, 49_400),
            (52_000, 50_000),
            (60_000, 50_000),
        ] {
            assert_eq!(
                pack.floor(Money::whole(high)),
                Some(Money::whole(floor)),
                "{high}"
            );
        }
        for (name, says) in [
            ("topstep", "there are topstep-combine-50k"),
            ("/none.toml", "can't be read"),
        ] {
            let error = load(name).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
