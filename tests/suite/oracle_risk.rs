//! Risk figures against numpy, scipy and pandas: every file of adjusted closes with what is expected of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use super::oracle_files as files;
use files::Table;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use tradewind::market::statistics as ours;

/// The tolerance of the oracle's conventions.
const TOLERANCE: f64 = 1e-9;

struct Check {
    file: String,
    ran: usize,
}

impl Check {
    fn number(&mut self, what: &str, found: Option<f64>, wanted: &Value) {
        let wanted = wanted
            .as_f64()
            .unwrap_or_else(|| panic!("{}: {what} is not told", self.file));
        let found = found.unwrap_or_else(|| panic!("{}: {what} is not counted", self.file));
        assert!(
            files::close(found, wanted, TOLERANCE),
            "{}: {what}: {found} is not {wanted}",
            self.file
        );
        self.ran += 1;
    }

    /// What is told at a level of confidence; other names there are the oracle's variants.
    fn tail(&mut self, asset: &str, level: &str, returns: &[f64], told: &Value) {
        let confidence: f64 = level.parse().unwrap();
        let (past, normal) = (
            ours::historical(returns, confidence),
            ours::parametric(returns, confidence),
        );
        let what = |name: &str| format!("{asset} {level} {name}");
        let at_risk = past.map(|tail| tail.at_risk);
        for (name, found) in [
            ("hist_var_linear", at_risk),
            (
                "hist_cvar_mean_of_returns_le_linear_quantile",
                past.map(|tail| tail.beyond),
            ),
            ("param_normal_var", normal.map(|tail| tail.at_risk)),
            ("param_normal_cvar", normal.map(|tail| tail.beyond)),
            (
                "hist_var_linear_10d_sqrt",
                at_risk.map(|risk| risk * 10f64.sqrt()),
            ),
        ] {
            self.number(&what(name), found, &told[name]);
        }
    }

    fn asset(&mut self, asset: &str, returns: &[f64], market: (&str, &[f64]), told: &Value) {
        for (name, value) in told.as_object().unwrap() {
            if value.is_object() {
                self.tail(asset, name, returns, value);
            }
        }
        let (benchmark, market) = market;
        let beta = ours::beta(returns, market);
        self.number(
            &format!("{asset} beta"),
            beta,
            &told[format!("beta_vs_{benchmark}")],
        );
        let squared = ours::pearson(returns, market).map(|r| r * r);
        self.number(&format!("{asset} r²"), squared, &told["r_squared"]);
        let last = returns.len() - 60;
        let rolling = ours::beta(&returns[last..], &market[last..]);
        self.number(
            &format!("{asset} rolling beta"),
            rolling,
            &told["rolling_beta_60_last"],
        );
        let yearly = ours::ewma_variance(returns, ours::DECAY).map(|variance| (variance * ours::YEAR).sqrt());
        self.number(
            &format!("{asset} ewma"),
            yearly,
            &told["ewma_vol_lambda0.94_annual_seed_first_sq"],
        );
    }
}

fn check(closes: &Path, expected: &Path) -> usize {
    let table = Table::read(closes);
    let told: Value = serde_json::from_str(&files::text(expected)).unwrap();
    let names: Vec<&str> = table
        .columns()
        .iter()
        .map(String::as_str)
        .filter(|name| *name != "date")
        .collect();
    let returns: BTreeMap<&str, Vec<f64>> = names
        .iter()
        .map(|name| {
            let closes: Vec<f64> = table.rows().map(|row| row.f64(name)).collect();
            (*name, ours::returns(&closes).unwrap())
        })
        .collect();
    let mut check = Check {
        file: files::stem(closes),
        ran: 0,
    };
    // The asset whose beta to itself is told is the market of the file.
    let first = told["assets"].as_object().unwrap().values().next().unwrap();
    let benchmark = first
        .as_object()
        .unwrap()
        .keys()
        .find_map(|key| key.strip_prefix("beta_vs_"))
        .unwrap();
    for name in &names {
        let market = (benchmark, returns[benchmark].as_slice());
        check.asset(name, &returns[name], market, &told["assets"][name]);
        for other in &names {
            let (a, b) = (&returns[name], &returns[other]);
            let pair = |table: &str| format!("{table} of {name} and {other}");
            check.number(
                &pair("pearson"),
                ours::pearson(a, b),
                &told["pearson"][name][other],
            );
            check.number(
                &pair("spearman"),
                ours::spearman(a, b),
                &told["spearman"][name][other],
            );
            let covariance = &told["covariance_ddof1"][name][other];
            check.number(&pair("covariance"), ours::covariance(a, b), covariance);
        }
    }
    let equal = &told["equal_weight_daily_rebalanced"];
    let days = returns[names[0]].len();
    let share = 1.0 / f64::from(u32::try_from(names.len()).unwrap());
    let portfolio: Vec<f64> = (0..days)
        .map(|day| names.iter().map(|name| returns[name][day] * share).sum())
        .collect();
    let tail = ours::historical(&portfolio, 0.95);
    check.number(
        "equal weights at risk",
        tail.map(|tail| tail.at_risk),
        &equal["hist_var95_linear"],
    );
    check.number(
        "equal weights beyond",
        tail.map(|tail| tail.beyond),
        &equal["hist_cvar95_le"],
    );
    let yearly = ours::deviation(&portfolio).map(|deviation| deviation * ours::YEAR.sqrt());
    check.number("equal weights a year", yearly, &equal["vol_annual"]);
    check.ran
}

#[test]
fn oracle_risk() {
    let Some(root) = files::shared() else { return };
    let folder = root.join("oracle/risk");
    let (all, mut ran) = (files::files_in(&folder), 0);
    for closes in &all {
        let name = closes.to_string_lossy();
        let Some((stem, _)) = name.split_once(".adjclose.csv") else {
            continue;
        };
        let expected = all
            .iter()
            .find(|path| {
                path.to_string_lossy()
                    .starts_with(&format!("{stem}.expected.json"))
            })
            .unwrap_or_else(|| panic!("{name} has nothing that is expected of it"));
        ran += check(closes, expected);
    }
    files::report("risk", ran);
}
