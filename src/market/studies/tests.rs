//! Streaming equals batch for every indicator, and those that no oracle knows against their formula.

use super::*;
use proptest::prelude::*;

const ALL: [&str; 15] = [
    "sma 5",
    "ema 5",
    "emafirst 5",
    "wma 5",
    "vwap",
    "rvwap 5",
    "bb 5 1.5",
    "keltner 5 4 2",
    "rsi 5",
    "macd 3 7 4",
    "macdfirst 3 7 4",
    "atr 5",
    "adx 5",
    "obv",
    "stoch 5 3 2",
];

fn bars() -> impl Strategy<Value = Vec<Sample>> {
    prop::collection::vec((1.0f64..200.0, 0.0f64..5.0, 0.0f64..5.0, 0.0f64..1_000.0), 1..80).prop_map(
        |bars| {
            let bar = |(at, (close, up, down, volume)): (i64, (f64, f64, f64, f64))| Sample {
                open: close - down / 2.0,
                high: close + up,
                low: close - down,
                close,
                volume,
                session: at / 30,
            };
            (0..).zip(bars).map(bar).collect()
        },
    )
}
fn bits(lines: Lines) -> [Option<u64>; 3] {
    lines.map(|line| line.map(f64::to_bits))
}

proptest! {
    /// However bars come, one by one, after others that were forgotten, or with looks ahead between them, the values are
    /// the same to the last bit.
    #[test]
    fn streaming_equals_batch(bars in bars(), other in bars()) {
        for text in ALL {
            let spec: StudySpec = text.parse().unwrap();
            prop_assert_eq!(spec.to_string(), text);
            let mut batch = spec.build();
            let at_once: Vec<_> = bars.iter().map(|bar| { batch.update(bar); bits(batch.lines()) }).collect();
            let mut stream = spec.build();
            for bar in &other {
                stream.update(bar);
            }
            stream.reset();
            prop_assert_eq!(stream.value(), None);
            for (bar, wanted) in bars.iter().zip(at_once) {
                stream.peek_lines(&other[0]);
                prop_assert_eq!(bits(stream.peek_lines(bar)), wanted, "{} peek", text);
                let value = stream.peek(bar).map(f64::to_bits);
                prop_assert_eq!(value, stream.update(bar).map(f64::to_bits));
                prop_assert_eq!(bits(stream.lines()), wanted, "{}", text);
                prop_assert_eq!(stream.value().map(f64::to_bits), wanted[0]);
                let named = spec.lines().len();
                prop_assert!(wanted[named..].iter().all(Option::is_none), "{} has more lines than names", text);
            }
        }
    }

    #[test]
    fn weighted_average_and_channel_are_their_formulas(bars in bars()) {
        let (mut wma, mut keltner) = (Wma::new(5), Keltner::new(5, 3, 2.0));
        let (mut ema, mut atr) = (Ema::new(5, Seed::Mean), Atr::new(3));
        for (at, bar) in bars.iter().enumerate() {
            let (value, middle) = (wma.update(bar), keltner.update(bar));
            let (center, range) = (ema.update(bar), atr.update(bar));
            let wanted = (at >= 4).then(|| {
                (1..=5u8).map(|weight| f64::from(weight) * bars[at + usize::from(weight) - 5].close).sum::<f64>() / 15.0
            });
            prop_assert_eq!(value.is_some(), wanted.is_some());
            prop_assert!((value.unwrap_or(0.0) - wanted.unwrap_or(0.0)).abs() < 1e-9);
            prop_assert_eq!(middle, center.filter(|_| range.is_some()));
            if let ([_, Some(upper), Some(lower)], Some(range)) = (keltner.lines(), range) {
                prop_assert!((upper - lower - 4.0 * range).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn what_names_no_study_is_refused() {
    for bad in [
        "",
        "sma 0",
        "sma 1001",
        "sma -1",
        "vwap 3",
        "sma 5 5",
        "what",
        "bb 20 0",
        "bb 20 2.",
        "bb 20 .x",
        "bb 20 99",
        "macd 12 26 9 1",
        "stoch a",
    ] {
        assert!(bad.parse::<StudySpec>().is_err(), "{bad}");
    }
    for spec in StudySpec::OFFERED {
        assert_eq!(spec.to_string().parse(), Ok(spec));
        assert!(spec.longer(-9_999).to_string().parse::<StudySpec>().is_ok());
        assert!(spec.longer(9_999).to_string().parse::<StudySpec>().is_ok());
    }
}
