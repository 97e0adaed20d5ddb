//! Words alone: the grammar, errors that point, hostile text, and the examples of the document.

use crate::domain::{Distance, ExitPrice, Money, Price, Quantity, Side, TimeInForce, Timestamp};
use crate::engine::sentence::{
    Amount, OrderWords, Peg, PriceWords, Sentence, TifWords, parse, parse_outside,
};
use proptest::prelude::*;

fn words(text: &str) -> OrderWords {
    match parse(text) {
        Ok(Sentence::Order(words)) => *words,
        other => panic!("{text}: {other:?}"),
    }
}
fn number(text: &str) -> Price {
    text.parse().unwrap()
}

#[test]
fn sentences_mean_what_they_say() {
    let said = words("b 100 aapl @ 189.50 gtc stop 188 target 193 show 10");
    assert_eq!(
        (said.side, said.amount),
        (Side::Buy, Amount::Quantity(Quantity::whole(100).unwrap()))
    );
    assert_eq!(said.price, PriceWords::Limit(number("189.5")));
    assert_eq!(said.tif, TifWords::Said(TimeInForce::Gtc));
    assert_eq!(said.stop.unwrap().place, ExitPrice::At(number("188")));
    assert!(matches!(
        words("sell 2 ES stp 5000 lmt 4999.75").price,
        PriceWords::Stop(_, Some(_))
    ));
    let Ok(Sentence::Pair(both)) = parse("sell 100 AAPL @220 oco sell 100 AAPL stp 180") else {
        panic!("no pair")
    };
    assert!(matches!(both.0.price, PriceWords::Limit(_)));
    assert!(matches!(both.1.price, PriceWords::Stop(_, None)));
    let Ok(Sentence::Then(both)) = parse("buy 100 AAPL @ 189 then s 50 MSFT stp 380 gtc") else {
        panic!("no order after another")
    };
    assert_eq!(both.0.price, PriceWords::Limit(number("189")));
    assert_eq!((both.1.side, both.1.symbol.text.as_str()), (Side::Sell, "MSFT"));
    for (text, word) in [
        ("buy 100 AAPL then", "order behind then"),
        ("buy 100 AAPL then x AAPL", "'x' is no order"),
        ("buy {AAPL,MSFT} 10 then sell 10 AAPL", "no baskets"),
        (
            "buy 100 AAPL stop 180 then sell 100 AAPL @200",
            "no stop and target",
        ),
        ("buy 100 AAPL then sell all AAPL", "not held yet"),
        ("buy 100 AAPL @189 park then sell 100 AAPL", "parked"),
        ("buy 100 AAPL then sell 100 AAPL then buy 1 AAPL", "no third"),
        ("buy 100 AAPL then sell 100 AAPL oco sell 100 AAPL", "no third"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.text.contains(word), "{text}: {}", error.text);
    }
    let cancel = |text: &str| match parse(text) {
        Ok(Sentence::Cancel { symbol, stops_too }) => (symbol.is_some(), stops_too),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(cancel("x AAPL all"), (true, true));
    assert_eq!(cancel("x all"), (false, false));
    assert_eq!(cancel("cancel all all"), (false, true));
    for (text, whole) in [("flat ES", false), ("flat all", true), ("FLATTEN ALL", true)] {
        assert!(
            matches!(parse(text), Ok(Sentence::Flat { symbol, .. }) if symbol.is_none() == whole),
            "{text}"
        );
    }
    assert!(matches!(parse("rev ES"), Ok(Sentence::Reverse { .. })));
    assert!(matches!(parse("be ES"), Ok(Sentence::Breakeven { .. })));
}

#[test]
fn how_much_is_said_in_lots_in_money_by_risk_and_by_what_is_held() {
    let usd = |amount: &str| (amount.parse::<Money>().unwrap(), "USD".parse().unwrap());
    for (text, amount) in [
        ("b 10000usd MSFT @mid", Amount::Value(usd("10000").0, usd("1").1)),
        ("b $10000 MSFT @mid", Amount::Value(usd("10000").0, usd("1").1)),
        (
            "b 99.5EUR SAP mkt",
            Amount::Value("99.5".parse().unwrap(), "EUR".parse().unwrap()),
        ),
        ("b risk 1% TSLA @ask stop 241.20", Amount::RiskShare(100)),
        (
            "b risk 500usd TSLA @ask stop -1.5",
            Amount::Risk(usd("500").0, usd("1").1),
        ),
        ("sell all NVDA mkt", Amount::All),
        ("s half AAPL", Amount::Half),
        ("b 0.5 BTC.USD @bid", Amount::Quantity("0.5".parse().unwrap())),
    ] {
        assert_eq!(words(text).amount, amount, "{text}");
    }
}

#[test]
fn exits_are_prices_distances_or_multiples_and_oco_says_what_they_are() {
    let said = words("b 2 ES @bid stop -8t target 2R oco");
    assert_eq!(said.stop.unwrap().place.to_string(), "-8t");
    assert_eq!(said.target.unwrap().place.to_string(), "2R");
    assert!(matches!(said.price, PriceWords::Snapshot(Peg::Bid, _)));
    assert_eq!(words("b 2 ES tpl scalp").template.unwrap().text, "scalp");
    assert!(words("b 2 ES @mid peg").peg.is_some());
}

#[test]
fn a_basket_is_one_order_for_each_symbol() {
    for text in [
        "buy {AAPL,MSFT,NVDA} 5000usd mkt",
        "buy { AAPL, MSFT ,NVDA } 5000usd mkt",
        "buy 5000usd {AAPL,MSFT,NVDA} mkt",
    ] {
        let Ok(Sentence::Basket(orders)) = parse(text) else {
            panic!("{text}")
        };
        let names: Vec<&str> = orders.iter().map(|order| order.symbol.text.as_str()).collect();
        assert_eq!(names, ["AAPL", "MSFT", "NVDA"]);
        for order in &orders {
            assert_eq!(text[order.symbol.at.clone()], order.symbol.text);
        }
    }
}

#[test]
fn every_way_to_execute_has_its_words() {
    let amount = Distance::Amount {
        amount: number("0.5"),
    };
    let part = Distance::Percent { hundredths: 200 };
    for (text, price) in [
        ("sell 100 AAPL trail 0.50", PriceWords::Trail(amount, None)),
        (
            "sell 100 AAPL trail 2% lmt 0.10 gtc",
            PriceWords::Trail(part, Some(number("0.1"))),
        ),
        ("buy 100 AAPL moc", PriceWords::OnClose(None)),
        (
            "buy 100 AAPL loc 189.50",
            PriceWords::OnClose(Some(number("189.5"))),
        ),
        ("buy 100 AAPL mid", PriceWords::Midprice(None)),
        ("buy 100 AAPL mid day", PriceWords::Midprice(None)),
        (
            "buy 100 AAPL mid 189.60",
            PriceWords::Midprice(Some(number("189.6"))),
        ),
        ("buy 100 AAPL @mid", PriceWords::Snapshot(Peg::Mid, 14..17)),
    ] {
        assert_eq!(words(text).price, price, "{text}");
    }
    assert!(words("sell 100 AAPL trail 1 outside gtc").outside);
    assert_eq!(words("buy 100 AAPL opg").tif, TifWords::Said(TimeInForce::Opg));
    let until = Timestamp::parse("2026-12-24T15:00:00Z").unwrap();
    assert_eq!(
        words("buy 100 AAPL @189 gtd 2026-12-24T15:00Z").tif,
        TifWords::Said(TimeInForce::Gtd { until })
    );
    assert!(matches!(
        words("buy 100 AAPL @189 gtd 2026-12-24").tif,
        TifWords::EndOf(date, _) if date.to_string() == "2026-12-24"
    ));
}

#[test]
fn errors_point_at_the_word() {
    for (text, word) in [
        ("buy 0000 MSFT", "0000"),
        ("buy 0100 MSFT", "0100"),
        ("buy 0000usd MSFT", "0000usd"),
        ("buy $05 MSFT", "$05"),
        ("buy $ MSFT", "$"),
        ("buy -5 MSFT", "-5"),
        ("buy -5usd MSFT", "-5usd"),
        ("buy 1e9 MSFT", "1e9"),
        ("buy 10 MSFT @nan", "nan"),
        ("buy 10 MSFT whenever", "whenever"),
        ("purchase 10 MSFT", "purchase"),
        ("buy 10 MSFT @189 @190", "@190"),
        ("buy 10 MSFT mkt @190", "@190"),
        ("buy 10 MSFT day gtc", "gtc"),
        ("buy 10 MSFT stop 5 stop 6", "stop"),
        ("buy 10 MSFT @0", "0"),
        ("buy 10 MSFT oco close MSFT", "close"),
        ("buy 10 MSFT stop 5 oco sell 10 MSFT", "oco"),
        ("buy 10 MSFT oco", "oco"),
        ("buy 10 MSFT stop 5 oco", "oco"),
        ("buy {A,B} 10 oco sell 10 A", "oco"),
        ("buy 10", ""),
        ("sell 10 MSFT trail", ""),
        ("sell 10 MSFT trail 0%", "0%"),
        ("sell 10 MSFT trail 0.125%", "0.125%"),
        ("sell 10 MSFT trail 1 lmt 2%", "2%"),
        ("sell 10 MSFT moc 189", "189"),
        ("sell 10 MSFT loc gtc", "gtc"),
        ("sell 10 MSFT mid 189 @190", "@190"),
        ("sell 10 MSFT mkt gtd", ""),
        ("sell 10 MSFT mkt gtd tomorrow", "tomorrow"),
        ("sell 10 MSFT mkt gtd 2026-13-01", "2026-13-01"),
        ("sell 10 MSFT mkt gtd 2026-12-24T15:00", "2026-12-24T15:00"),
        ("buy risk 1% TSLA @ask", "risk 1%"),
        ("buy risk 1 TSLA @ask stop 5", "1"),
        ("buy risk 01% TSLA @ask stop 5", "01%"),
        ("buy risk 200% TSLA stop 5", "200%"),
        ("buy 5 ES target 2R", "2R"),
        ("buy 5 ES stop 2R", "2R"),
        ("buy 5 ES stop -8.5t", "-8.5t"),
        ("buy 5 ES stop", ""),
        ("buy 5 ES peg", "peg"),
        ("buy 5 ES @5000 peg", "peg"),
        ("sell all NVDA stop 5", "all"),
        ("buy {AAPL,MSFT 5 mkt", "{AAPL,MSFT"),
        ("buy {AAPL,,MSFT} 5 mkt", "{AAPL,,MSFT}"),
        ("buy {AAPL,aapl} 5 mkt", "aapl"),
        ("buy {A B} 5 mkt", "A B"),
        ("buy {} 5 mkt", "{}"),
        ("close", ""),
        ("close AAPL now", "now"),
        ("flat all all", "all"),
        ("x", ""),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(&text[error.at.clone()], word, "{text}: {error}");
    }
}

#[test]
fn a_dollar_sign_is_for_the_desk_and_the_remedy_is_said() {
    assert!(parse("b $10000 MSFT @mid").is_ok());
    let error = parse_outside("b $10000 MSFT @mid").unwrap_err();
    assert_eq!(error.at, 2..8);
    assert!(error.text.contains("write 10000usd"), "{error}");
    assert!(parse_outside("b 10000usd MSFT @mid").is_ok());
    assert!(parse_outside("b risk $500 MSFT @mid stop 1").is_err());
}

/// Every line of the document that is marked as an example, good or bad.
#[test]
fn the_examples_of_the_document_are_understood() {
    let document = include_str!("../../../../docs/SENTENCE.md");
    let (mut good, mut bad) = (0, 0);
    let mut block = "";
    for line in document.lines() {
        if let Some(kind) = line.strip_prefix("```") {
            block = kind;
            continue;
        }
        // Behind two spaces and a # stands what it means.
        let sentence = line.split("  #").next().unwrap_or_default().trim();
        match block {
            "sentence" if !sentence.is_empty() => {
                assert!(parse(sentence).is_ok(), "{sentence}: {:?}", parse(sentence));
                good += 1;
            }
            "wrong" if !sentence.is_empty() => {
                let wanted = line.split("  #").nth(1).unwrap_or_default().trim();
                let error = parse_outside(sentence).unwrap_err().to_string();
                assert!(error.contains(wanted), "{sentence}: {error}");
                bad += 1;
            }
            _ => {}
        }
    }
    assert!(good >= 40 && bad >= 8, "{good} good, {bad} bad");
}

proptest! {
    #[test]
    fn no_text_panics_and_errors_stay_within_it(text in ".{0,80}") {
        for parsed in [parse(&text), parse_outside(&text)] {
            if let Err(error) = parsed {
                prop_assert!(text.get(error.at).is_some());
            }
        }
    }

    /// Texts made of the grammar's own words get further in than chance does.
    #[test]
    fn no_order_of_words_panics(picked in proptest::collection::vec(0usize..48, 0..12), noise in ".{0,6}") {
        const WORDS: [&str; 48] = [
            "buy", "b", "sell", "s", "100", "0", "007", "$5", "5usd", "-5", "risk", "1%", "all", "half", "AAPL", "{A,B}",
            "{", "{A,", "}", "@", "@bid", "@mid", "peg", "@189.5", "mkt", "lmt", "stp", "trail", "moc", "loc", "mid", "day",
            "gtd", "2026-12-24", "stop", "target", "-8t", "2R", "+0.4", "tpl", "show", "oco", "x", "close", "flat", "reverse",
            "outside", "é",
        ];
        let mut text: Vec<&str> = picked.iter().map(|at| WORDS[*at]).collect();
        text.push(&noise);
        let text = text.join(" ");
        if let Err(error) = parse(&text) {
            prop_assert!(text.get(error.at.clone()).is_some(), "{:?}", error);
        }
    }
}
